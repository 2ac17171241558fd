from dataclasses import dataclass, field, fields

from hypothesis import given
from hypothesis import strategies as st
import pytest

from synth_nodes.errors import InputError
from synth_nodes.settings import build, flatten, Groups, groups_of, leaves, named, setting
from synth_nodes.types import LidarSpec, RobotSpec


@dataclass(frozen=True)
class Group:
    speed: float = setting(1.0, 'Speed.', unit='m/s', low=0.0, high=2.0)
    name: str = setting('a', 'Name.', choices=('a', 'b'))


@dataclass(frozen=True)
class Everything:
    count: int = setting(3, 'Count.', low=0)
    on: bool = setting(True, 'On.')
    points: tuple[float, ...] = setting((1.0, 2.0), 'Points.', unit='m', low=-5.0, high=5.0)
    group: Group = field(default_factory=Group)


def test_defaults_are_kept_for_what_is_not_given():
    assert build(Everything, {}) == Everything()
    assert build(Everything, {'group.speed': 0.5}).group == Group(speed=0.5)


def test_group_keeps_the_defaults_of_the_settings_it_stands_in():
    @dataclass(frozen=True)
    class Outer:
        group: Group = setting(Group(0.5, 'b'), 'Its own defaults.')  # noqa: RUF009
    assert build(Outer, {}) == Outer() != build(Outer, flatten(Group(), 'group.'))
    assert {leaf.name: leaf.default for leaf in leaves(Outer)} == flatten(Outer())


def test_flatten_is_the_inverse_of_build():
    given_values = {'count': 7, 'on': False, 'points': (0.5,), 'group.speed': 2.0,
                    'group.name': 'b'}
    assert flatten(build(Everything, given_values)) == given_values


@pytest.mark.parametrize(('name', 'value', 'words'), [
    ('cuont', 1, ("unknown parameter 'cuont'", "'count'")),
    ('count', 1.5, ('count', '1.5', 'integer')),
    ('count', True, ('count', 'True', 'integer')),
    ('count', -1, ('count', '-1', '[0, None]')),
    ('on', 1, ('on', 'true or false')),
    ('group.speed', 'fast', ('group.speed', "'fast'", 'number')),
    ('group.speed', True, ('group.speed', 'number')),
    ('group.speed', 2.5, ('group.speed', '2.5 m/s', '[0.0, 2.0] m/s')),
    ('group.speed', float('nan'), ('group.speed', 'finite')),
    ('group.name', 'c', ('group.name', "'c'", 'a, b')),
    ('points', 'text', ('points', 'list')),
    ('points', [1.0, 9.0], ('points', '9.0', '[-5.0, 5.0]')),
])
def test_bad_value_is_refused_naming_it_and_what_is_allowed(name, value, words):
    with pytest.raises(InputError) as refused:
        build(Everything, {name: value}, where='demo.yaml')
    message = str(refused.value)
    assert message.startswith('demo.yaml: ')
    assert '\n' not in message
    for word in words:
        assert word in message


@given(st.floats(0.0, 2.0))
def test_any_value_in_range_is_taken_as_it_is(speed):
    assert build(Everything, {'group.speed': speed}).group.speed == speed


def test_an_integer_is_taken_for_a_float_setting():
    value = build(Everything, {'group.speed': 1}).group.speed
    assert value == 1.0 and isinstance(value, float)


@pytest.mark.parametrize('cls', [RobotSpec, LidarSpec, Everything])
def test_defaults_pass_their_own_checks(cls):
    assert build(cls, flatten(cls())) == cls()
    assert all(leaf.help.endswith('.') for leaf in leaves(cls))
    assert fields(cls)


def test_lidar_full_circle_does_not_repeat_its_first_beam():
    lidar = LidarSpec(beams=4)
    assert lidar.angles == pytest.approx([-3.14159265, -1.57079633, 0.0, 1.57079633])
    half = LidarSpec(beams=3, field_of_view=3.0)
    assert half.angles == pytest.approx([-1.5, 0.0, 1.5])


@dataclass(frozen=True)
class Part:
    radius: float = setting(0.5, 'Radius.', unit='m', low=0.0)
    corners: tuple[float, ...] = setting((), 'Corners.', unit='m')
    words: tuple[str, ...] = setting((), 'Words.')


@dataclass(frozen=True)
class Whole:
    count: int = setting(3, 'Count.', low=0)
    parts: Groups = named(Part)


def test_named_groups_are_those_that_are_given():
    whole = build(Whole, {'parts.front.radius': 0.2, 'parts.rear.words': ['a'],
                          'parts.front.corners': [1, 2.5]})
    assert groups_of(whole.parts) == {'front': Part(0.2, (1.0, 2.5)), 'rear': Part(words=('a',))}
    assert isinstance(whole, Whole) and build(Whole, {}) == Whole()
    assert build(Whole, flatten(whole)) == whole or flatten(
        build(Whole, flatten(whole))) == flatten(whole)


@pytest.mark.parametrize(('name', 'value', 'words'), [
    ('parts.front.radios', 1.0, ("'parts.front.radios'", "'parts.front.radius'")),
    ('parts.front.radius', -1.0, ('parts.front.radius', '[0.0, None]')),
    ('parts.front.corners', 1.0, ('parts.front.corners', 'a list of numbers')),
    ('parts.front.words', [1], ('parts.front.words', 'a string')),
    ('parts.2nd.radius', 1.0, ('parts.2nd', 'letters, digits')),
    ('parts.front', 1.0, ("'parts.front'",))])
def test_bad_named_group_is_named(name, value, words):
    with pytest.raises(InputError) as caught:
        build(Whole, {name: value})
    assert all(word in str(caught.value) for word in words)
