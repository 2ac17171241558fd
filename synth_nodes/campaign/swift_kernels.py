"""
Compiled loops of the safety core's tubes and of the points outside them.

The same sums in the same order as :mod:`synth_nodes.safety.tube`, so that the same bits come out:
nothing is reordered or fused, and sines and cosines are left to numpy, in between.
"""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.sweep import ON_EDGE
from synth_nodes.safety.tube import ACTING, BRAKING, CRAWL
from synth_nodes.world.jit import bare, inline, kernel

Array = NDArray[np.float64]
Index = NDArray[np.intp]
SLICES = 2 * ACTING + BRAKING
MIDDLE_X, MIDDLE_Y, SPAN, MOVED_X, MOVED_Y, SPREAD = range(6)


@bare
def _reacting(velocity: float, most: float, least: float, last: float, rise: float, fall: float,
              brake: float, ends: Array, since: Array, low: Array, high: Array) -> None:
    """Intervals of one component until a stop is in effect, of either sign."""
    for sign in (1.0, -1.0):
        v = sign * velocity
        target = max(sign * last, 0.0)
        top = max(max(most if sign > 0.0 else -least, v), 0.0)
        gain = rise if v >= 0.0 else max(rise, fall)
        before = 0.0
        for k in range(2 * ACTING):
            value = min(v + gain * ends[k], top)
            if k == ACTING - 1:
                before = value
            if k >= ACTING:
                value = (max(before - brake * since[k], target) if before > target
                         else min(value, target))
            if sign > 0.0:
                high[k] = value
            else:
                low[k] = -value


@bare
def _stopping(top: float, brake: float, fall: float, whole: float, sign: float,
              out: Array) -> None:
    """One end of the intervals of one component while the drive brakes."""
    step = whole / BRAKING
    for k in range(BRAKING):
        if top > 0.0:
            value = max(top - brake * (k * step), 0.0)
        else:
            value = min(top + fall * ((k + 1) * step), 0.0)
        out[2 * ACTING + k] = sign * value


@inline
def _arcs(v: float, w: float, top: float, slow: float) -> tuple[float, float]:
    """Least and greatest curvature [1/m] of a steered drive at a twist."""
    if abs(v) < CRAWL:
        return -slow, slow
    arc = min(max(w / v, -top), top)
    return arc, arc


@bare
def _steer(low: Array, high: Array, arcs: Array, begin: int, end: int) -> None:
    """Put the turns that speeds and curvatures give together in the place of the stated ones."""
    for k in range(begin, end):
        arc = min(k, 2 * ACTING - 1)
        a, b = low[0, k] * arcs[0, arc], low[0, k] * arcs[1, arc]
        c, d = high[0, k] * arcs[0, arc], high[0, k] * arcs[1, arc]
        low[2, k] = min(min(a, b), min(c, d))
        high[2, k] = max(max(a, b), max(c, d))


@bare
def _curves(velocity: Array, pending: Array, command: Array, part: float, steered: Array,
            ends: Array, arcs: Array) -> None:
    """Least and greatest curvature [1/m] of a steered drive in each slice of reacting."""
    top, change = steered[0], steered[1]
    first, last = _arcs(velocity[0], velocity[2], top, top)
    least, most = min(first, 0.0), max(last, 0.0)
    for j in range(len(pending) + 1):
        if j < len(pending):
            some, more = _arcs(pending[j, 0], pending[j, 2], top, 0.0)
        else:
            some, more = _arcs(command[0] * part, command[2] * part, top, 0.0)
        least, most = min(least, some), max(most, more)
    for k in range(2 * ACTING):
        arcs[0, k] = max(first - change * ends[k], least)
        arcs[1, k] = min(last + change * ends[k], most)


