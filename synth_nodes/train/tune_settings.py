"""Settings of fine-tuning."""

from dataclasses import dataclass

from synth_nodes.settings import setting
from synth_nodes.train.evaluate import EvaluationSettings
from synth_nodes.train.settings import METHODS
from synth_nodes.world.people import ActorSettings


@dataclass(frozen=True)
class TuneSettings:
    """How a policy is fine-tuned, and what it must not lose by it."""

    seed: int = setting(0, 'Seed of everything drawn by chance.', low=0, high=2**31 - 1)
    method: str = setting(
        'lora', "What is learned: 'full' all weights; 'lora' a correction of low rank to each "
        "layer; 'adapter' a narrow pair of layers after the scan's; 'head' the last layers.",
        choices=METHODS)
    rank: int = setting(3, "Rank of the corrections of 'lora'.", low=1, high=256)
    width: int = setting(8, "Width of the layers of 'adapter'.", low=1, high=1024)
    epochs: int = setting(20, 'Passes over the samples, at most.', low=1, high=1000)
    patience: int = setting(
        6, 'Passes without a better validation loss after which it stops early.',
        low=1, high=1000)
    batch_size: int = setting(128, 'Samples in a step of the optimiser.', low=8, high=65536)
    learning_rate: float = setting(
        1e-3, 'Largest step size; it rises to it and falls again.', low=1e-6, high=1.0)
    weight_decay: float = setting(1e-4, 'Decoupled weight decay.', low=0.0, high=1.0)
    anchor: float = setting(
        0.0, 'Pull towards the old weights: weight of the squared distance from them (L2-SP, '
        'Li et al. 2018).', low=0.0, high=1000.0)
    dropout: float = setting(
        0.0, 'Share of the features of scans left out while learning.', low=0.0, high=0.9)
    threads: int = setting(1, 'Threads that torch may use.', low=1, high=256)
    slack: float = setting(
        0.0, 'How much worse a gated figure may get: success, contacts, efficiency and F1 by '
        'that much, the loss by that share of itself.', low=0.0, high=0.5)
    least_tested: int = setting(
        100, 'Samples that must be tested on for a policy to be promoted: a fifth of all.',
        low=1, high=10**9)
    minutes: float = setting(
        10.0, 'Recordings to simulate where none are given.', unit='min', low=0.5, high=600.0)
    buildings: int = setting(
        10, 'Buildings they are driven in: of ten, six are learned from, two checked by, two '
        'tested on.', low=5, high=1000)
    turn_gain: float = setting(
        1.0, 'Turn of the real robot over the turn commanded, in simulated recordings and '
        'errands: 0.87 where the wheels stand 15 % farther apart than the driver believes.',
        low=0.5, high=2.0)
    evaluation: EvaluationSettings = setting(  # noqa: RUF009
        EvaluationSettings(episodes=12), 'Errands before and after, in four buildings.')
    actors: ActorSettings = setting(  # noqa: RUF009
        ActorSettings(), 'People around each robot in simulated recordings.')
