import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.files import write_atomically, write_json
from synth_nodes.types import GridMap
from synth_nodes.world.building import generate_building, reachable_parts
from synth_nodes.world.learned_plans import CARD, GRAPH, plan_sampler, PlanSampler
from synth_nodes.world.places import open_place
from synth_nodes.world.plan_grids import (
    clean,
    COLUMNS,
    cut_plan,
    drawn_plan,
    refusal,
    ROWS,
    with_doors,
)


def room() -> np.ndarray:
    """An empty hall in closed walls."""
    plan = np.ones((ROWS, COLUMNS), bool)
    plan[1:-1, 1:-1] = False
    return plan


def test_drawn_and_cut_plans_pass_their_own_checks():
    rng = np.random.default_rng(0)
    building = generate_building(3, 40.0, 30.0)
    cuts = [cut_plan(building, rng) for _ in range(3)]
    drawn = [drawn_plan(rng) for _ in range(40)]
    assert not any(refusal(plan, clean(plan)) for plan in drawn)
    for plan in drawn[:12] + cuts:
        assert plan is not None and plan.shape == (ROWS, COLUMNS)
        fine = np.kron(~clean(plan), np.ones((5, 5), bool))
        assert reachable_parts(np.pad(fine, 5), 0.05, 0.3).max() == 1
    assert cut_plan(GridMap(np.zeros((400, 400), np.int8), 0.05), rng, 3) is None


@pytest.mark.parametrize('reason', ['open', 'dirty', 'parts', 'full', 'empty', 'broken'])
def test_every_flaw_of_a_plan_is_refused_by_its_name(reason):
    plan = drawn_plan(np.random.default_rng(1))
    if reason == 'open':
        plan[0, 5:25] = False
    elif reason == 'dirty':
        plan[5:40:2, 5:60:3] ^= True
    elif reason == 'parts':
        plan = room()
        plan[:, 30:33] = True
    elif reason == 'full':
        plan = room()
        plan[1:40] = True
    elif reason == 'broken':
        plan = room()
        plan[:, 15:46:15] = True
        plan[20:24] = room()[20:24]
        plan[8:13, 5:56:10] = True
    else:
        plan = room()
    assert refusal(plan, clean(plan)) == reason


def test_cleaning_removes_dust_and_fills_slits_and_keeps_doors():
    plan = room()
    plan[:, 30] = True
    plan[20:24, 30] = False  # a door
    plan[30:32, 30] = False  # a slit of 0.5 m
    plan[40, 50] = True
    out = clean(plan)
    assert not out[20:24, 30].any() and out[30:32, 30].all() and not out[40, 50]
    assert (clean(out) == out).all()


def test_rooms_that_nothing_leads_into_get_a_door_where_walls_are_thin():
    plan = room()
    plan[:, 20:22] = True
    plan[20, 22:] = True
    assert refusal(plan, clean(plan)) == 'parts'
    mended = clean(with_doors(plan))
    assert refusal(plan, mended) == '' and not (mended & ~plan).any()
    opened = np.argwhere(plan & ~mended)
    assert sorted(np.bincount(opened[:, 1])[np.unique(opened[:, 1])]) == [1] * 4 + [4, 4]
    assert (with_doors(mended) == mended).all()


def test_thick_walls_get_no_door():
    plan = room()
    plan[:, 20:24] = True
    assert refusal(plan, clean(with_doors(plan))) == 'parts'


def test_a_scene_of_the_shipped_generator_comes_in_one_word():
    scene = open_place('layout:learned:4').scene
    assert scene.name == 'learned_4' and 0.05 < scene.grid.solid().mean() < 0.5
    sampler = plan_sampler()
    before = sampler.accepted
    sampler.draw(np.random.default_rng(0))
    assert sampler.accepted == before + 1


def test_a_generator_that_was_altered_or_is_missing_is_refused(tmp_path):
    with pytest.raises(InputError, match='plan generator'):
        open_place(f'plans:{tmp_path}:3')
    write_atomically(tmp_path / GRAPH, b'not a graph')
    write_json(tmp_path / CARD, {'sha256': 'other', 'latent': 4})
    with pytest.raises(InputError, match='is missing or not the file'):
        PlanSampler(tmp_path)
