from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
import pytest

from synth_nodes.nodes.pairing import Pairing
from synth_nodes.nodes.sampling import Sampling
from synth_nodes.nodes.schedule import SAME, Schedule


def moments(schedule, seconds):
    while (moment := schedule.next) <= seconds * 1e9:
        yield moment, schedule.take()


@given(st.lists(st.floats(1.0, 500.0), min_size=1, max_size=4))
def test_every_stream_has_all_its_moments_and_no_other(rates):
    schedule = Schedule({str(k): rate for k, rate in enumerate(rates)})
    found = list(moments(schedule, 2.0))
    times = [moment for moment, _ in found]
    assert all(b > a + SAME for a, b in pairwise(times))
    for k, rate in enumerate(rates):
        own = [moment for moment, due in found if str(k) in due]
        assert len(own) in (int(2.0 * rate - 1e-6), int(2.0 * rate + 1e-6))
        for count, moment in enumerate(own, 1):
            assert moment == pytest.approx(count * 1e9 / rate, abs=SAME + 1)


def test_rates_that_do_not_divide_meet_where_they_should():
    found = dict(moments(Schedule({'camera': 30.0, 'imu': 200.0}), 1.0))
    assert len(found) == 30 + 200 - 10
    assert found[100_000_000] == {'camera', 'imu'} and found[33_333_333] == {'camera'}


@pytest.mark.parametrize('rate', [15.0, 30.0, 60.0, 90.0])
def test_a_slower_sensor_picks_exactly_its_own_moments(rate):
    pairing = Pairing(round(1e9 / rate))
    picked = []
    for moment, _ in moments(Schedule({'truth': 40.0, 'camera': rate}), 5.0):
        pairing.take_other(None, 'people')
        if pairing.take(moment, moment):
            picked.append(moment)
    want = [round(k * 1e9 / rate) for k in range(1, int(5 * rate) + 1)]
    assert set(want) <= set(picked) and len(picked) <= len(want) + 1


def test_readings_are_taken_at_their_rate_from_a_faster_truth():
    sampling, taken = Sampling(50.0), []
    for k in range(101):
        stamp = k * 5_000_000
        pair = sampling.take(stamp, stamp)
        if pair is not None:
            taken.append((stamp, *pair))
    assert [t[0] for t in taken] == list(range(20_000_000, 500_000_001, 20_000_000))
    assert all(dt == pytest.approx(0.02) and now - before == 20_000_000
               for now, before, dt in taken)
    assert sampling.readings == 25 and not sampling.slow


def test_a_truth_that_is_too_slow_gives_a_reading_each_and_is_noticed():
    sampling = Sampling(200.0)
    taken = [sampling.take(k * 25_000_000, k) for k in range(1, 12)]
    assert taken[0] is None and all(taken[1:])
    assert sampling.slow


def test_time_that_goes_back_begins_anew():
    sampling = Sampling(40.0)
    sampling.take(1_000_000_000, 'a')
    assert sampling.take(1_025_000_000, 'b') is not None
    assert sampling.take(25_000_000, 'c') is None
    assert sampling.take(50_000_000, 'd') == ('c', pytest.approx(0.025))
