import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.settings import build, leaves
from synth_nodes.types import GridMap, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.building import generate_building
from synth_nodes.world.randomise import Randomisation
from synth_nodes.world.world import World

WIDE = Randomisation(
    speed=(0.5, 1.5), lag=(0.5, 3.0), latency=(0.0, 4.0), slip=(0.0, 0.1), people=(0.0, 1.0),
    people_speed=(0.5, 1.5), give_way=0.5, mount_shift=0.02, mount_turn=0.05, any_map=True,
    acceleration=(0.5, 2.0), deceleration=(0.9, 1.1), turn_rate=(0.8, 1.2),
    personal_space=(0.5, 2.0))


@pytest.fixture(scope='module')
def atlas():
    return MapAtlas.build([generate_building(0, 12.0, 9.0, 0.1), GridMap(
        np.zeros((120, 120), np.int8), 0.1, name='hall')])


def test_every_world_draws_within_the_ranges_and_not_all_the_same(atlas):
    world = World(atlas, RobotSpec(), ActorSettings(count=4), 300, 2, randomisation=WIDE)
    drives, domain = world.domain.drives, world.domain
    for column, low, high in ((0, 0.4, 1.2), (1, 0.1, 0.3), (2, 1.2, 1.8), (3, 0.5, 2.0),
                              (4, 1.35, 1.65), (6, 0.025, 0.15), (7, 0.0, 0.08), (14, 0.0, 0.1)):
        assert low - 1e-9 <= drives[:, column].min() and drives[:, column].max() <= high + 1e-9
        assert np.ptp(drives[:, column]) > 0.9 * (high - low)
    assert set(domain.people) == {0, 1, 2, 3, 4}
    assert domain.manners[:, 2].mean() == pytest.approx(0.5, abs=0.15)
    assert abs(world.mount_offset[:, :2]).max() <= 0.02 < abs(world.mount_offset[:, 2]).max()
    assert 0.3 < world.map_index.mean() < 0.7


def test_people_that_a_world_has_not_got_stay_far_away(atlas):
    few = Randomisation(people=(0.5, 0.5))
    world = World(atlas, RobotSpec(), ActorSettings(count=4), 6, randomisation=few)
    for _ in range(30):
        world.step(np.zeros((6, 3)), 0.1)
    here = np.hypot(*np.moveaxis(world.actors[..., :2], -1, 0)) < 1e4
    assert (here.sum(axis=1) == 2).all()
    assert not world.actors[~here][:, 2:4].any()


def test_a_reset_draws_anew_and_only_for_the_worlds_named(atlas):
    world = World(atlas, RobotSpec(), ActorSettings(count=2), 6, randomisation=WIDE)
    before = world.domain.drives.copy()
    world.reset(np.array([1, 4]))
    changed = (world.domain.drives != before).any(axis=1)
    assert changed.tolist() == [False, True, False, False, True, False]


def test_a_reset_to_a_pose_keeps_the_map(atlas):
    world = World(atlas, RobotSpec(), ActorSettings(count=0), 4, randomisation=WIDE,
                  map_index=np.array([1, 1, 1, 1]))
    for _ in range(5):
        maps = world.map_index.copy()
        world.reset(pose=world.pose.copy())
        assert np.array_equal(world.map_index, maps)


def test_draws_do_not_depend_on_neighbours_and_repeat_with_the_seed(atlas):
    few, many = (World(atlas, RobotSpec(), ActorSettings(), n, 5, map_index=np.zeros(n, int),
                       randomisation=WIDE) for n in (2, 7))
    for _ in range(40):
        few.step(np.tile([0.4, 0.0, 0.3], (2, 1)), 0.05)
        many.step(np.tile([0.4, 0.0, 0.3], (7, 1)), 0.05)
    assert np.array_equal(few.domain.drives, many.domain.drives[:2])
    assert np.array_equal(few.pose, many.pose[:2])
    assert np.array_equal(few.actors, many.actors[:2])


def test_each_world_drives_by_its_own_limits(atlas):
    world = World(atlas, RobotSpec(), ActorSettings(count=0), 40, 1, np.ones(40, int),
                  randomisation=Randomisation(speed=(0.5, 1.5)))
    world.reset(pose=np.array([3.0, 6.0, 0.0]))
    for _ in range(60):
        world.step(np.tile([9.0, 0.0, 0.0], (40, 1)), 0.05)
    assert world.velocity[:, 0] == pytest.approx(world.domain.drives[:, 0], abs=1e-4)


def test_without_randomisation_nothing_differs(atlas):
    plain = World(atlas, RobotSpec(), ActorSettings(), 3, 1)
    assert (plain.domain.drives == plain.domain.drives[0]).all()
    assert not plain.mount_offset.any()


def test_settings_speak_the_language_of_parameters_and_refuse_what_is_no_range(atlas):
    assert build(Randomisation, {'lag': [0.5, 2.0]}).lag == (0.5, 2.0)
    assert all(leaf.help for leaf in leaves(Randomisation))
    for wrong in ((1.2, 0.8), (1.0,), (1.0, 1.0, 1.0)):
        with pytest.raises(InputError, match=r'randomisation\.lag'):
            World(atlas, RobotSpec(), ActorSettings(count=0), randomisation=Randomisation(
                lag=wrong))
