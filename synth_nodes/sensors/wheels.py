"""Settings of the wheel odometry. No numba: nodes on a robot read them too."""

from dataclasses import dataclass

from synth_nodes.settings import setting


@dataclass(frozen=True)
class OdometrySettings:
    """Errors of the wheel odometry."""

    scale_error: float = setting(
        0.005, 'Standard deviation of the scale error of distance.', low=0.0, high=0.2)
    turn_scale_error: float = setting(
        0.01, 'Standard deviation of the scale error of angle.', low=0.0, high=0.2)
    slip: float = setting(
        0.01, 'Standard deviation of distance after one metre.',
        unit='m/sqrt(m)', low=0.0, high=0.5)
    turn_slip: float = setting(
        0.01, 'Standard deviation of angle after one radian.',
        unit='rad/sqrt(rad)', low=0.0, high=0.5)
    drift: float = setting(
        0.01, 'Standard deviation of angle after one metre.',
        unit='rad/sqrt(m)', low=0.0, high=0.5)
