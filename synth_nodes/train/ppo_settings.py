"""Settings of proximal policy optimisation."""

from dataclasses import dataclass, replace

from synth_nodes.settings import setting


@dataclass(frozen=True)
class PpoSettings:
    """How a policy is learned by trial and error; the defaults take minutes on two cores."""

    seed: int = setting(0, 'Seed of everything drawn by chance.', low=0, high=2**31 - 1)
    steps: int = setting(
        6_000_000, 'Steps of the environment, of all robots together.', low=1, high=10**11)
    robots: int = setting(1024, 'Robots driven at once.', low=1, high=65536)
    horizon: int = setting(32, 'Steps of every robot between updates.', low=2, high=4096)
    epochs: int = setting(4, 'Passes over the steps of an update.', low=1, high=100)
    minibatches: int = setting(4, 'Steps of the optimiser in a pass.', low=1, high=1024)
    gamma: float = setting(
        0.99, 'How much a reward one step later is worth.', low=0.5, high=0.99999)
    trace: float = setting(
        0.95, 'Lambda of the generalised advantage estimate.', low=0.0, high=1.0)
    clip: float = setting(
        0.2, 'How far the odds of an action may move before it no longer counts.',
        low=0.01, high=1.0)
    learning_rate: float = setting(1e-3, 'First step size.', low=1e-7, high=1.0)
    target_kl: float = setting(
        0.01, 'Step sizes are adapted so that an update moves the policy by this much.',
        unit='nat', low=1e-5, high=1.0)
    entropy: float = setting(0.002, 'Weight of the reward for being random.', low=0.0, high=1.0)
    gradient: float = setting(1.0, 'Longest gradient.', low=1e-3, high=1e3)
    spread: float = setting(
        0.6, 'First standard deviation of actions, as a share of half their range.',
        low=0.01, high=2.0)
    least_spread: float = setting(0.05, 'Smallest one.', low=0.001, high=1.0)
    network: str = setting(
        'flat', "The actor: 'flat' dense layers, or 'ring', convolutions over the scan.",
        choices=('flat', 'ring'))
    hidden: tuple[int, ...] = setting(
        (128, 128), "Widths of the dense layers; the ring's width is the first.",
        low=1, high=4096)
    critic_only: int = setting(
        0, 'First updates that only the critic learns from: some 10 for a warm start.',
        low=0, high=10000)
    segment: int = setting(
        64, 'Updates after which all robots begin anew.',
        low=1, high=100000)
    threads: int = setting(
        2, 'Threads that step robots and learn; weights do not depend on it.', low=1, high=256)
    device: str = setting('cpu', 'Where the networks learn: cpu or cuda.', choices=('cpu', 'cuda'))

    def quick(self) -> 'PpoSettings':
        """Make these settings small: a trial of the whole chain in seconds, not a good policy."""
        return replace(self, steps=4096, robots=64, horizon=16, hidden=(32, 32), segment=2)
