"""Settings of the people and carts in a world. No numba: nodes on a robot read them too."""

from dataclasses import dataclass

from synth_nodes.settings import setting


@dataclass(frozen=True)
class ActorSettings:
    """The people in a world."""

    count: int = setting(4, 'People in each world.', low=0, high=64)
    radius: float = setting(0.25, 'Radius of a person.', unit='m', low=0.1, high=1.0)
    speed: float = setting(
        0.6, 'Fastest walking speed; each person has between 0.6 and 1 of it.',
        unit='m/s', low=0.0, high=2.0)
    give_way: bool = setting(
        True, 'Whether people keep off the robot, or walk on as if it were not there.')
    personal_space: float = setting(
        0.35, 'Gap to the robot that people who give way do not close any further.',
        unit='m', low=0.05, high=2.0)
    patience: float = setting(
        3.0, 'Time blocked before a person walks somewhere else.', unit='s', low=0.1, high=60.0)
    pause: float = setting(
        2.0, 'Longest rest at a goal, and after bumping into something.',
        unit='s', low=0.0, high=60.0)
    places: int = setting(16, 'Goals in a map that people walk between.', low=2, high=200)
    walk: str = setting(
        'ways', "How people walk: straight along the shortest 'ways' at an even pace, or as a "
        "gait 'learned' from tracks (synth-nodes train generator --of tracks).",
        choices=('ways', 'learned'))
    walk_model: str = setting(
        '', 'Folder of the learned gait; the one that ships with the package where empty.')


@dataclass(frozen=True)
class CartSettings:
    """The carts in a world: they run along the lines painted on a scene's floor."""

    count: int = setting(0, 'Carts in each world.', low=0, high=64)
    radius: float = setting(0.4, 'Radius of a cart.', unit='m', low=0.1, high=2.0)
    speed: float = setting(
        0.8, 'Fastest speed; each cart has between 0.6 and 1 of it.',
        unit='m/s', low=0.0, high=3.0)
    stops: bool = setting(True, 'Whether carts stop for the robot, or drive on.')
    gap: float = setting(
        0.5, 'Gap to the robot that carts which stop do not close any further.',
        unit='m', low=0.05, high=3.0)
    patience: float = setting(
        5.0, 'Time blocked before a cart turns back.', unit='s', low=0.1, high=600.0)
