import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.monitor.drift import DriftWatch, FEATURES, features, Reference


def observations(count, seed, speed=0.4, walls=2.0):
    rng = np.random.default_rng(seed)
    scan = rng.gamma(4.0, walls / 2, (count, 3, 24)).clip(0.1, 8.0)
    goal = rng.normal((1.0, 0.0, 3.0), 0.2, (count, 3))
    velocity = np.column_stack((rng.normal(speed, 0.1, count), np.zeros(count),
                                rng.normal(0, 0.3, count)))
    return features(scan, goal, velocity)


def test_features_are_what_they_say():
    scan = np.full((1, 2, 4), 4.0)
    scan[0, 0, 1] = 0.5
    row = dict(zip(FEATURES, features(scan, np.array([[0.0, 2.0, 3.0]]),
                                      np.array([[0.3, 0.0, -0.2]]))[0], strict=True))
    assert row['nearest'] == 0.5 and row['blocked_share'] == 0.25
    assert row['change'] == pytest.approx(3.5 / 4)
    assert (row['goal_distance'], row['goal_bearing']) == (2.0, pytest.approx(np.pi / 2))
    assert (row['speed'], row['turn']) == (0.3, -0.2)


def test_index_of_two_halves_is_the_textbook_one():
    values = np.repeat(np.linspace(0, 1, 1000)[:, None], len(FEATURES), 1)
    reference = Reference.of(values)
    # All samples in the lower half of the bins: 5 of 0.2 and 5 of nearly 0 against 0.1.
    index = reference.stability(np.tile(values[:500], (20, 1)))
    expected = 5 * 0.1 * np.log(2) + 5 * 0.1 * np.log(0.1 / (0.5 / 10005))
    assert index == pytest.approx(np.full(len(FEATURES), expected), rel=0.02)


def test_the_same_distribution_is_quiet_and_a_change_is_named():
    reference = Reference.from_json(Reference.of(observations(5000, 0)).to_json())
    watch = DriftWatch(reference, 500)
    for row in observations(499, 1):
        watch.take(row)
    assert watch.figures() == {}
    watch.take(observations(1, 2)[0])
    assert max(watch.figures().values()) < 0.1
    for row in observations(500, 3, speed=0.7):
        watch.take(row)
    figures = watch.figures()
    assert figures['speed'] > 1.0
    assert max(v for k, v in figures.items() if k != 'speed') < 0.1


def test_a_feature_that_never_varied_drifts_once_it_does():
    still = observations(1000, 0)
    still[:, 7] = 0.0
    reference = Reference.of(still)
    assert reference.stability(still)[7] < 1e-3
    assert reference.stability(observations(500, 1))[7] > 0.5


def test_without_a_reference_nothing_is_judged_and_a_broken_one_is_refused():
    watch = DriftWatch(None, 1)
    watch.take(observations(1, 0)[0])
    assert watch.figures() == {}
    content = Reference.of(observations(100, 0)).to_json()
    with pytest.raises(InputError, match='train the policy anew'):
        Reference.from_json({k: v for k, v in content.items() if k != 'turn'})
    content['turn']['edges'] = [0.0]
    with pytest.raises(InputError, match='train the policy anew'):
        Reference.from_json(content)
