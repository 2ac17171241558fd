"""Temporal properties: their values, by a slow reference; their verdicts on recordings."""

import math
from pathlib import Path

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from log_samples import drive, write
import numpy as np
import pytest
import yaml

from synth_nodes.errors import InputError
from synth_nodes.safety.body import body_of
from synth_nodes.safety.formula import Always, Both, Comparison, Not, Number, Signal, Truth, Until
from synth_nodes.safety.properties import check, read_properties, SIGNALS, Trace
from synth_nodes.safety.replay import replay
from synth_nodes.safety.robustness import distances, robustness, truths
from synth_nodes.safety.signals import distance_to_body, LogSignals, recorded_trace, Track
from synth_nodes.types import RobotSpec

SHIPPED = Path(__file__).resolve().parents[2] / 'config' / 'safety_properties.yaml'
ROBOT = RobotSpec()
NEAR = 1e-6


def value(formula, times, signals, i, future):
    """
    Robustness at sample i, straight from the definition, comparison by comparison.

    `future` is what every sample after the recording's end would be worth, for bounded windows.
    """
    def inner(part, j):
        return value(part, times, signals, j, future)

    if isinstance(formula, Truth):
        return math.inf if formula.value else -math.inf
    if isinstance(formula, Not):
        return -value(formula.inner, times, signals, i, -future)
    if isinstance(formula, Both):
        choose = max if formula.either else min
        return choose(inner(formula.left, i), inner(formula.right, i))
    if isinstance(formula, Comparison):
        a, b = signals[formula.left.name][i], formula.right.value
        return {'<': b - a, '>=': a - b}[formula.operator]
    js = [j for j in range(i, len(times))
          if formula.low - NEAR <= times[j] - times[i] <= formula.high + NEAR]
    beyond = math.isfinite(formula.high) and bool(times[i] + formula.high > times[-1] + NEAR)
    if isinstance(formula, Always):
        values = [inner(formula.inner, j) for j in js] + [future] * beyond
        if formula.once:
            return max(values, default=-math.inf)
        return min(values, default=math.inf)
    rest = range(i, len(times))
    values = [min([inner(formula.right, j), *(inner(formula.left, k) for k in range(i, j))])
              for j in js]
    if beyond:
        values.append(min([future, *(inner(formula.left, k) for k in rest)]))
    return max(values, default=-math.inf)


def comparisons():
    return st.builds(Comparison, st.sampled_from(['<', '>=']),
                     st.builds(Signal, st.sampled_from('xy')),
                     st.builds(Number, st.integers(-2, 2).map(float)))


def intervals():
    bounded = st.tuples(st.integers(0, 8), st.integers(0, 8)).map(sorted).map(
        lambda pair: tuple(0.1 * p for p in pair))
    return st.one_of(bounded, st.just((0.0, math.inf)), st.just((0.2, math.inf)))


def formulas():
    def deeper(part):
        return st.one_of(
            st.builds(Not, part), st.builds(Both, part, part, st.booleans()),
            st.builds(lambda f, w, o: Always(f, *w, once=o), part, intervals(), st.booleans()),
            st.builds(lambda f, g, w: Until(f, g, *w), part, part, intervals()))
    return st.recursive(st.one_of(comparisons(), st.builds(Truth, st.booleans())), deeper,
                        max_leaves=5)


def recordings():
    def make(steps, values):
        n = min(len(steps), len(values))
        times = np.cumsum(steps[:n]) * 0.1
        return times, {k: np.array([v[i] for v in values[:n]], float)
                       for i, k in enumerate('xy')}
    number = st.integers(-3, 3)
    return st.builds(make, st.lists(st.integers(0, 3), min_size=1, max_size=12),
                     st.lists(st.tuples(number, number), min_size=1, max_size=12))


@hypothesis_settings(max_examples=600, deadline=None)
@given(formulas(), recordings())
def test_robustness_is_that_of_the_definition(formula, recording):
    times, signals = recording
    low, high = robustness(formula, times, signals, distances)
    for i in range(len(times)):
        assert low[i] == value(formula, times, signals, i, -math.inf)
        assert high[i] == value(formula, times, signals, i, math.inf)


@hypothesis_settings(max_examples=300, deadline=None)
@given(formulas(), recordings())
def test_the_sign_of_the_robustness_agrees_with_the_truth(formula, recording):
    times, signals = recording
    low, high = robustness(formula, times, signals, distances)
    surely, possibly = robustness(formula, times, signals, truths)
    assert (surely[low > 0] > 0).all() and (possibly[high < 0] < 0).all()
    assert (low <= high).all() and (surely <= possibly).all()


