"""How a drive follows its commands: `synth_nodes.world.drive`, which explains each part."""

import warp as wp

from synth_nodes.gpu.kernels.basics import infinity, real, Row, Table, Wholes

SHORTEST_STEP = wp.constant(real(0.004))
CRAWL = wp.constant(real(1e-3))
# Columns of a row of `Domain.drives`, as the fields of `Drive`.
MAX_SPEED = wp.constant(0)
MAX_REVERSE = wp.constant(1)
MAX_TURN = wp.constant(2)
ACCELERATION = wp.constant(3)
DECELERATION = wp.constant(4)
TURN_ACCELERATION = wp.constant(5)
LAG = wp.constant(6)
LATENCY = wp.constant(7)
KIND = wp.constant(8)
WHEEL_BASE = wp.constant(9)
MAX_STEER = wp.constant(10)
STEER_RATE = wp.constant(11)
MAX_LATERAL = wp.constant(12)
LATERAL_ACCELERATION = wp.constant(13)
SLIP = wp.constant(14)
TURN_SLIP = wp.constant(15)
SLIP_TIME = wp.constant(16)
ACKERMANN = wp.constant(real(1.0))
OMNIDIRECTIONAL = wp.constant(real(2.0))


@wp.struct
class Queue:
    """Commands that wait for their time, of B robots; see `world.drive.Queue`."""

    due: Table
    command: wp.array3d(dtype=real)
    ends: Wholes
    target: Table


@wp.func
def give(queue: Queue, drive: Row, b: int, now: real, v: real, w: real, vy: real):
    """Queue a command, limited to what the drive can do."""
    side = wp.where(drive[KIND] == OMNIDIRECTIONAL, drive[MAX_LATERAL], real(0.0))
    size = queue.due.shape[1]
    count = queue.ends[b, 1]
    newest = int((queue.ends[b, 0] + count - 1 + size) % size)
    crowded = bool(False)
    if count > 0:
        crowded = now + drive[LATENCY] - queue.due[b, newest] < SHORTEST_STEP
    if not crowded:
        newest = (newest + 1) % size
        queue.due[b, newest] = now + drive[LATENCY]
        queue.ends[b, 1] = count + 1
    queue.command[b, newest, 0] = wp.clamp(v, -drive[MAX_REVERSE], drive[MAX_SPEED])
    queue.command[b, newest, 1] = wp.clamp(vy, -side, side)
    queue.command[b, newest, 2] = wp.clamp(w, -drive[MAX_TURN], drive[MAX_TURN])


@wp.func
def take_due(queue: Queue, b: int, now: real):
    """Put into effect what is due; return the time [s] until the next is, inf when none waits."""
    size = queue.due.shape[1]
    wait = infinity()
    looking = bool(True)
    while looking and queue.ends[b, 1] > 0:
        first = queue.ends[b, 0]
        until = queue.due[b, first] - now
        if until > real(1e-9):
            wait = until
            looking = False
        else:
            for k in range(3):
                queue.target[b, k] = queue.command[b, first, k]
            queue.ends[b, 0] = (first + 1) % size
            queue.ends[b, 1] = queue.ends[b, 1] - 1
    return wait


@wp.func
def approach(value: real, target: real, limit: real, lag: real, step: real):
    """First-order lag with one limit of the slope: velocity at the end, and its mean."""
    error = target - value
    ramp = wp.clamp(wp.abs(error) / limit - lag, real(0.0), step)
    middle = value + wp.sign(error) * limit * ramp
    area = real(0.5) * (value + middle) * ramp
    rest = step - ramp
    end = real(target)
    if rest <= real(0.0):
        end = middle
    elif lag <= real(0.0):
        area += target * rest
    else:
        decay = wp.exp(-rest / lag)
        area += target * rest + (middle - target) * lag * (real(1.0) - decay)
        end = target + (middle - target) * decay
    return end, area / step


@wp.func
def respond(value: real, target: real, rise: real, fall: real, lag: real, step: real):
    """Do as `approach`, with one limit away from zero and one towards it."""
    if value * target < real(0.0):
        to_zero = wp.abs(value) / fall
        if to_zero >= step:
            stopped = value - wp.sign(value) * fall * step
            return stopped, real(0.5) * (value + stopped)
        rest = step - to_zero
        end, mean = approach(real(0.0), target, rise, lag, rest)
        return end, (real(0.5) * value * to_zero + mean * rest) / step
    limit = wp.where(wp.abs(target) > wp.abs(value), rise, fall)
    end, mean = approach(value, target, limit, lag, step)
    return end, mean


@wp.func
def steering(drive: Row, target: Row, now: real):
    """Choose the angle whose curvature is that of a command."""
    if wp.abs(target[0]) < CRAWL:
        return now
    wanted = wp.atan(drive[WHEEL_BASE] * target[2] / target[0])
    return wp.clamp(wanted, -drive[MAX_STEER], drive[MAX_STEER])


@wp.func
def follow(drive: Row, target: Row, wheels: Row, span: real):
    """Let the wheels follow the command in effect; return means of vx, vy, wz over the span."""
    speed, vx = respond(wheels[0], target[0], drive[ACCELERATION], drive[DECELERATION],
                        drive[LAG], span)
    wheels[0] = speed
    if drive[KIND] == ACKERMANN:
        angle, steer = approach(wheels[3], steering(drive, target, wheels[3]),
                                drive[STEER_RATE], drive[LAG], span)
        wheels[3] = angle
        wheels[2] = speed * wp.tan(angle) / drive[WHEEL_BASE]
        return vx, real(0.0), vx * wp.tan(steer) / drive[WHEEL_BASE]
    side = real(0.0)
    if drive[KIND] == OMNIDIRECTIONAL:
        lateral, vy = respond(wheels[1], target[1], drive[LATERAL_ACCELERATION],
                              drive[LATERAL_ACCELERATION], drive[LAG], span)
        wheels[1] = lateral
        side = vy
    turn, w = respond(wheels[2], target[2], drive[TURN_ACCELERATION],
                      drive[TURN_ACCELERATION], drive[LAG], span)
    wheels[2] = turn
    return vx, side, w


@wp.func
def arc(x: real, y: real, yaw: real, v: real, vy: real, w: real, t: real):
    """Move along the exact arc of a constant twist."""
    half = real(0.5) * w * t
    chord = t
    if wp.abs(half) < real(1e-4):
        chord = t * (real(1.0) - half * half / real(6.0))
    else:
        chord = t * (wp.sin(half) / half)
    ahead = v * chord
    left = vy * chord
    c = wp.cos(yaw + half)
    s = wp.sin(yaw + half)
    return x + ahead * c - left * s, y + ahead * s + left * c, yaw + real(2.0) * half
