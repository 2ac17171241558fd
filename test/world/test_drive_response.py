import hypothesis
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.types import RobotSpec
from synth_nodes.world.drive import arc, Drive, give, Queue, respond, take_due

speeds = st.floats(-2.0, 2.0)


@given(value=speeds, target=speeds, rise=st.floats(0.2, 5.0), fall=st.floats(0.2, 5.0),
       lag=st.floats(0.01, 0.5), step=st.floats(0.01, 0.5))
@hypothesis.settings(max_examples=60, deadline=None)
def test_response_equals_fine_integration_of_lag_and_limits(value, target, rise, fall, lag, step):
    count = 4000
    v, area, h = value, 0.0, step / count
    for _ in range(count):
        slope = (target - v) / lag
        if v * target < 0:
            slope = -np.sign(v) * fall
        limit = rise if abs(target) > abs(v) and v * target >= 0 else fall
        new = v + np.clip(slope, -limit, limit) * h
        area += 0.5 * (v + new) * h
        v = new
    end, mean = respond(value, target, rise, fall, lag, step)
    assert end == pytest.approx(v, abs=2e-3)
    assert mean == pytest.approx(area / step, abs=2e-3)


@given(value=speeds, target=speeds, first=st.floats(0.01, 0.3), second=st.floats(0.01, 0.3))
@hypothesis.settings(max_examples=60, deadline=None)
def test_response_does_not_depend_on_how_time_is_cut(value, target, first, second):
    end, mean = respond(value, target, 1.0, 1.5, 0.05, first + second)
    middle, a = respond(value, target, 1.0, 1.5, 0.05, first)
    last, b = respond(middle, target, 1.0, 1.5, 0.05, second)
    assert last == pytest.approx(end, abs=1e-9)
    assert a * first + b * second == pytest.approx(mean * (first + second), abs=1e-9)


def test_a_drive_without_lag_reaches_its_set_point_at_the_limit():
    assert respond(0.0, 1.0, 2.0, 1.0, 0.0, 0.25) == pytest.approx((0.5, 0.25))
    assert respond(0.0, 1.0, 2.0, 1.0, 0.0, 1.0) == pytest.approx((1.0, 0.75))
    assert respond(1.0, 0.0, 2.0, 1.0, 0.0, 2.0) == pytest.approx((0.0, 0.25))


@given(x=speeds, y=speeds, yaw=st.floats(-3.0, 3.0), v=speeds, w=st.floats(-3.0, 3.0),
       t=st.floats(0.0, 2.0))
@hypothesis.settings(max_examples=100, deadline=None)
def test_arc_equals_the_circle(x, y, yaw, v, w, t):
    got = arc(x, y, yaw, v, w, t)
    if abs(w) < 1e-3:
        middle = yaw + w * t / 2
        want = (x + v * t * np.cos(middle), y + v * t * np.sin(middle), yaw + w * t)
    else:
        want = (x + v / w * (np.sin(yaw + w * t) - np.sin(yaw)),
                y - v / w * (np.cos(yaw + w * t) - np.cos(yaw)), yaw + w * t)
    assert got == pytest.approx(want, abs=1e-6)


@given(latency=st.just(0.0) | st.floats(0.001, 0.3), dt=st.floats(0.001, 0.1))
@hypothesis.settings(max_examples=50, deadline=None)
def test_each_command_takes_effect_after_the_dead_time(latency, dt):
    drive = Drive.of(RobotSpec(command_latency=latency, max_speed=10.0))
    queue = Queue.empty(1, latency)
    for k in range(60):
        now = k * dt
        give(queue, drive, 0, now, 0.01 * k, 0.0)
        wait = take_due(queue, 0, now)
        # Commands nearer than 4 ms share a place and may come that much early, never late.
        oldest = np.floor((now - latency) / dt + 1e-6)
        assert queue.target[0, 0] >= 0.01 * max(oldest, 0) - 1e-9
        assert queue.target[0, 0] <= 0.01 * max((now - latency + 0.004) / dt, 0) + 1e-6
        assert queue.ends[0, 1] == 0 or 0 < wait <= latency + 1e-9


def test_commands_are_limited_to_what_the_drive_can_do():
    robot = RobotSpec(command_latency=0.0)
    queue = Queue.empty(1, 0.0)
    give(queue, Drive.of(robot), 0, 0.0, -5.0, 9.0)
    take_due(queue, 0, 0.0)
    assert queue.target[0] == pytest.approx([-robot.max_reverse_speed, 0.0, robot.max_turn_rate])
