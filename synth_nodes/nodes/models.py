"""Where the policy node gets its model, and how it loads another while it drives."""

from pathlib import Path
from threading import Thread

from rclpy.node import Node
from rclpy.task import Future

from synth_nodes.export.registry import is_registry
from synth_nodes.infer.session import load_policy, PolicySession
from synth_nodes.nodes.parameters import PolicyParameters


def load(settings: PolicyParameters) -> PolicySession:
    """
    Load the registry's current version, or `model` where there is none.

    :raises InputError: when there is no policy, or it does not fit the robot or what it sees with.
    """
    place = settings.model
    if settings.registry and is_registry(Path(settings.registry)):
        place = settings.registry
    return load_policy(place, settings.robot, lidar=settings.lidar, camera=settings.camera)


async def load_beside(node: Node, settings: PolicyParameters) -> PolicySession | Exception:
    """Load in a thread while the node goes on; an error is returned, not raised."""
    done: Future[PolicySession | Exception] = Future(executor=node.executor)

    def work() -> None:
        try:
            done.set_result(load(settings))
        except Exception as error:
            done.set_result(error)

    Thread(target=work, daemon=True).start()
    loaded = await done
    assert loaded is not None
    return loaded

