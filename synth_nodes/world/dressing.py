"""How a map is dressed into a scene. No numba: nodes on a robot read it too."""

from dataclasses import dataclass

from synth_nodes.settings import setting


@dataclass(frozen=True)
class DressSettings:
    """How a map is dressed."""

    boxes: int = setting(0, 'Boxes put on the floor.', low=0, high=1000)
    cylinders: int = setting(0, 'Cylinders put on the floor.', low=0, high=1000)
    lines: int = setting(2, 'Lines painted on the floor.', low=0, high=100)
    line_width: float = setting(0.05, 'Width of the lines.', unit='m', low=0.005, high=1.0)
    wall_height: float = setting(2.6, 'Height of walls.', unit='m', low=0.5, high=20.0)
    variety: float = setting(
        1.0, 'How far colours and light vary from a plain office, 0 to 1.', low=0.0, high=1.0)
    odd_share: float = setting(
        0.0, 'Share of boxes and cylinders that are black, glass, mirror, metal or reflector to a '
        'lidar.', low=0.0, high=1.0)
    odd_walls: int = setting(
        0, 'Stretches of wall that are black, glass, mirror, metal or reflector to a lidar.',
        low=0, high=1000)
