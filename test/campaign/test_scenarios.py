"""Scenarios: reproducible by themselves, dangerous without a monitor, safe with it."""

from dataclasses import fields

import numpy as np
import pytest

from synth_nodes.campaign.batch import draw_batch
from synth_nodes.campaign.chunks import Plan, run_chunk
from synth_nodes.campaign.draws import keys_of, signed, uniform
from synth_nodes.campaign.judges import none, PEERS, strict
from synth_nodes.campaign.sensing import noisy
from synth_nodes.campaign.setups import DT, FAMILIES
from synth_nodes.campaign.simulate import COLLISION, CREPT, Drivers, STATUSES
from synth_nodes.campaign.trace import described, scenario, traced
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.types import RobotSpec

PLAN = Plan(4, 20)


@pytest.mark.parametrize('chunk', [0, 1, 2])
def test_scenario_by_itself_goes_as_in_its_chunk(chunk):
    together = Drivers(draw_batch(PLAN.seed, chunk, PLAN.size), strict).run()
    for row in (3, 17):
        alone = traced(scenario(PLAN, chunk * PLAN.size + row), strict).results
        for field in fields(together):
            assert getattr(alone, field.name)[0] == pytest.approx(
                getattr(together, field.name)[row], abs=1e-9), field.name


def test_same_seed_gives_the_same_counts_and_another_does_not():
    def counts(seed):
        chunk = run_chunk(Plan(seed, 8, compare_every=2), 1)
        return {k: v for k, v in chunk.items() if k != 'seconds'}
    first = counts(7)
    assert first == counts(7) != counts(8)
    assert set(first['monitors']) == {'strict'} and first['stops'] == {}


def test_monitor_prevents_what_happens_without_it():
    hits = {'strict': 0, 'none': 0, 'nav2': 0}
    judges = {'strict': strict, 'none': none, 'nav2': PEERS['nav2_approach_1.2']}
    for chunk in range(3):
        batch = draw_batch(2, chunk, 48)
        for name, judge in judges.items():
            hits[name] += int((Drivers(batch, judge).run().status == COLLISION).sum())
    assert hits['strict'] == 0
    assert hits['none'] > 20 and hits['none'] > hits['nav2'] > 0


def test_default_rules_and_robot_can_be_proved_alone():
    plan = Plan(3, 16, fixed=(SafetyRules(), RobotSpec()))
    assert run_chunk(plan, 0)['monitors']['strict']['collisions'] == 0
    assert draw_batch(3, 0, 4, fixed=plan.fixed).setup.robot == RobotSpec()


def test_every_family_is_drawn_and_every_scan_has_points_near_surfaces():
    found = set()
    for chunk in range(20):
        batch = draw_batch(1, chunk, 16)
        found.add(batch.setup.family)
        scene = batch.scene
        shown = scene.a[:, scene.owner] + scene.samples
        there = ~np.isnan(shown[..., 0])
        along = (scene.b - scene.a)[:, scene.owner]
        length = np.maximum((along ** 2).sum(-1), 1e-12)
        part = np.clip((scene.samples * along).sum(-1) / length, 0, 1)
        off = np.hypot(*np.moveaxis(scene.samples - part[..., None] * along, -1, 0))
        assert off[there] == pytest.approx(scene.radius[:, scene.owner][there], abs=1e-9)
    assert found == set(FAMILIES)


def test_walls_are_shown_without_wide_gaps():
    batch = next(b for b in (draw_batch(1, c, 16) for c in range(30))
                 if b.setup.family == 'walls')
    steps = np.linalg.norm(np.diff(batch.scene.samples.reshape(16, 2, -1, 2), axis=2), axis=-1)
    assert np.nanmax(steps) <= batch.setup.gap + 1e-9


def test_noise_is_bounded_and_belongs_to_the_scan():
    keys = keys_of(1, 0, 50)
    points = np.random.default_rng(0).uniform(-2, 2, (50, 7, 2))
    first, again, later = (noisy(keys, points, np.full(50, n), 0.02) for n in (3, 3, 4))
    assert np.array_equal(first, again) and not np.array_equal(first, later)
    off = np.linalg.norm(first - points, axis=-1)
    assert 0.0 < off.max() <= 0.02


def test_draws_are_even_and_independent_of_the_batch():
    keys = keys_of(9, 0, 20000)
    numbers = uniform(keys, 5)
    assert abs(numbers.mean() - 0.5) < 0.01 and abs(np.corrcoef(numbers[1:], numbers[:-1])[0, 1]
                                                    ) < 0.02
    assert np.array_equal(uniform(keys[100:103], 5), numbers[100:103])
    assert np.abs(signed(keys, 5)).max() < 1.0


def test_scans_are_never_older_than_the_sensor_says():
    for chunk in range(5):
        batch = draw_batch(2, chunk, 200)
        sensors = batch.sensors
        worst = sensors.period + sensors.delay + sensors.jitter
        for step in (500, 777):
            stamp, number = sensors.newest(step)
            age = step - stamp
            assert (age >= sensors.delay).all()
            assert (age[sensors.loss == 0] < worst[sensors.loss == 0] + 1).all()
            assert np.array_equal(stamp, sensors.phase + number * sensors.period)
        assert (worst * DT <= batch.setup.rules.source.timeout + 1e-9).all()


def test_trace_tells_what_happened():
    hit = Drivers(draw_batch(PLAN.seed, 0, PLAN.size), none).run()
    row = int(np.flatnonzero(hit.status == COLLISION)[0])
    trace = traced(scenario(PLAN, row), none)
    story = described(row, trace)
    assert story['status'] == 'collision' and story['impact'] > 0.0
    assert len(story['cycles']) > 1
    last = story['cycles'][-1]
    assert last['time'] <= story['time'] and last['let_through'] == last['command']
    assert STATUSES[CREPT] == 'run into while creeping' and len(PEERS) == 3


def test_what_halted_within_the_reaction_time_has_run_into_a_creeping_robot():
    results = traced(scenario(Plan(1), 428_739), strict).results
    assert results.status[0] == CREPT and 0.0 < results.impact[0] < 0.05
