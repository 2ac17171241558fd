"""Cycles of a safety monitor, tame and wild, and logs of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from synth_nodes.safety import watchdog
from synth_nodes.safety.brakes import Brakes
from synth_nodes.safety.cycle import Cycle, decide, recorded_points
from synth_nodes.safety.log import header
from synth_nodes.safety.log_files import SafetyLogSettings
from synth_nodes.safety.log_format import CycleRecord, Event
from synth_nodes.safety.log_writer import LogWriter
from synth_nodes.safety.nav2_zones import SubZone, UserZone
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sources import PointSource, RobotState
from synth_nodes.safety.watchdog import Watch
from synth_nodes.types import RobotSpec

RULES, ROBOT = SafetyRules(), RobotSpec()
CORNERS = np.array(((1.0, 0.8), (-0.4, 0.8), (-0.4, -0.8), (1.0, -0.8)))
ZONES = (
    UserZone('near', 'polygon', 'slowdown', CORNERS, release_after=3, hold_time=0.1),
    UserZone('round', 'circle', 'limit', radius=1.2, sources=('scan',), trigger_after=2),
    UserZone('fast', 'velocity_polygon', 'approach', sub_zones=(
        SubZone('on', CORNERS, -1.0, 1.0, -4.0, 4.0),), holonomic=True, min_points=2),
    UserZone('seen', 'footprint', 'none', CORNERS / 2))
SMALLEST = 65536


def drive(count, beams=40, seed=0, exact=False, wild=False):
    """Records of a drive through random points; `wild` adds whatever may go wrong."""
    rng = np.random.default_rng(seed)
    records, previous, watch, held = [], None, Watch(), {}
    points = np.zeros((0, 2))
    for k in range(count):
        if k % 3 == 0:
            points = rng.uniform(-2, 2, (beams, 2))
            points = points if exact else recorded_points(points)
        now = 100.0 + k * 0.025
        cycle = Cycle(now, rng.uniform(-0.5, 0.8, 3), now - 0.01,
                      RobotState(rng.normal(0, 0.2, 3), 0.01),
                      (PointSource('scan', points, 0.02, True),), watch, previous,
                      zones=ZONES if wild else (), held=held)
        cycle = spoiled(cycle, rng) if wild else cycle
        outcome = decide(RULES, ROBOT, cycle)
        records.append(CycleRecord(cycle, outcome.verdict))
        previous, watch, held = outcome.core, outcome.watch, outcome.held
    return records


def spoiled(cycle, rng):
    """Spoil a cycle in one of many ways, or in none."""
    scan = cycle.sources[0]
    ways = [
        lambda: cycle,
        lambda: replace(cycle, command=np.array([np.nan, 0.0, np.inf])),
        lambda: replace(cycle, command=np.zeros(2)),
        lambda: replace(cycle, stamp=None),
        lambda: replace(cycle, stamp=None, watch=Watch()),
        lambda: replace(cycle, stamp=cycle.now + 9.0),
        lambda: replace(cycle, fault='its frame is map, not base_link'),
        lambda: replace(cycle, watch=watchdog.latch(cycle.watch, 'a hand on the button')),
        lambda: replace(cycle, watch=Watch(cycle.now - 0.02, '', cycle.now + 3.0)),
        lambda: replace(cycle, state=RobotState(np.full(3, np.nan), np.inf)),
        lambda: replace(cycle, state=RobotState(np.zeros(4), 0.0)),
        lambda: replace(cycle, state=replace(cycle.state, pending=np.array([[0.5, 0.0, 0.2]]))),
        lambda: replace(cycle, sources=()),
        lambda: replace(cycle, sources=(replace(scan, valid=False, reason='blind – 40 %'),)),
        lambda: replace(cycle, sources=(replace(scan, points_base=np.zeros(5)),)),
        lambda: replace(cycle, sources=(replace(scan, points_base=np.full((2, 2), -np.inf)),)),
        lambda: replace(cycle, sources=(scan, replace(scan, name='rear', age=-0.01))),
        lambda: replace(cycle, sources=(replace(scan, points_base=np.zeros((0, 2))),)),
        lambda: replace(cycle, previous=None),
        lambda: replace(cycle, zones=(UserZone('late', 'polygon', 'stop'),)),
        lambda: replace(cycle, risk=float(rng.uniform())),
        lambda: replace(cycle, risk=np.nan),
        lambda: replace(cycle, off=True),
        lambda: replace(cycle, brakes=Brakes(0.6, 0.2)),
        lambda: replace(cycle, command=cycle.command * 50.0),
        lambda: replace(cycle, sources=(replace(scan, unseen_base=np.ones((3, 2)), timeout=0.5),)),
    ]
    return ways[rng.integers(len(ways))]()


def settings(folder, **values):
    return SafetyLogSettings(folder=str(folder), **{'max_bytes': SMALLEST, **values})


def write(folder, records, close=True, **values):
    """Write records with an event between them; the files, oldest first."""
    writer = LogWriter(settings(folder, **values), lambda: header(RULES, ROBOT))
    for k, record in enumerate(records):
        if k == 2:
            writer.write(Event(100.0, 'override', 'for docking'))
        writer.write(record)
    if close:
        writer.close()
    return sorted(Path(folder).glob('*.log')), writer
