"""Thousands of closed loops of all kinds of drive: a stop ends before contact, whatever comes."""

from fleet_model import drive_fleet
import pytest

from synth_nodes.safety.rules import SafetyRules
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec

CAR = (0.75, 0.25, -0.2, 0.25, -0.2, -0.25, 0.75, -0.25)
SLUGGISH = {'max_speed': 1.5, 'max_turn_rate': 2.0, 'actuator_lag': 0.15, 'command_latency': 0.1,
            'deceleration': 1.0}


def robot_of(kind, limits):
    footprint = CAR if kind == 'ackermann' else RobotSpec().footprint
    return RobotSpec(drive=kind, footprint=footprint, **limits)


@pytest.mark.parametrize('limits', [{}, SLUGGISH])
@pytest.mark.parametrize('kind', ['differential', 'ackermann', 'omnidirectional'])
def test_no_command_ends_in_contact_while_the_robot_moves(kind, limits):
    for seed, other_speed in enumerate((0.0, 0.3)):
        rules = build(SafetyRules, {'braking.other_speed': other_speed})
        tally = drive_fleet(robot_of(kind, limits), rules, seed, count=100, seconds=3.0)
        assert tally.contacts == 0, f'at up to {tally.fastest:.2f} m/s'
        assert tally.travel > 0.5


def test_without_the_core_the_same_commands_do_end_in_contact():
    assert drive_fleet(robot_of('differential', SLUGGISH), SafetyRules(), 0, count=100,
                       seconds=3.0, guard=False).contacts > 30
