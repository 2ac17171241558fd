"""Where the policy node gets its model, and how it loads another while it drives."""

from pathlib import Path
from threading import Thread

from rclpy.node import Node
from rclpy.task import Future

from synth_nodes.errors import InputError
from synth_nodes.export.registry import is_registry
from synth_nodes.infer.session import load_policy, PolicySession
from synth_nodes.nodes.dock_driver import DockDriver
from synth_nodes.nodes.driver import Driver, rehearse
from synth_nodes.nodes.image_driver import ImageDriver
from synth_nodes.nodes.parameters import PolicyParameters
from synth_nodes.policy.docking import TASK as DOCKING
from synth_nodes.policy.goal_reaching import TASK


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


def scan_driver(session: PolicySession, settings: PolicyParameters) -> Driver | DockDriver:
    """
    Make what drives by a lidar: along paths, or into docks, whichever the policy is for.

    :raises InputError: when it is for neither, or the lidar's mount makes no sense.
    """
    s, contract = settings, session.contract
    if contract.task == DOCKING:
        return DockDriver(session, s.dock, s.lidar, s.scan_timeout, s.odom_timeout)
    contract.check_task(TASK, str(session.path))
    rehearse(session, contract.observation, s.lidar)
    return Driver(session, contract.observation, s.lidar, s.goal_tolerance, s.scan_timeout,
                  s.odom_timeout)


def exchange(old: PolicySession, new: PolicySession, driver: Driver | DockDriver | None,
             pilot: ImageDriver | None) -> PolicySession | Exception:
    """Drive with a new policy from now on; one for another task is refused with an error."""
    try:
        new.contract.check_task(old.contract.task, str(new.path))
    except InputError as error:
        return error
    if driver is not None:
        driver.swap(new, new.contract.observation)
    if pilot is not None:
        pilot.policy = new
    return new