@kernel
def courses(who: Index, parts: Array, velocity: Array, pending: Array, command: Array, age: Array,
            delay: Array, drive: Array, steered: Array, begin: Array, spent: Array,
            out: Array, turns: Array, times: Array, tail: float) -> None:
    """
    Follow the intervals of twists through the slices of T tubes.

    :param who: robots, shape (T,); parts: of their commands, shape (T,).
    :param velocity, command: shape (B, 3); pending: (B, C, 3); age, delay: [s], shape (B,).
    :param drive: rise, fall and brake of each component, shape (3, 3).
    :param steered: tightest arc [1/m] and its change [1/m/s]; 0 for drives that do not steer.
    :param begin: ends of the slices of reacting, without the delay [s], shape (2 * ACTING,).
    :param spent: durations of these [s], likewise.
    :param out: middle twist, duration, growth, turn's half width, shape (T, K, 6).
    :param turns: heading and half the turn of each slice [rad], shape (2, T, K).
    :param times: ends of the slices [s], shape (T, K).
    """
    low, high = np.empty((3, SLICES)), np.empty((3, SLICES))
    arcs, ends, since = np.empty((2, 2 * ACTING)), np.empty(2 * ACTING), np.empty(2 * ACTING)
    for t in range(len(who)):
        r, part = who[t], parts[t]
        for k in range(2 * ACTING):
            ends[k] = begin[k] + delay[r]
            since[k] = ends[k] - ends[ACTING - 1] - spent[2 * ACTING - 1]
        for c in range(3):
            last = command[r, c] * part
            most = least = last
            for j in range(pending.shape[1]):
                most, least = max(most, pending[r, j, c]), min(least, pending[r, j, c])
            _reacting(velocity[r, c], most, least, last, drive[0, c], drive[1, c], drive[2, c],
                      ends, since, low[c], high[c])
        if steered[0] > 0.0:
            _curves(velocity[r], pending[r], command[r], part, steered, ends, arcs)
            _steer(low, high, arcs, 0, 2 * ACTING)
        whole = 1e-9
        edge = 2 * ACTING - 1
        for c in range(3):
            whole = max(whole, max(high[c, edge], -low[c, edge]) / drive[2, c])
        for c in range(3):
            _stopping(high[c, edge], drive[2, c], drive[1, c], whole, 1.0, high[c])
            _stopping(-low[c, edge], drive[2, c], drive[1, c], whole, -1.0, low[c])
        if steered[0] > 0.0:
            _steer(low, high, arcs, 2 * ACTING, SLICES)
        _grow(low, high, max(age[r] * age[r] / 2, age[r] * delay[r]), drive, spent, whole,
              out[t], turns[:, t], times[t])
        times[t, SLICES - 1] += tail


@bare
def _grow(low: Array, high: Array, late: float, drive: Array, spent: Array, whole: float,
          out: Array, turns: Array, times: Array) -> None:
    """Sum up how far a body may be off the nominal motion of each slice."""
    since_x = late * max(drive[0, 0], drive[1, 0])
    since_y = late * max(drive[0, 1], drive[1, 1])
    since_turn = late * max(drive[0, 2], drive[1, 2])
    heading = total = width_sum = time = sum_x = sum_y = turned_x = turned_y = 0.0
    for k in range(SLICES):
        span = spent[k] if k < 2 * ACTING else whole / BRAKING
        mx, my, mw = ((low[0, k] + high[0, k]) / 2, (low[1, k] + high[1, k]) / 2,
                      (low[2, k] + high[2, k]) / 2)
        wx, wy, ww = ((high[0, k] - low[0, k]) / 2, (high[1, k] - low[1, k]) / 2,
                      (high[2, k] - low[2, k]) / 2)
        bx, by = abs(mx) + wx, abs(my) + wy
        turn, swing = mw * span, abs(mw) * span
        heading += turn
        total += swing
        width_sum += ww * span
        off = since_turn + width_sum
        step_x = (wx + bx * (off * off / 2) + by * off) * span
        step_y = (wy + by * (off * off / 2) + bx * off) * span
        sum_x += step_x
        sum_y += step_y
        before = total - swing
        turned_x += before * step_y
        turned_y += before * step_x
        all_x, all_y = since_x + sum_x, since_y + sum_y
        error_x = all_x + (total * all_y - turned_x)
        error_y = all_y + (total * all_x - turned_y)
        way_x, way_y = abs(mx) * span, abs(my) * span
        out[k, MIDDLE_X], out[k, MIDDLE_Y], out[k, SPAN] = mx, my, span
        out[k, MOVED_X] = error_x + way_x / 2 + way_y * swing / 8
        out[k, MOVED_Y] = error_y + way_y / 2 + way_x * swing / 8
        out[k, SPREAD] = min(off + swing / 2, 1.0)
        turns[0, k], turns[1, k] = heading - turn / 2, turn / 2
        time += span
        times[k] = time