@hypothesis_settings(max_examples=300, deadline=None)
@given(formulas(), recordings(), st.data())
def test_a_recording_that_goes_on_stays_within_what_was_possible(formula, recording, data):
    times, signals = recording
    n = data.draw(st.integers(1, len(times)))
    if _speaks_of_the_end(formula) or times[n - 1] == times[min(n, len(times) - 1)]:
        return
    low, high = robustness(formula, times[:n], {k: v[:n] for k, v in signals.items()}, distances)
    whole_low, whole_high = robustness(formula, times, signals, distances)
    assert (low <= whole_low[:n]).all() and (whole_high[:n] <= high).all()


def _speaks_of_the_end(formula):
    if isinstance(formula, (Comparison, Truth)):
        return False
    if isinstance(formula, (Always, Until)) and math.isinf(formula.high):
        return True
    parts = (formula.inner,) if isinstance(formula, (Not, Always)) else (formula.left,
                                                                         formula.right)
    return any(_speaks_of_the_end(part) for part in parts)


def listed(*texts):
    return read_properties({'properties': [{'name': f'p{k}', 'formula': text}
                                           for k, text in enumerate(texts)]}, 'here')


def found(text, times, **signals):
    return check(listed(text), Trace(np.array(times, float),
                                     {k: np.array(v, float) for k, v in signals.items()}))[0]


def test_a_robot_that_slows_in_time_satisfies_the_property():
    text = 'always (distance < 0.3 implies eventually[0, 0.5] speed < 0.15)'
    times = np.arange(0, 2, 0.1)
    distance = np.where(times > 1.0, 0.2, 1.0)
    prompt = found(text, times, distance=distance, speed=np.where(times > 1.45, 0.1, 0.5))
    late = found(text, times, distance=distance, speed=np.where(times > 1.65, 0.1, 0.5))
    assert prompt.verdict == 'holds' and prompt.robustness == pytest.approx(0.05)
    assert late.verdict == 'fails' and late.robustness == pytest.approx(-0.1)
    assert late.time == pytest.approx(1.1)


def test_an_end_that_comes_too_soon_leaves_a_property_open():
    text = 'always (distance < 0.3 implies eventually[0, 0.5] speed < 0.15)'
    finding = found(text, [0.0, 0.1, 0.2], distance=[1, 1, 0.2], speed=[0.5, 0.5, 0.5])
    assert finding.verdict == 'open' and finding.low < 0 < finding.high


def test_what_is_not_known_leaves_a_property_open_unless_it_does_not_matter():
    nan = math.nan
    assert found('always speed < 1', [0, 1], speed=[0.5, nan]).verdict == 'open'
    assert found('always speed < 1', [0, 1], speed=[1.5, nan]).verdict == 'fails'
    assert found('always (distance < 0.3 implies speed < 0.1)', [0, 1], distance=[1, nan],
                 speed=[1, 0]).verdict == 'holds'


@pytest.mark.parametrize(('text', 'verdict'), [
    ('always speed <= 1', 'holds'), ('always speed < 1', 'fails'),
    ('eventually speed >= 1', 'holds'), ('eventually speed > 1', 'fails'),
    ('speed == 1', 'holds'), ('speed != 1', 'fails')])
def test_on_the_boundary_the_comparison_decides(text, verdict):
    finding = found(text, [0.0, 1.0], speed=[1.0, 1.0])
    assert (finding.verdict, finding.robustness) == (verdict, 0.0)


def test_the_first_failure_is_looked_for_inside_of_always_and_and():
    times = [0, 1, 2, 3, 4]
    text = 'always[1, 4] speed < 1 and always (vx < 1 and always[0, 1] vy < 1)'
    finding = found(text, times, speed=[9, 0, 0, 0, 9], vx=[0, 0, 0, 2, 0], vy=[0, 0, 0, 0, 0])
    assert finding.time == 3.0
    finding = found(text, times, speed=[0] * 5, vx=[0] * 5, vy=[0, 0, 9, 0, 0])
    assert finding.time == 2.0
    assert found('eventually speed > 5', times, speed=[0] * 5).time == 0.0
    assert found('not always speed < 5', times, speed=[0] * 5).time == 0.0


def test_infinite_distances_are_no_trouble():
    finding = found('always (distance > 0.3 and distance == inf)', [0, 1],
                    distance=[math.inf, math.inf])
    assert finding.verdict == 'holds'


def test_a_clock_that_was_set_back_begins_a_new_recording():
    text = 'speed < 1 and always eventually[0, 1] vx > 0'
    finding = found(text, [0, 1, 2, 0, 1, 2], speed=[0, 5, 5, 9, 0, 0], vx=[1, 1, 1, 1, 1, 1])
    assert (finding.verdict, finding.robustness, finding.time) == ('fails', -8.0, 0.0)


