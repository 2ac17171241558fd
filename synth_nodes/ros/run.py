"""
The life of a node's process: start, spin, end, and the exit code.

Exit codes: 0 ended on request, 1 failed or hung when asked to end, 2 the input is wrong (one line
says what).
"""

from collections.abc import Callable, Sequence
import faulthandler
import gc
import re
import signal
import sys
from typing import Any, NoReturn, Protocol, runtime_checkable

import rclpy
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from synth_nodes.errors import InputError

try:
    from rclpy.experimental.events_executor import EventsExecutor as _Executor
except ImportError:  # before Kilted
    _Executor = SingleThreadedExecutor

WAIT = 0.2
"""Longest wait [s] of the main loop, so the time in which an idle node notices a signal."""
END = 8.0
"""Longest time [s] to end in; a node that hangs then says where, and its process is ended."""


class Finished(Exception):
    """Raised in a callback to end the node's process with an exit code."""

    def __init__(self, code: int = 0) -> None:
        """:param code: exit code."""
        super().__init__(code)
        self.code = code


@runtime_checkable
class Closes(Protocol):
    """A node that has something to say or to stop before its process ends."""

    def close(self) -> None:
        """Say last words while the context is still valid; called once."""


def run_node(factory: Callable[[], Node], args: Sequence[str] | None = None,
             events: bool = True) -> NoReturn:
    """
    Run a node until SIGINT, SIGTERM or :class:`Finished`, then exit.

    :param factory: makes the node; an InputError it raises is printed in one line, exit code 2.
    :param args: command line as of `sys.argv`, with ``--ros-args`` and all.
    :param events: whether to use the EventsExecutor where there is one; that of Kilted raises
        SystemError in subscriptions whose callbacks take the message's info too.
    """
    stop = _Stop()
    try:
        # Our own signal handlers: those of rclpy end the context before last words are said.
        rclpy.init(args=None if args is None else list(args),
                   signal_handler_options=SignalHandlerOptions.NO)
        code = _live(factory, stop, events)
    except InputError as error:
        code = _complain(str(error))
    except Exception as error:
        line = _arguments_error(error)
        if line is None:
            raise
        code = _complain(line)
    finally:
        stop.hurry()
        rclpy.try_shutdown()
        faulthandler.cancel_dump_traceback_later()
    sys.exit(code)


def autostart(node: Any) -> None:
    """
    Configure and activate a lifecycle node.

    :raises InputError: what its `fault` attribute says, when a transition fails.
    """
    for trigger in (node.trigger_configure, node.trigger_activate):
        if trigger() != TransitionCallbackReturn.SUCCESS:
            raise InputError(node.fault or f'{node.get_name()}: could not be started')


class _Stop:
    """Whether a signal has asked the process to end."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: Any) -> None:
        self.asked = True

    def hurry(self) -> None:
        """Let no further signal disturb the clean-up, and nothing that hangs hold it up."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        # A thread of its own, outside Python: it ends a process that waits with the GIL held too.
        faulthandler.dump_traceback_later(END, exit=True)


def _live(factory: Callable[[], Node], stop: _Stop, events: bool) -> int:
    node = factory()
    executor: Executor = (_Executor if events else SingleThreadedExecutor)()
    executor.add_node(node)
    # What is alive now stays: the collector need not look at it again in the control loop.
    gc.collect()
    gc.freeze()
    code = 0
    try:
        # spin() and spin_once() without a timeout never dispatch in the EventsExecutor.
        while rclpy.ok() and not stop.asked:
            executor.spin_once(timeout_sec=WAIT)
    except Finished as finished:
        code = finished.code
    except ExternalShutdownException:
        pass
    finally:
        stop.hurry()
        if isinstance(node, Closes):
            node.close()
        executor.remove_node(node)
        node.destroy_node()
    return code


def _complain(line: str) -> int:
    print(' '.join(line.split()), file=sys.stderr, flush=True)
    return 2


def _arguments_error(error: Exception) -> str | None:
    """Say in one line what is wrong with the command line or a parameter file, if that is it."""
    kind = type(error).__name__
    text = re.sub(r', at /\S+:\d+', '', str(error)).removeprefix('failed to initialize rcl: ')
    if kind == 'UnknownROSArgsError':
        return f'unknown ROS arguments: {text}'
    if kind == 'RCLInvalidROSArgsError' or text.startswith("Couldn't parse"):
        return f'ROS arguments: {text}'
    if 'PARAMETER_NOT_SET' in text:
        return 'ROS arguments: a parameter has no value, such as an empty list; give it one'
    return None
