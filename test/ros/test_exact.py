import pytest

from synth_nodes.errors import InputError
from synth_nodes.nodes.parameters import NODE_PARAMETERS, WorldParameters
from synth_nodes.ros.exact import build_exactly
from synth_nodes.settings import flatten, leaves


def test_integer_for_a_double_is_refused_with_the_value_to_write():
    with pytest.raises(InputError, match=r"'rate' = 7 must be a double; write 7\.0"):
        build_exactly(WorldParameters, {'rate': 7}, 'world_node')


def test_integers_in_a_list_of_doubles_are_refused_with_the_list_to_write():
    with pytest.raises(InputError, match=r'write \[1\.0, 2\.0, 0\.5\]'):
        build_exactly(WorldParameters, {'start_pose': [1, 2, 0.5]}, 'world_node')


def test_true_is_no_integer_and_no_double():
    with pytest.raises(InputError, match='must be an integer'):
        build_exactly(WorldParameters, {'seed': True}, 'world_node')
    with pytest.raises(InputError, match='must be a number'):
        build_exactly(WorldParameters, {'rate': True}, 'world_node')


@pytest.mark.parametrize('name', NODE_PARAMETERS)
def test_defaults_of_every_node_pass_their_own_checks(name):
    cls = NODE_PARAMETERS[name]
    values = flatten(cls())
    assert build_exactly(cls, values, name) == cls()
    assert all(leaf.help.endswith('.') for leaf in leaves(cls))