@kernel
def polygons(out: Array, cosines: Array, sines: Array, sincs: Array, body: Array, lines: Array,
             box: Array) -> None:
    """
    Draw the polygons of T tubes.

    :param out: as :func:`courses` left it; cosines, sines: of the headings, sincs: of the half
        turns, shape (T, K).
    :param body: normal, offset, lever, corner and joints of each edge, shape (E, 10).
    :param lines: normals and offset of each edge, shape (T, K, E, 3).
    :param box: least x, least y, greatest x, greatest y [m], shape (T, 4).
    """
    edges = len(body)
    grown = np.empty(edges)
    for t in range(len(out)):
        at_x = at_y = 0.0
        low_x = low_y = np.inf
        high_x = high_y = -np.inf
        for k in range(SLICES):
            mx, my, span = out[t, k, MIDDLE_X], out[t, k, MIDDLE_Y], out[t, k, SPAN]
            c, s = cosines[t, k], sines[t, k]
            chord = span * sincs[t, k]
            dx, dy = chord * (c * mx - s * my), chord * (s * mx + c * my)
            at_x += dx
            at_y += dy
            x, y = at_x - dx / 2, at_y - dy / 2
            for e in range(edges):
                nx, ny = body[e, 0], body[e, 1]
                g = (abs(nx) * out[t, k, MOVED_X] + abs(ny) * out[t, k, MOVED_Y]
                     + body[e, 3] * out[t, k, SPREAD])
                grown[e] = g
                lx, ly = c * nx - s * ny, s * nx + c * ny
                lines[t, k, e, 0], lines[t, k, e, 1] = lx, ly
                lines[t, k, e, 2] = body[e, 2] + g + lx * x + ly * y
            for e in range(edges):
                before = grown[e - 1] if e else grown[edges - 1]
                cx = body[e, 4] + body[e, 6] * before + body[e, 7] * grown[e]
                cy = body[e, 5] + body[e, 8] * before + body[e, 9] * grown[e]
                px, py = x + c * cx - s * cy, y + s * cx + c * cy
                low_x, high_x = min(low_x, px), max(high_x, px)
                low_y, high_y = min(low_y, py), max(high_y, py)
        box[t, 0], box[t, 1], box[t, 2], box[t, 3] = low_x, low_y, high_x, high_y


@bare
def _outside(lines: Array, times: Array, t: int, x: float, y: float, speed: float,
             least: float) -> bool:
    """Whether a point lies so far outside the polygons of all slices."""
    for k in range(SLICES):
        apart = False
        shift = times[t, k] * speed
        for e in range(lines.shape[2]):
            if lines[t, k, e, 0] * x + lines[t, k, e, 1] * y - lines[t, k, e, 2] - shift >= least:
                apart = True
                break
        if not apart:
            return False
    return True


@bare
def _free(lines: Array, times: Array, box: Array, t: int, slack: float, x: float, y: float,
          speed: float, least: float) -> bool:
    """Whether a point need not be looked at, or is far enough outside."""
    if not (x >= box[t, 0] - slack and x <= box[t, 2] + slack
            and y >= box[t, 1] - slack and y <= box[t, 3] + slack):
        return True
    return _outside(lines, times, t, x, y, speed, least)


