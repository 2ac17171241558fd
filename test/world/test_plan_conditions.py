from dataclasses import replace

import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.files import read_json, write_json
from synth_nodes.world.learned_plans import CARD, GRAPH, plan_sampler, PlanSampler
from synth_nodes.world.places import check_place, open_place
from synth_nodes.world.plan_conditions import CONDITIONS, Known, measure, wishes_of
from synth_nodes.world.plan_grids import CELL
from synth_nodes.world.scene_io import load_scene

KNOWN = Known(np.array([0.05, 0.6, 0.2]), np.array([0.2, 1.2, 0.9]), np.array([
    [0.06, 1.1, 0.3], [0.1, 0.9, 0.8], [0.18, 0.7, 0.4]]))


def told_slowly(plan):
    """Measure a plan cell by cell."""
    solid = np.argwhere(plan)
    far, along = [], []
    for i, j in np.argwhere(~plan):
        far.append(np.hypot(*(solid - (i, j)).T).min())
        runs = []
        for step in ((0, 1), (1, 0)):
            run = 1
            for way in (1, -1):
                at = np.array((i, j)) + np.multiply(step, way)
                while not plan[tuple(at)]:
                    run, at = run + 1, at + np.multiply(step, way)
            runs.append(run)
        along.append(runs[0] > runs[1])
    return plan[2:-2, 2:-2].mean(), np.mean(far) * CELL, np.mean(along)


def test_conditions_are_measured_as_a_count_cell_by_cell_tells():
    rng = np.random.default_rng(0)
    plans = np.pad(rng.random((4, 14, 18)) < 0.12, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    expected = np.array([told_slowly(plan) for plan in plans])
    np.testing.assert_allclose(measure(plans), expected, rtol=0.02)
    np.testing.assert_allclose(measure(plans)[:, [0, 2]], expected[:, [0, 2]], rtol=1e-12)


def test_what_is_not_asked_for_is_drawn_as_it_was_learned():
    rng = np.random.default_rng(0)
    free = KNOWN.draw(rng, 300, {})
    assert {tuple(row) for row in free.tolist()} == {
        tuple(row) for row in KNOWN.table.astype(np.float32).tolist()}
    asked = KNOWN.draw(rng, 300, {'clearance': 0.8})
    assert (asked[:, 1] == np.float32(0.8)).all() and len(np.unique(asked[:, 0])) > 1
    wide = replace(KNOWN, table=np.column_stack((
        np.linspace(0.05, 0.2, 200), np.linspace(1.2, 0.6, 200), np.full(200, 0.5))))
    drawn = wide.draw(rng, 300, {'walls': 0.06})
    assert drawn[:, 1].min() > 1.1  # the rest comes from plans with such walls


@pytest.mark.parametrize('wishes,told', [
    ({'walls': 0.3}, r'walls = 0.3 is outside \[0.05, 0.2\]'),
    ({'clearance': float('nan')}, r'clearance = nan is outside \[0.6, 1.2\]'),
    ({'height': 1.0}, "'height' cannot be asked for; what can is walls, clearance, along"),
    ({'walls': 0.2, 'clearance': 1.2}, 'do not go together in the plans learned from')])
def test_what_was_not_learned_is_refused_with_its_range(wishes, told):
    with pytest.raises(InputError, match=told):
        KNOWN.check(wishes)
    KNOWN.check({'walls': 0.17, 'clearance': 0.75})


def test_a_card_says_what_may_be_asked_for():
    card = KNOWN.card()
    back = Known.of_card(card)
    for name in ('low', 'high', 'table'):
        np.testing.assert_allclose(getattr(back, name), getattr(KNOWN, name), rtol=1e-3)
    assert [entry['name'] for entry in card['names']] == list(CONDITIONS)
    card['names'] = card['names'][:2]
    with pytest.raises(InputError, match='given walls, clearance, not walls, clearance, along'):
        Known.of_card(card)


@pytest.mark.parametrize('word', ['walls', 'walls=', 'walls=0.1,,along=0.5', 'roof=2'])
def test_wishes_that_are_none_are_refused(word):
    with pytest.raises(InputError, match='walls, clearance, along'):
        wishes_of(word)
    assert wishes_of('walls=0.1,along=5e-1') == {'walls': 0.1, 'along': 0.5}


@pytest.mark.parametrize('name,least', [('walls', 0.8), ('clearance', 0.7), ('along', 0.7)])
def test_plans_of_the_shipped_generator_are_as_asked_for(name, least):
    sampler, rng, column = plan_sampler(), np.random.default_rng(0), list(CONDITIONS).index(name)
    asked = np.quantile(sampler.known.table[:, column], (0.05, 0.35, 0.65, 0.95))
    drawn = np.array([[measure(sampler.draw(rng, {name: value})[None])[0, column]
                       for _ in range(6)] for value in asked])
    assert (np.diff(np.median(drawn, axis=1)) > 0).all()
    assert np.corrcoef(np.repeat(asked, 6), drawn.ravel())[0, 1] > least


def test_a_place_may_ask_for_what_its_plans_are_like(tmp_path):
    word = 'layout:learned:4:walls=0.12,along=0.7'
    scene = open_place(word).scene
    assert check_place(word) == word
    assert (scene.grid.occupancy == open_place(word).scene.grid.occupancy).all()
    assert (scene.grid.occupancy != open_place('layout:learned:4').scene.grid.occupancy).any()
    path = tmp_path / 'asked.yaml'
    path.write_text('scene: 1\nlayout: {name: learned, seed: 4, walls: 0.12, along: 0.7}\n')
    assert (load_scene(path).grid.occupancy == scene.grid.occupancy).all()
    for word, told in (('layout:learned:4:walls=0.9', r'walls = 0.9 is outside \[0.0'),
                       ('layout:doors:4:walls=0.1', "layout 'doors' takes no wishes"),
                       ('layout:learned:walls=few', "'walls=few' must be NAME=NUMBER")):
        for use in (open_place, check_place):
            with pytest.raises(InputError, match=told):
                use(word)


def test_a_folder_of_plans_keeps_its_wishes_when_it_is_checked():
    shipped = plan_sampler().folder
    word = f'plans:{shipped}:2:clearance=0.8'
    assert check_place(word) == word
    assert open_place(word).scene.name == 'plans_2'
    with pytest.raises(InputError, match='clearance = 9 is outside'):
        check_place(f'plans:{shipped}:clearance=9')


def test_a_generator_from_before_conditions_is_refused(tmp_path):
    shipped = plan_sampler().folder
    card = read_json(shipped / CARD, 'plan generator')
    del card['conditions']
    (tmp_path / GRAPH).write_bytes((shipped / GRAPH).read_bytes())
    write_json(tmp_path / CARD, card)
    with pytest.raises(InputError, match=r'nothing can be asked of.*train it again'):
        PlanSampler(tmp_path)
