from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from synth_nodes.nodes.pacing import CATCH_UP, Pacer


def run(pacer, seconds, tick=0.001, answer=None):
    """Run a world of simulated time; `answer(time, wall)` gives the stamps of commands."""
    time = 0.0
    for k in range(round(seconds / tick)):
        wall = k * tick
        if answer is not None and (stamp := answer(time, wall)) is not None:
            pacer.hear(stamp, wall)
        while pacer.due(time, wall):
            time += pacer.step
    return time


@pytest.mark.parametrize('rate', [0.5, 1.0, 4.0])
def test_time_runs_at_the_rate_asked_for(rate):
    assert run(Pacer(0.025, rate), 4.0) == pytest.approx(4.0 * rate, abs=0.05)


def test_without_commands_nothing_waits():
    assert run(Pacer(0.025, 2.0, max_lead=0.1), 2.0) == pytest.approx(4.0, abs=0.05)


def test_slow_commands_slow_the_clock():
    late = Pacer(0.025, 10.0, max_lead=0.1)
    # One command every 50 ms of wall time, for the state of that moment: at most 0.1 s each.
    time = run(late, 4.0, answer=lambda now, wall: now if round(wall * 1000) % 50 == 0 else None)
    assert time == pytest.approx(8.0, rel=0.05)
    assert late.waited > 1.0


def test_time_goes_on_when_commands_cease():
    pacer = Pacer(0.025, 1.0, max_lead=0.1, timeout=0.5)
    time = run(pacer, 3.0, answer=lambda now, wall: 0.0 if wall == 0.0 else None)
    # 0.1 s of lead, 2.5 s after the time-out, and a few steps made up for.
    assert time == pytest.approx(2.65, abs=0.1)


def test_delay_is_made_up_for_only_in_part():
    pacer = Pacer(0.025, 1.0)
    assert pacer.due(0.0, 0.0)
    steps = sum(pacer.due(0.0, 10.0) for _ in range(100))
    assert 1 <= steps <= CATCH_UP / 0.025 + 1


def test_steps_of_all_lengths_keep_the_rate():
    pacer, time, steps = Pacer(0.01, 2.0), 0.0, (0.01, 0.002, 0.005)
    for k in range(4000):
        while pacer.due(time, k * 1e-3, steps[k % 3]):
            time += steps[k % 3]
    assert time == pytest.approx(8.0, abs=0.03)
    assert pacer.real_time_factor(4.0) == pytest.approx(2.0, abs=0.03)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.0, 0.2), min_size=1, max_size=60))
def test_world_is_never_further_ahead_than_allowed(delays):
    pacer, time, newest, wall = Pacer(0.025, 50.0, 0.1, timeout=1e9), 0.0, 0.0, 0.0
    pacer.hear(0.0, 0.0)
    for delay in delays:
        wall += delay
        while pacer.due(time, wall):
            time += pacer.step
        assert time - newest <= 0.1 + 1e-9
        newest = time
        pacer.hear(newest, wall)
