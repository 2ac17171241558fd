"""Settings of behaviour cloning."""

from dataclasses import dataclass, replace

from synth_nodes.policy.goal_reaching import NETWORKS
from synth_nodes.settings import setting
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.world.people import ActorSettings

METHODS = ('full', 'lora', 'adapter', 'head')
"""What fine-tuning may change; see `synth_nodes.train.tune_methods`."""


@dataclass(frozen=True)
class AdversarialSettings:
    """Scans that are moved against the network while it learns, within the lidar's noise."""

    share: float = setting(
        0.0, 'Share of each batch whose scans are moved (FGSM); 0 for none.', low=0.0, high=1.0)
    noise_std: float = setting(
        0.01, "Deviation of the lidar's noise at zero range.", unit='m', low=0.0, high=1.0)
    noise_slope: float = setting(
        0.001, 'Growth of it with range.', low=0.0, high=0.5)
    deviations: float = setting(
        3.0, 'How far a range is moved, in deviations.', low=0.0, high=100.0)


@dataclass(frozen=True)
class ScanAugmentation:
    """What is done to the scans of each batch; labels stay. Nothing unless set."""

    noise: float = setting(
        0.0, 'Deviation of noise added to what sectors see.', unit='m', low=0.0, high=1.0)
    dropout: float = setting(
        0.0, 'Share of the sectors that return nothing, drawn for each scan.', low=0.0, high=0.9)
    cutout: float = setting(
        0.0, 'Largest share of the circle that a blind sector takes, the same in all scans of a '
        'sample.', low=0.0, high=0.9)


@dataclass(frozen=True)
class ImageAugmentation:
    """What is done to the images of each batch; labels stay. Nothing unless set."""

    colour: float = setting(
        0.0, 'Largest change of brightness, contrast and saturation, as a share.',
        low=0.0, high=0.9)
    noise: float = setting(
        0.0, 'Deviation of noise added to each value, of 255.', low=0.0, high=100.0)
    cutout: float = setting(
        0.0, 'Side of a square that is greyed out, as a share of the width.', low=0.0, high=0.9)
    degrade: str = setting(
        '', 'Folder of a learned camera that tells the images of every second robot while they '
        'drive; none if empty.')


@dataclass(frozen=True)
class ImageAdversarialSettings:
    """Images that are moved against the network while it learns, within the camera's noise."""

    share: float = setting(
        0.0, 'Share of each batch whose images are moved (FGSM); 0 for none.', low=0.0, high=1.0)
    read_noise: float = setting(
        2.0, "Deviation of the camera's noise in the dark, of 255.", low=0.0, high=100.0)
    shot_noise: float = setting(
        4.0, 'Deviation of its photon noise at full brightness, of 255.', low=0.0, high=100.0)
    deviations: float = setting(
        3.0, 'How far a value is moved, in deviations.', low=0.0, high=100.0)


@dataclass(frozen=True)
class BcSettings:
    """How a policy is cloned from the expert; the defaults take minutes on two cores."""

    seed: int = setting(0, 'Seed of everything drawn by chance.', low=0, high=2**31 - 1)
    buildings: int = setting(
        20, 'Buildings to generate where no maps are given.', low=2, high=1000)
    post_rooms: int = setting(
        8, 'Small rooms full of posts to generate beside them.', low=0, high=1000)
    validation_buildings: int = setting(
        4, 'How many of all maps are kept for validation.', low=1, high=100)
    robots: int = setting(192, 'Robots driven at once.', low=2, high=8192)
    rounds: int = setting(
        6, 'Rounds of driving; the expert drives the first, the policy most of the others.',
        low=1, high=100)
    seconds: float = setting(
        30.0, 'Simulated time of a round, for each robot.', unit='s', low=1.0, high=3600.0)
    sample_period: float = setting(
        0.2, 'Simulated time between samples of a robot.', unit='s', low=0.01, high=10.0)
    expert_share: float = setting(
        0.2, 'Share of robots that the expert drives after the first round.',
        low=0.0, high=1.0)
    noise: float = setting(
        0.35, 'Standard deviation of exploration noise, as a share of the command limits.',
        low=0.0, high=2.0)
    min_length: float = setting(2.0, 'Shortest way driven.', unit='m', low=0.5, high=100.0)
    max_length: float = setting(25.0, 'Longest way driven.', unit='m', low=1.0, high=1000.0)
    epochs: int = setting(3, 'Passes over the samples after each round.', low=1, high=1000)
    final_epochs: int = setting(
        16, 'Passes over them after the last round, at most.', low=1, high=1000)
    patience: int = setting(
        6, 'Passes without a better validation loss after which it stops early.',
        low=1, high=1000)
    batch_size: int = setting(512, 'Samples in a step of the optimiser.', low=8, high=65536)
    learning_rate: float = setting(2e-3, 'Largest step size.', low=1e-6, high=1.0)
    weight_decay: float = setting(1e-4, 'Decoupled weight decay.', low=0.0, high=1.0)
    network: str = setting(
        'conv', 'Family of the network.', choices=NETWORKS)
    hidden: int = setting(128, "Width of the network's dense layers.", low=8, high=2048)
    threads: int = setting(
        1, 'Threads that torch may use; more gain little and suffer on a busy machine.',
        low=1, high=256)
    device: str = setting(
        'cpu', 'Where the network is fitted.', choices=('cpu', 'cuda'))
    evaluation_episodes: int = setting(
        50, 'Errands in each validation map that score the policy; 0 for none.',
        low=0, high=10000)
    adversarial: AdversarialSettings = setting(  # noqa: RUF009
        AdversarialSettings(), 'Attacks to learn to bear.')
    augment: ScanAugmentation = setting(  # noqa: RUF009
        ScanAugmentation(), 'What is done to scans while it learns.')
    observation: ObservationSpec = setting(  # noqa: RUF009
        ObservationSpec(), 'What the policy sees.')
    actors: ActorSettings = setting(  # noqa: RUF009
        ActorSettings(), 'People around each robot.')

    def quick(self) -> 'BcSettings':
        """Make these settings small: a trial of the whole chain in seconds, not a good policy."""
        return replace(
            self, buildings=3, post_rooms=0, validation_buildings=1, robots=24, rounds=2,
            seconds=6.0, epochs=2, final_epochs=3, hidden=32, evaluation_episodes=4)
