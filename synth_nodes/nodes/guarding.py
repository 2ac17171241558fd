"""The guard of a safety monitor out of the node's parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from synth_nodes.errors import InputError
from synth_nodes.infer.collision import CollisionPredictor, load_predictor
from synth_nodes.nodes.guard import Guard
from synth_nodes.nodes.parameters import SafetyMonitorParameters
from synth_nodes.safety.intake import Intake
from synth_nodes.safety.log import SafetyLog
from synth_nodes.safety.mounts import Mount, mount_of
from synth_nodes.safety.rules import unseen_reach
from synth_nodes.safety.source_checks import check_sources, oldest_data
from synth_nodes.safety.zone_settings import masks_of, SourceSettings, user_zones
from synth_nodes.settings import groups_of
from synth_nodes.types import LidarSpec

WHERE = 'safety_monitor_node'


def sources_of(s: SafetyMonitorParameters) -> Mapping[str, SourceSettings]:
    """List the sources by name; where none is given, the scan with the mount of the lidar."""
    x, y, yaw = s.lidar.mount
    return groups_of(s.sources) or {'scan': SourceSettings(mount=(x, y, 0.0, 0.0, 0.0, yaw))}


def build_guard(s: SafetyMonitorParameters, transforms: bool,
                log: SafetyLog | None) -> tuple[Guard, str]:
    """
    Make the guard, and one to rehearse with first.

    :param transforms: whether TF can give poses of sensors.
    :return: the guard, and why there is no learned predictor where one was asked for.
    :raises InputError: naming the rule, zone or source that cannot be used.
    """
    sources = sources_of(s)
    check_sources(s.safety, s.robot, sources, s.lidar.rate)
    if s.safety.source.unseen != 'free' and all(
            source.kind == 'polygon' for source in sources.values()):
        raise InputError(f'{WHERE}: polygons ({", ".join(sources)}) show no free space; add a '
                         "source that does, or take all for free: safety.source.unseen = 'free'")
    rehearse(_guard(s, transforms, None, None, real=False))
    predictor, problem = _predictor(s)
    return _guard(s, transforms, log, predictor, real=True), problem


def _guard(s: SafetyMonitorParameters, transforms: bool, log: SafetyLog | None,
           predictor: CollisionPredictor | None, real: bool) -> Guard:
    sources = sources_of(s)
    masks = masks_of(s.exclusions, list(sources), WHERE)
    reach = unseen_reach(s.safety, s.robot, oldest_data(s.safety, sources))
    intakes = [Intake(name, _framed(source, s.base_frame), s.safety.source,
                      _mount(name, source, s, transforms), masks[name],
                      footprint=s.robot.footprint, reach=reach)
               for name, source in sources.items()]
    zones = user_zones(s.zones, list(sources), s.robot.polygon, WHERE)
    return Guard(s.safety, s.robot, s.lidar.mount, log, intakes=intakes, zones=zones,
                 lidar=_scanner(s, intakes) if real else None, predictor=predictor)


def _scanner(s: SafetyMonitorParameters, intakes: Sequence[Intake]) -> LidarSpec | None:
    """Describe the first scanner, which the rules rely on to see; None where there is none."""
    first = next((i for i in intakes if i.settings.kind == 'scan'), None)
    if first is None or first.mount is None:
        return s.lidar if first is not None else None
    return replace(s.lidar, mount=first.mount.planar[:3])


def _framed(source: SourceSettings, base: str) -> SourceSettings:
    """Say in which frame polygons are without a mount: in that of the robot."""
    if source.kind == 'polygon' and not source.mount and not source.frame:
        return replace(source, frame=base)
    return source


def _mount(name: str, source: SourceSettings, s: SafetyMonitorParameters,
           transforms: bool) -> Mount | None:
    """Pose of a source; None where TF gives it."""
    where = f"{WHERE}: source '{name}'"
    pose = source.mount
    if not pose and source.kind != 'polygon':
        if transforms:
            return None
        if source.kind != 'scan':
            raise InputError(f"{where}: 'mount' is not given, and tf2_ros, which would know it, "
                             'is not installed; give [x, y, z, roll, pitch, yaw]')
        x, y, yaw = s.lidar.mount
        pose = (x, y, 0.0, 0.0, 0.0, yaw)
    try:
        mount = mount_of(pose)
        if source.kind == 'scan':
            mount.planar  # noqa: B018 - raises where a scan cannot be used
    except InputError as error:
        raise InputError(f'{where}: {error}') from None
    return mount


def _predictor(s: SafetyMonitorParameters) -> tuple[CollisionPredictor | None, str]:
    """Load the learned predictor; its lack is no reason not to start, only to be said."""
    if not s.risk_model:
        return None, ''
    try:
        return load_predictor(s.risk_model, s.robot, s.lidar), ''
    except InputError as error:
        return None, f'no learned predictor: {error}'


def rehearse(guard: Guard) -> None:
    """
    Judge a few times on made-up data, so that the first real verdict is as fast as any.

    :param guard: one made for this alone: it is not to be used afterwards.
    """
    angles = np.linspace(-np.pi, np.pi, 360, endpoint=False)
    points = np.stack((2.0 * np.cos(angles), 2.0 * np.sin(angles), 0.3 + 0.0 * angles), axis=1)
    for step, distance in enumerate(np.linspace(3.0, 0.3, 6)):
        stamp = 0.05 * step
        for name, intake in guard.intakes.items():
            intake.mount = intake.mount or mount_of(())
            if intake.settings.kind == 'scan':
                guard.take_scan(np.full(360, distance), angles, 0.05, 12.0, stamp, name)
            elif intake.settings.kind == 'pointcloud':
                guard.take_cloud(points, stamp, name)
            else:
                guard.take_polygon(points[::4, :2], stamp, name)
        guard.take_odometry(np.array((0.2, 0.0, 0.1)), stamp)
        guard.check(np.array((0.3, 0.0, 0.1)), stamp, stamp)
