"""Settings of deep Q-learning."""

from dataclasses import dataclass, replace

from synth_nodes.settings import setting


@dataclass(frozen=True)
class DqnSettings:
    """How the values of a few commands are learned."""

    seed: int = setting(0, 'Seed of everything drawn by chance.', low=0, high=2**31 - 1)
    steps: int = setting(
        1_000_000, 'Steps of the environment, of all robots together.', low=1, high=10**11)
    robots: int = setting(128, 'Robots driven at once.', low=1, high=65536)
    capacity: int = setting(
        100_000, 'Steps that are remembered, of all robots together.', low=100, high=10**9)
    batch_size: int = setting(512, 'Steps that an update learns from.', low=8, high=65536)
    updates: int = setting(1, 'Updates after each step of all robots.', low=1, high=1000)
    n_step: int = setting(3, 'Rewards that are summed up before the network is asked.',
                          low=1, high=100)
    gamma: float = setting(
        0.99, 'How much a reward one step later is worth.', low=0.5, high=0.99999)
    learning_rate: float = setting(5e-4, 'Step size.', low=1e-7, high=1.0)
    follow: float = setting(
        0.005, 'How far the target network follows with each update.', low=1e-5, high=1.0)
    exploration: float = setting(
        0.3, 'Share of all steps over which exploring falls to its least.', low=0.0, high=1.0)
    least_epsilon: float = setting(
        0.05, 'Share of steps that go on exploring.', low=0.0, high=1.0)
    hold: int = setting(
        8, 'Steps that a command drawn by chance is held: at 20 a second, changing ones would '
        'lead nowhere.', low=1, high=1000)
    speeds: tuple[float, ...] = setting(
        (-0.5, 0.0, 0.5, 1.0), 'Speeds to choose from, as shares of the limits.',
        low=-1.0, high=1.0)
    turns: tuple[float, ...] = setting(
        (-0.7, -0.25, 0.0, 0.25, 0.7), 'Turns to choose from, likewise.', low=-1.0, high=1.0)
    hidden: tuple[int, ...] = setting((128, 128), 'Widths of the layers.', low=1, high=4096)
    segment: int = setting(
        1024, 'Steps of every robot after which all begin anew.',
        low=1, high=10**7)
    threads: int = setting(1, 'Threads that step robots.', low=1, high=256)

    def quick(self) -> 'DqnSettings':
        """Make these settings small: a trial of the whole chain in seconds, not a good policy."""
        return replace(self, steps=2048, robots=16, capacity=2048, batch_size=64,
                       hidden=(32, 32), segment=64)
