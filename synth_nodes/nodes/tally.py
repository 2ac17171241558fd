"""Counting what the simulated robot touches. No ROS."""

MOVING = 0.02
"""Speed [m/s, rad/s] above which a touch counts as the robot's doing."""
RELEASED = 2e-3
"""Gap [m] from which a touch is over; the world ends motions a millimetre before."""


class Tally:
    """Counts collisions: each begins with the first step of contact and ends with the last."""

    def __init__(self) -> None:
        self.collisions = 0
        self.collisions_moving = 0
        """Those in which the robot itself moved."""
        self.clearance_min = float('inf')
        """Smallest gap [m] so far."""
        self.touching = False

    def count(self, touching: bool, speed: float, clearance: float) -> None:
        """
        Take one step into account.

        :param speed: of the robot before the step [m/s or rad/s, whichever is larger].
        :param clearance: gap from the footprint to the nearest thing [m].
        """
        self.clearance_min = min(self.clearance_min, clearance)
        if touching and not self.touching:
            self.collisions += 1
            self.collisions_moving += speed > MOVING
        self.touching = touching or (self.touching and clearance < RELEASED)

    def figures(self) -> dict[str, float]:
        """Return the counters for diagnostics."""
        return {'collisions': self.collisions, 'collisions_moving': self.collisions_moving,
                'clearance_min': self.clearance_min}
