import itertools
import os

import pytest
from rcl_interfaces.msg import ParameterType
import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter

from synth_nodes.errors import InputError
from synth_nodes.nodes.parameters import ImuParameters, NODE_PARAMETERS, WorldParameters
from synth_nodes.ros.parameters import declare

_COUNTER = itertools.count()


@pytest.fixture
def make():
    """Make real nodes with parameters as of a command line."""
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    made = []

    def make_node(*overrides):
        context = Context()
        arguments = [word for o in overrides for word in ('-p', o)]
        rclpy.init(context=context, args=['--ros-args', *arguments] if arguments else [],
                   domain_id=1 + os.getpid() % 100)
        node = Node(f'node_{next(_COUNTER)}', context=context,
                    automatically_declare_parameters_from_overrides=True)
        made.append((node, context))
        return node

    yield make_node
    for node, context in made:
        node.destroy_node()
        context.try_shutdown()


def test_values_given_and_defaults_make_the_settings(make):
    node = make('rate:=2.5', 'actors.count:=0', 'use_sim_time:=false')
    settings = declare(node, WorldParameters)
    assert (settings.rate, settings.actors.count, settings.rate_hz) == (2.5, 0, 40.0)
    assert node.get_parameter('rate').value == 2.5
    assert list(node.get_parameter('start_pose').value) == [0.0, 0.0, 0.0]


def test_every_parameter_is_described_with_unit_and_range(make):
    node = make()
    declare(node, WorldParameters)
    described = node.describe_parameter('max_lead')
    assert described.type == ParameterType.PARAMETER_DOUBLE
    assert described.read_only
    assert 'unit: s' in described.additional_constraints
    limits = described.floating_point_range[0]
    assert (limits.from_value, limits.to_value) == (0.02, 10.0)
    assert node.describe_parameter('actors.count').integer_range[0].to_value == 64


@pytest.mark.parametrize(('override', 'words'), [
    ('rate:=7', 'write 7.0'), ('rate:=fast', 'must be a number'),
    ('rate:=-1.0', 'is outside'), ('raet:=1.0', "did you mean 'rate'"),
    ('seed:=1.5', 'must be an integer'), ('throttle:=1', 'true or false'),
    ('rate:=.nan', 'must be finite')])
def test_bad_value_is_refused_in_one_line(make, override, words):
    with pytest.raises(InputError) as caught:
        declare(make(override), WorldParameters)
    assert words in str(caught.value)
    assert '\n' not in str(caught.value)


def test_name_of_another_node_is_passed_over(make):
    node = make('lidar.beams:=180')
    declare(node, ImuParameters, NODE_PARAMETERS.values())
    assert not node.has_parameter('lidar.beams')
    with pytest.raises(InputError):
        declare(make('lidar.beems:=180'), ImuParameters, NODE_PARAMETERS.values())


def test_live_parameter_changes_and_others_do_not(make):
    node, heard = make(), []
    declare(node, WorldParameters, live={'rate': heard.append})
    good, = node.set_parameters([Parameter('rate', value=3.0)])
    bad, = node.set_parameters([Parameter('rate', value=1000.0)])
    fixed, = node.set_parameters([Parameter('rate_hz', value=20.0)])
    assert good.successful and heard == [3.0]
    assert not bad.successful and bad.reason
    assert not fixed.successful and 'read-only' in fixed.reason
