"""What lifecycle nodes share: configuring, and saying why it failed."""

from collections.abc import Callable
from typing import Any

from rclpy.lifecycle import TransitionCallbackReturn

from synth_nodes.errors import InputError


def configured(node: Any, build: Callable[[], None]) -> TransitionCallbackReturn:
    """
    Run what a node does to configure itself.

    :param node: has `fault`, set to what is wrong or emptied, and `settings.autostart`.
    :param build: raises an InputError where it cannot.
    """
    try:
        build()
    except InputError as error:
        node.fault = f'{node.get_name()}: {error}'
        if not node.settings.autostart:  # which raises it, and so it is said once
            node.get_logger().error(node.fault)
        return TransitionCallbackReturn.FAILURE
    node.fault = ''
    return TransitionCallbackReturn.SUCCESS
