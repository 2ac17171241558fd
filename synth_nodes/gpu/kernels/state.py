"""Scene and state of B worlds on a device, as `synth_nodes.world.stepping` has them."""

import warp as wp

from synth_nodes.gpu.kernels.basics import real, Row, Streams, Table, Whole, Wholes
from synth_nodes.gpu.kernels.drive import Queue
from synth_nodes.gpu.kernels.gait import Gait
from synth_nodes.gpu.kernels.maps import Maps
from synth_nodes.gpu.kernels.paths import Rails, Ways
from synth_nodes.gpu.kernels.shapes import Body

Flags = wp.array(dtype=wp.bool)
# Columns of a row of `Domain.manners`, as the fields of `Manner`.
RADIUS = wp.constant(0)
SPEED = wp.constant(1)
GIVE_WAY = wp.constant(2)
SPACE = wp.constant(3)
PATIENCE = wp.constant(4)
PAUSE = wp.constant(5)


@wp.struct
class Scene:
    """What does not change from step to step."""

    maps: Maps
    ways: Ways
    rails: Rails
    body: Body
    gait: Gait


@wp.struct
class Crowd:
    """People and carts; see `world.actors.Crowd`."""

    body: wp.array3d(dtype=real)
    goal: Wholes
    pace: Table
    rest: Table
    blocked: Table
    track: Wholes
    along: Table
    sense: Table
    recall: wp.array3d(dtype=real)


@wp.struct
class Domain:
    """What was drawn for each world; see `world.randomise.Domain`."""

    drives: Table
    manners: Table
    people: Whole
    mount: Table


@wp.struct
class State:
    """What changes; see `world.stepping.State`."""

    map_index: Whole
    pose: Table
    velocity: Table
    wheels: Table
    slip: Table
    time: Row
    collided: Flags
    blocked_by_actor: Flags
    clearance: Row
    streams: Streams
    queue: Queue
    crowd: Crowd
    domain: Domain
