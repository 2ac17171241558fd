"""
The environments under Gymnasium's names.

Importing this module registers them, as Gymnasium wants it:

    gymnasium.register_envs(synth_nodes.envs.registration)
    gymnasium.make('synth_nodes/GoalReaching-v0')
    gymnasium.make_vec('synth_nodes/LineFollowing-v0', num_envs=1024, threads=2)

or without an import: `gymnasium.make('synth_nodes.envs.registration:synth_nodes/...')`.
"""

from collections.abc import Sequence

import gymnasium

from synth_nodes.envs.docking import DockingTask
from synth_nodes.envs.docking_settings import DockingSettings
from synth_nodes.envs.goal_reaching import GoalReachingTask
from synth_nodes.envs.line_camera import LineCameraTask
from synth_nodes.envs.line_following import LineFollowingTask
from synth_nodes.envs.settings import (
    GoalReachingSettings,
    LineCameraSettings,
    LineFollowingSettings,
)
from synth_nodes.envs.single import SingleEnv
from synth_nodes.envs.vector import BatchedVectorEnv
from synth_nodes.types import GridMap
from synth_nodes.world.scene import Scene

GOAL_REACHING = 'synth_nodes/GoalReaching-v0'
LINE_FOLLOWING = 'synth_nodes/LineFollowing-v0'
LINE_CAMERA = 'synth_nodes/LineCamera-v0'
DOCKING = 'synth_nodes/Docking-v0'


def make_goal_reaching(settings: GoalReachingSettings | None = None,
                       maps: Sequence[GridMap | Scene] | None = None) -> SingleEnv:
    """Make an environment of one robot that reaches goals; see `GoalReachingTask`."""
    return SingleEnv(GoalReachingTask(settings or GoalReachingSettings(), maps))


def make_goal_reaching_batch(
    num_envs: int = 1, settings: GoalReachingSettings | None = None,
    maps: Sequence[GridMap | Scene] | None = None, threads: int = 1, copy: bool = True,
) -> BatchedVectorEnv:
    """Make the same for a batch; see `BatchedVectorEnv`."""
    task = GoalReachingTask(settings or GoalReachingSettings(), maps)
    return BatchedVectorEnv(task, num_envs, threads, copy)


def make_line_following(settings: LineFollowingSettings | None = None,
                        maps: Sequence[Scene] | None = None) -> SingleEnv:
    """Make an environment of one robot that follows lines; see `LineFollowingTask`."""
    return SingleEnv(LineFollowingTask(settings or LineFollowingSettings(), maps))


def make_line_following_batch(
    num_envs: int = 1, settings: LineFollowingSettings | None = None,
    maps: Sequence[Scene] | None = None, threads: int = 1, copy: bool = True,
) -> BatchedVectorEnv:
    """Make the same for a batch; see `BatchedVectorEnv`."""
    task = LineFollowingTask(settings or LineFollowingSettings(), maps)
    return BatchedVectorEnv(task, num_envs, threads, copy)


def make_line_camera(settings: LineCameraSettings | None = None,
                     maps: Sequence[Scene] | None = None) -> SingleEnv:
    """Make an environment of one robot that sees lines by a camera; see `LineCameraTask`."""
    return SingleEnv(LineCameraTask(settings or LineCameraSettings(), maps))


def make_line_camera_batch(
    num_envs: int = 1, settings: LineCameraSettings | None = None,
    maps: Sequence[Scene] | None = None, threads: int = 1, copy: bool = True,
) -> BatchedVectorEnv:
    """Make the same for a batch; see `BatchedVectorEnv`."""
    task = LineCameraTask(settings or LineCameraSettings(), maps)
    return BatchedVectorEnv(task, num_envs, threads, copy)


def make_docking(settings: DockingSettings | None = None,
                 maps: Sequence[GridMap | Scene] | None = None) -> SingleEnv:
    """Make an environment of one robot that docks; see `DockingTask`."""
    return SingleEnv(DockingTask(settings or DockingSettings(), maps))


def make_docking_batch(
    num_envs: int = 1, settings: DockingSettings | None = None,
    maps: Sequence[GridMap | Scene] | None = None, threads: int = 1, copy: bool = True,
) -> BatchedVectorEnv:
    """Make the same for a batch; see `BatchedVectorEnv`."""
    task = DockingTask(settings or DockingSettings(), maps)
    return BatchedVectorEnv(task, num_envs, threads, copy)


def register() -> None:
    """Make the environments known to Gymnasium; more than once does no harm."""
    for name, maker in ((GOAL_REACHING, make_goal_reaching),
                        (LINE_FOLLOWING, make_line_following),
                        (LINE_CAMERA, make_line_camera), (DOCKING, make_docking)):
        if name not in gymnasium.registry:
            entry = f'{__name__}:{maker.__name__}'
            gymnasium.register(name, entry_point=entry, vector_entry_point=f'{entry}_batch')


register()
