"""What can be broken about a sensor, all off by default. No numpy, no ROS."""

from dataclasses import dataclass, fields

from synth_nodes.settings import setting


@dataclass(frozen=True)
class FaultSettings:
    """
    Faults of one sensor; each can be switched while the sensor runs.

    What a value is and its unit are the sensor's: see `synth_nodes.sensors.fault_values`.
    """

    bias: float = setting(
        0.0, 'Added to every value: m for ranges and depth, SI units for IMU and velocity, parts '
        'of full brightness for colour.', low=-100.0, high=100.0)
    false_returns: float = setting(
        0.0, 'Chance that a value is a false one: for ranges and depth something nearer than the '
        'truth, else anything in full scale.', low=0.0, high=1.0)
    blind_width: float = setting(
        0.0, 'Width of the sector in which nothing is seen; axes of IMU and odometry that point '
        'into it are dead.', unit='rad', low=0.0, high=6.3)
    blind_centre: float = setting(
        0.0, 'Direction of the middle of the blind sector in the frame of the sensor.',
        unit='rad', low=-3.2, high=3.2)
    blind_reads: str = setting(
        'nan', 'What the blind sector reads; an image of bytes has 0 for nan.',
        choices=('nan', 'inf', 'zero'))
    all_max: bool = setting(False, 'Every value is full scale: the largest range, white.')
    all_nan: bool = setting(False, 'Every value is NaN; bytes are 0.')
    freeze: bool = setting(False, 'The values of the first reading from now on are repeated.')
    freeze_stamp: bool = setting(False, 'The stamp of the first reading from now on is repeated.')
    future_stamp: float = setting(
        0.0, 'Stamps are ahead of the clock by this much.', unit='s', low=0.0, high=60.0)
    wrong_frame: str = setting('', 'Frame that the readings claim to be in; empty: the true one.')
    drop: float = setting(0.0, 'Chance that a reading is lost.', low=0.0, high=1.0)
    duplicate: float = setting(0.0, 'Chance that a reading is sent twice.', low=0.0, high=1.0)
    out_of_order: float = setting(
        0.0, 'Chance that a reading is overtaken by the next one.', low=0.0, high=1.0)
    delay: float = setting(
        0.0, 'Simulated time for which every reading is held back.', unit='s', low=0.0, high=5.0)
    jitter: float = setting(
        0.0, 'Largest further time, drawn for each reading; their order is kept.',
        unit='s', low=0.0, high=5.0)

    @property
    def values(self) -> bool:
        """Whether a fault that changes values is on."""
        return bool(self.bias or self.false_returns or self.blind_width or self.all_max
                    or self.all_nan)

    @property
    def active(self) -> dict[str, bool | float | str]:
        """Faults that are on, by name, with what they are set to."""
        passive = ('blind_centre', 'blind_reads')
        return {f.name: getattr(self, f.name) for f in fields(self)
                if f.name not in passive and getattr(self, f.name)}