@kernel
def free(lines: Array, times: Array, box: Array, slack: Array, index: Index, x: Array, y: Array,
         speed: Array, least: Array, out: NDArray[np.bool_]) -> None:
    """Whether M points, of the tubes of an index, stay as far outside as they must, shape (M,)."""
    for m in range(len(index)):
        t = index[m]
        out[m] = _free(lines, times, box, t, slack[t], x[m], y[m], speed[m], least[m])


@kernel
def outside(lines: Array, times: Array, index: Index, x: Array, y: Array, least: Array,
            out: NDArray[np.bool_]) -> None:
    """Whether M resting points lie on no lower level than the least [m], shape (M,)."""
    for m in range(len(index)):
        t = index[m]
        out[m] = _outside(lines, times, t, x[m], y[m], 0.0, least[m])


@kernel
def highest(lines: Array, times: Array, box: Array, slack: Array, index: Index, x: Array,
            y: Array, speed: Array, least: Array, parts: Array, out: Array) -> None:
    """
    Find the highest of P parts at which each of M points is free, or 0, shape (M,).

    :param lines, times, box, slack: of P * R tubes.
    :param index: of R robots, shape (M,); parts: increasing, shape (P, R).
    """
    count = parts.shape[1]
    for m in range(len(index)):
        r = index[m]
        out[m] = 0.0
        for p in range(len(parts) - 1, -1, -1):
            t = p * count + r
            if _free(lines, times, box, t, slack[t], x[m], y[m], speed[m], least[m]):
                out[m] = parts[p, r]
                break


@kernel
def crossings(x: Array, y: Array, robot: Index, command: Array, levels: Array, corners: Array,
              mitres: Array, first: Array, tag: Index, chords: Array) -> int:
    """
    Find where the ways of M points cross the edges of L levels of a footprint.

    The loops of :func:`synth_nodes.safety.sweep.entry_times` up to its angles.

    :param command: of the robots, shape (B, 3); levels: [m], shape (L, M).
    :param corners, mitres: of the body, shape (E, 2).
    :param first: filled with 0 where a point is inside, inf elsewhere, shape (L * M,).
    :param tag: filled with the pair of level and point of each crossing, shape (L * M * E,).
    :param chords: filled with the chords from the points to there [m], shape (2, L * M * E).
    :return: the number of crossings.
    """
    edges, count, found = len(corners), len(x), 0
    for pair in range(levels.shape[0] * count):
        m = pair % count
        level, px, py = levels[pair // count, m], x[m], y[m]
        vx, vy, w = command[robot[m], 0], command[robot[m], 1], command[robot[m], 2]
        inside = True
        bx = corners[0, 0] + level * mitres[0, 0]
        by = corners[0, 1] + level * mitres[0, 1]
        for e in range(edges):
            ax, ay = bx, by
            after = e + 1 if e + 1 < edges else 0
            bx = corners[after, 0] + level * mitres[after, 0]
            by = corners[after, 1] + level * mitres[after, 1]
            ex, ey = bx - ax, by - ay
            dx, dy = ax - px, ay - py
            inside = inside and ey * dx >= ex * dy
            qa = w * (ex * ex + ey * ey)
            qb = ex * (w * ax + vy) + ey * (w * ay - vx)
            qc = dx * (w * (ax + px) + 2 * vy) + dy * (w * (ay + py) - 2 * vx)
            square = qb * qb - qa * qc
            if square < 0.0:
                continue
            root = np.sqrt(square)
            u = (qb + root) / -qa if qb > 0.0 else qc / (root - qb)
            if u >= -ON_EDGE and u <= 1 + ON_EDGE:
                tag[found] = pair
                chords[0, found], chords[1, found] = dx + u * ex, dy + u * ey
                found += 1
        first[pair] = 0.0 if inside else np.inf
    return found
