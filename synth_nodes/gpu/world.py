"""B worlds on a device: `synth_nodes.world.world.World`, one thread a world."""

from typing import Any

import numpy as np
import warp as wp

from synth_nodes.errors import InputError
from synth_nodes.gpu.device import beside_torch
from synth_nodes.gpu.kernels import worlds
from synth_nodes.gpu.kernels.spawn import Ranges, Starts
from synth_nodes.gpu.kernels.state import Scene, State
from synth_nodes.gpu.upload import bring, fill, upload
from synth_nodes.world.world import LONGEST_STEP, Parts, World


class DeviceWorld:
    """
    Worlds that go on, on a device, from where a world of the numba back end is.

    Both draw the same random numbers: under the same commands they stay the same but for
    rounding. What is given out are tensors of torch that share the world's own memory.
    """

    def __init__(self, world: World, device: Any) -> None:
        """
        Copy a world to a device; it is not changed and not needed any more.

        :param device: from `open_device`.
        """
        parts = world.parts
        self.device = device
        self.atlas = world.atlas
        self.robot = world.robot
        self.batch = world.batch
        """Number of worlds B."""
        self.scene: Any = fill(Scene, parts.scene, device)
        """A `Scene` of the kernels."""
        self.state: Any = fill(State, parts.state, device)
        """A `State` of the kernels."""
        self._starts = fill(Starts, parts.starts, device)
        self.ranges = _ranges(parts, len(world.atlas.maps), device)
        """What worlds draw from at a reset, a `Ranges` of the kernels."""
        self._people = int(parts.nominal.people[0])
        self._command = wp.zeros((self.batch, 3), dtype=wp.float64, device=device)
        self.faults = wp.zeros(2, dtype=wp.int32, device=device)
        """What went wrong on the device; see :meth:`check`."""
        state = self.state
        self.pose = wp.to_torch(state.pose)
        """x, y [m], yaw [rad] of base_link in `map`, shape (B, 3)."""
        self.velocity = wp.to_torch(state.velocity)
        """Actual vx, vy [m/s], wz [rad/s] in base_link, shape (B, 3)."""
        wheels = wp.to_torch(state.wheels)
        self.wheel_velocity, self.steer = wheels[:, :3], wheels[:, 3]
        """As the wheels roll, (B, 3), and the steering angle [rad], (B,)."""
        self.mount_offset = wp.to_torch(state.domain.mount)
        """What was drawn for the sensor mount, x, y [m], yaw [rad], shape (B, 3)."""
        self.map_index = wp.to_torch(state.map_index)
        """Which map of the atlas each world is in, shape (B,)."""
        self.actors = wp.to_torch(state.crowd.body)
        """x, y [m], vx, vy [m/s] in `map`, radius [m] of people, then carts, shape (B, A, 5)."""
        self.collided = wp.to_torch(state.collided)
        """Whether the robot touched anything in the last step, shape (B,)."""
        self.blocked_by_actor = wp.to_torch(state.blocked_by_actor)
        """Whether that was a person walking into a robot that stood, shape (B,)."""
        self.clearance = wp.to_torch(state.clearance)
        """Gap from the footprint to the nearest wall or person [m], at most 2, shape (B,)."""
        self.time = wp.to_torch(state.time)
        """Simulated time since the reset [s], shape (B,)."""

    def step(self, command: Any, dt: float) -> None:
        """
        Advance all worlds; nothing waits for the device.

        A command that is not finite counts as none, and the next :meth:`check` says so.

        :param command: vx, vy [m/s], wz [rad/s] in base_link, shape (B, 3), float64; numpy's is
            copied to the device.
        :param dt: [s], up to 0.2.
        :raises InputError: when shape, type or dt do not fit.
        """
        if not 0.0 < dt <= LONGEST_STEP:
            raise InputError(f'dt = {dt} s is outside (0, {LONGEST_STEP}] s')
        with beside_torch(self.device):
            bring(command, self._command, 'command')
            wp.launch(worlds.step, self.batch,
                      [self.scene, self.state, self._command, float(dt), self.faults],
                      device=self.device)

    def reset(self, index: Any = None, pose: Any = None) -> None:
        """
        Start worlds anew, as `World.reset`; poses that are given are taken as they are.

        :param index: a mask of shape (B,), or the numbers of some; None means all.
        :param pose: x, y [m], yaw [rad] in `map` for each of all B worlds, shape (B, 3); those
            of worlds not named are not read. None draws free poses.
        :raises InputError: when shapes do not fit, or no place was found for somebody.
        """
        mask = np.zeros(self.batch, bool)
        try:
            mask[... if index is None else np.asarray(index)] = True
        except IndexError as error:
            raise InputError(f'reset index does not fit {self.batch} worlds: {error}') from error
        with beside_torch(self.device):
            chosen = upload(mask, self.device)
            poses = wp.zeros((0 if pose is None else self.batch, 3), dtype=wp.float64,
                             device=self.device)
            if pose is not None:
                bring(pose, poses, 'pose')
            wp.launch(worlds.reset, self.batch, [
                self.scene, self.state, self._starts, self.ranges, chosen, poses, self.faults],
                device=self.device)
            self.check()

    def check(self) -> None:
        """
        Wait for the device, and say what went wrong there since the last time.

        :raises InputError: when somebody had to be placed too near a robot, or a command was
            not finite.
        """
        with beside_torch(self.device):
            crowded, broken = self.faults.numpy()
            self.faults.zero_()
        if crowded:
            raise InputError(
                f'actors.count = {self._people}, {self.actors.shape[1]} with carts: no place was '
                'found for one away from the robot; use fewer or smaller ones, or a larger map')
        if broken:
            raise InputError('command holds NaN or infinity; send finite vx, vy, wz')


def _ranges(parts: Parts, maps: int, device: Any) -> Any:
    """Put what worlds draw from at a reset onto a device."""
    ranges: Any = Ranges()
    ranges.on = parts.ranges is not None
    ranges.span = upload(np.zeros((13, 2)) if parts.ranges is None else parts.ranges, device)
    ranges.drive = upload(parts.nominal.drives[0], device)
    ranges.manner = upload(parts.nominal.manners[0], device)
    ranges.people = int(parts.nominal.people[0])
    ranges.maps = maps if parts.any_map else 0
    return ranges
