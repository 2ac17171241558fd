"""Settings of training a collision predictor."""

from dataclasses import dataclass

from synth_nodes.settings import setting
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.settings import AdversarialSettings


@dataclass(frozen=True)
class RiskSettings:
    """How a collision predictor is trained; the defaults take minutes on one core."""

    seed: int = setting(0, 'Seed of everything drawn by chance.', low=0, high=2**31 - 1)
    horizon: float = setting(
        1.0, 'Time within which a collision counts.', unit='s', low=0.1, high=10.0)
    draws: int = setting(
        4, 'Commands drawn for each recorded scan, beside the fan of ten.', low=0, high=1000)
    steps: int = setting(1500, 'Steps of the optimiser, at most.', low=1, high=10**7)
    check_every: int = setting(100, 'Steps between checks and checkpoints.', low=1, high=10**6)
    patience: int = setting(
        6, 'Checks without a better validation loss after which it stops early.',
        low=1, high=10**6)
    batch_size: int = setting(
        512, 'Samples in a step, as many collisions as none, as many of each data set.',
        low=8, high=65536)
    learning_rate: float = setting(3e-3, 'Largest step size.', low=1e-6, high=1.0)
    weight_decay: float = setting(1e-4, 'Decoupled weight decay.', low=0.0, high=1.0)
    tune_steps: int = setting(400, 'Steps of fine-tuning, at most.', low=1, high=10**7)
    tune_rate: float = setting(3e-4, 'Largest step size of fine-tuning.', low=1e-7, high=1.0)
    slow_share: float = setting(
        0.3, 'Share of samples whose older scans are replaced by the newest, as a slow scanner or '
        'a start has it.', low=0.0, high=1.0)
    intervention_weight: int = setting(
        3, 'How often an intervention of the safety monitor counts among the samples of its '
        'replay store (--replay).', low=1, high=1000)
    channels: int = setting(32, 'Channels of the two convolutions.', low=4, high=1024)
    hidden: int = setting(64, 'Width of the dense layer.', low=4, high=4096)
    threshold: float = setting(
        0.2, 'Probability from which the safety monitor slows down (its safety.risk.low); scores '
        'are given there too.', low=0.0, high=1.0)
    threads: int = setting(
        1, 'Threads that torch may use; more gain little and suffer on a busy machine.',
        low=1, high=256)
    adversarial: AdversarialSettings = setting(  # noqa: RUF009
        AdversarialSettings(), 'Attacks to learn to bear.')
    observation: ObservationSpec = setting(  # noqa: RUF009
        ObservationSpec(), 'How scans are laid out.')
