"""What domain randomisation may vary. No numba: nodes on a robot read it too."""

from dataclasses import dataclass

from synth_nodes.settings import setting


@dataclass(frozen=True)
class Randomisation:
    """
    Ranges that each world draws from at every reset.

    Factors multiply the setting of the robot or the people that they are named after.
    """

    speed: tuple[float, ...] = setting(
        (1.0, 1.0), 'Factor on all speed limits, least and most.', low=0.1, high=5.0)
    turn_rate: tuple[float, ...] = setting(
        (1.0, 1.0), 'Factor on robot.max_turn_rate, least and most.', low=0.1, high=5.0)
    acceleration: tuple[float, ...] = setting(
        (1.0, 1.0), 'Factor on all accelerations, least and most.', low=0.1, high=5.0)
    deceleration: tuple[float, ...] = setting(
        (1.0, 1.0), 'Factor on robot.deceleration, least and most.', low=0.1, high=5.0)
    lag: tuple[float, ...] = setting(
        (1.0, 1.0), 'Factor on robot.actuator_lag, least and most.', low=0.0, high=10.0)
    latency: tuple[float, ...] = setting(
        (1.0, 1.0), 'Factor on robot.command_latency, least and most.', low=0.0, high=10.0)
    slip: tuple[float, ...] = setting(
        (0.0, 0.0), 'Added to robot.slip and robot.turn_slip, least and most.',
        low=0.0, high=0.3)
    people: tuple[float, ...] = setting(
        (1.0, 1.0), 'Share of actors.count that is there, least and most.', low=0.0, high=1.0)
    people_speed: tuple[float, ...] = setting(
        (1.0, 1.0), 'Factor on actors.speed, least and most.', low=0.0, high=5.0)
    personal_space: tuple[float, ...] = setting(
        (1.0, 1.0), 'Factor on actors.personal_space, least and most.', low=0.1, high=5.0)
    give_way: float = setting(
        1.0, 'Share of worlds whose people give way, where actors.give_way is true.',
        low=0.0, high=1.0)
    mount_shift: float = setting(
        0.0, 'Largest offset of the sensor mount along x and y.', unit='m', low=0.0, high=0.5)
    mount_turn: float = setting(
        0.0, 'Largest turn of the sensor mount.', unit='rad', low=0.0, high=0.5)
    any_map: bool = setting(
        False, 'Whether each reset without a pose puts the world into any map of the atlas.')