def test_signals_that_a_recording_lacks_skip_the_property():
    finding = found('always (speed < 1 or margin > 2)', [0, 1], speed=[0, 0])
    assert (finding.verdict, finding.missing) == ('skipped', ('margin',))
    assert found('always speed < 1', [], speed=[]).verdict == 'skipped'


@pytest.mark.parametrize(('content', 'says'), [
    (None, "must hold 'properties:'"), ({'properties': []}, "must hold 'properties:'"),
    ({'properties': ['x']}, "property 1: must be 'name' and 'formula'"),
    ({'properties': [{'name': 'a', 'formula': 3}]}, 'two texts'),
    ({'properties': [{'name': 'a', 'formula': 'speed <'}]}, "property 1, 'a': formula 'speed <'"),
    ({'properties': [{'name': 'a', 'formula': 'sped < 1'}]},
     "there is no signal 'sped'; did you mean 'speed'?")])
def test_mistakes_in_a_file_of_properties_are_named(content, says):
    with pytest.raises(InputError) as caught:
        read_properties(content, 'mine.yaml')
    assert says in str(caught.value) and str(caught.value).startswith('mine.yaml: ')


def test_the_shipped_properties_hold_on_a_log_of_this_monitor(tmp_path):
    properties = read_properties(yaml.safe_load(SHIPPED.read_text()), 'shipped')
    write(tmp_path, drive(60, seed=5))
    signals = LogSignals()
    replay(tmp_path, signals.take)
    trace = signals.trace()
    assert set(trace.signals) == set(SIGNALS)
    by_rule = [f for f in check(properties, trace) if 'touching' not in f.name
               and 'contact' not in f.name and 'obeyed' not in f.name]
    assert len(by_rule) == 5 and {f.verdict for f in by_rule} == {'holds'}


def test_signals_of_a_wild_log_say_what_cannot_be_used(tmp_path):
    records = drive(80, seed=7, wild=True)
    write(tmp_path, records)
    signals = LogSignals()
    replay(tmp_path, signals.take)
    trace = signals.trace()
    blind = np.array([not r.cycle.sources or not r.cycle.sources[0].valid for r in records])
    assert blind.any() and not trace.signals['usable'][blind].any()
    assert np.isnan(trace.signals['distance'][blind]).all()
    assert (trace.signals['out_body_speed'][trace.signals['usable'] == 0.0] == 0.0).all()
    assert trace.signals['latched'].any() and trace.signals['overridden'].any()
    assert [int(a) for a in trace.signals['action']] == [
        {'pass': 0, 'limit': 1, 'slowdown': 2, 'approach': 2, 'stop': 3}[r.verdict.action]
        for r in records]


def slow_distance(corners, point):
    along = np.linspace(0.0, 1.0, 2001)[:, None]
    edges = [a + along * (b - a) for a, b in zip(corners, np.roll(corners, -1, axis=0),
                                                 strict=True)]
    return float(np.hypot(*(np.concatenate(edges) - point).T).min())


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=1, max_size=20))
def test_distance_to_the_footprint_is_that_of_the_nearest_point(points):
    body = body_of((0.3, 0.0, 0.1, 0.2, -0.25, 0.15, -0.25, -0.15, 0.1, -0.2))
    points = np.array(points)
    distance = distance_to_body(body, points)
    if distance <= 0.0:
        assert body.gauge(points).min() == distance
    else:
        assert distance == pytest.approx(min(slow_distance(body.corners, p) for p in points),
                                         abs=1e-4)


def test_recorded_topics_hold_their_newest_value():
    def track(*rows):
        return Track(np.array([r[0] for r in rows], float), np.array([r[1] for r in rows], float))

    trace = recorded_trace(
        ROBOT, distance=track((1.0, 0.5), (2.0, 0.1)),
        velocity=track((0.0, (0.3, 0.0, 0.1)), (2.5, (0.0, 0.0, 0.0))),
        let_through=track((1.5, (0.2, 0.0, 0.0))))
    np.testing.assert_array_equal(trace.times, [0.0, 1.0, 1.5, 2.0, 2.5])
    np.testing.assert_array_equal(trace.signals['distance'], [math.nan, 0.5, 0.5, 0.1, 0.1])
    np.testing.assert_array_equal(trace.signals['age'], [math.inf, 0.0, 0.5, 0.0, 0.5])
    np.testing.assert_array_equal(trace.signals['speed'], [0.3, 0.3, 0.3, 0.3, 0.0])
    np.testing.assert_array_equal(trace.signals['out_vx'], [math.nan, math.nan, 0.2, 0.2, 0.2])
    assert 'in_vx' not in trace.signals and 'margin' not in trace.signals
    assert not len(recorded_trace(ROBOT).times)
