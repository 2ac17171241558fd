"""
Learned cameras of two kinds, which share :class:`CameraNet` and differ in how it is taught.

`vae`: a variational autoencoder (Kingma and Welling 2014): an encoder tells from a pair of frames
which camera took it, the likelihood of each value is normal, KL is annealed (Bowman et al. 2016).
After training the latents of the training frames are fitted with a normal distribution to draw
from (ex-post density estimation, Ghosh et al. 2020).

`gan`: a Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, eq. 3) whose critic looks
at pairs of ideal and realistic frames.
"""

from collections.abc import Mapping
import copy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn, Tensor
from torch.nn import functional

from synth_nodes.dataset.frames import FramePairs, FrameSettings
from synth_nodes.generators.camera_card import LATENT
from synth_nodes.generators.camera_net import CameraNet, FrameEncoder, places
from synth_nodes.generators.model import Stepper
from synth_nodes.settings import setting

PENALTY, CRITIC_STEPS, AVERAGE = 10.0, 2, 0.99
KL_WEIGHT = 2.0
"""Weight of KL beside the likelihood of a frame of 3 x 96 x 72 values (beta-VAE, Higgins 2017)."""


@dataclass(frozen=True)
class CameraSettings:
    """Size of a learned camera and how it is trained."""

    kind: str = setting('vae', 'Kind of model.', choices=('vae', 'gan'))
    seed: int = setting(0, 'Seed of everything drawn by chance.', low=0, high=2**31 - 1)
    width: int = setting(16, 'Features of each pixel; 16 for a CPU, 64 for a GPU.', low=4,
                         high=512)
    steps: int = setting(1500, 'Steps of the optimiser, at most.', low=1, high=10**7)
    batch_size: int = setting(16, 'Frames in a step.', low=1, high=65536)
    learning_rate: float = setting(2e-3, 'Largest step size.', low=1e-6, high=0.1)
    check_every: int = setting(100, 'Steps between checks and checkpoints.', low=1, high=10**6)
    patience: int = setting(
        6, 'Checks without a better score after which it stops early.', low=1, high=10**6)
    device: str = setting('cpu', "Where it is trained: 'cpu', 'cuda', ...")
    frames: FrameSettings = setting(  # noqa: RUF009
        FrameSettings(), 'What it learns from.')


class Shots(NamedTuple):
    """A batch of pairs."""

    ideal: Tensor
    """In [0, 1], shape (N, 3, H, W)."""
    real: Tensor
    """The same shape."""
    turn: Tensor
    """[rad/s], shape (N, 1)."""

    @classmethod
    def of(cls, pairs: FramePairs, rows: NDArray[np.integer], device: str = 'cpu') -> 'Shots':
        """Make a batch of some pairs."""
        return cls(to_planes(pairs.ideal[rows], device), to_planes(pairs.real[rows], device),
                   torch.from_numpy(pairs.turn[rows])[:, None].to(device))


def to_planes(frames: NDArray[np.uint8], device: str = 'cpu') -> Tensor:
    """Turn frames, shape (N, H, W, 3), into tensors (N, 3, H, W) in [0, 1]."""
    return torch.from_numpy(frames).to(device).permute(0, 3, 1, 2).float() / 255


def to_frames(planes: Tensor) -> NDArray[np.uint8]:
    """Turn tensors (N, 3, H, W) in [0, 1] into frames, shape (N, H, W, 3)."""
    whole = (planes * 255).round().clamp(0, 255).to(torch.uint8)
    return np.asarray(whole.permute(0, 2, 3, 1).contiguous().cpu().numpy())


class CameraLearner(Protocol):
    """A camera in training."""

    net: CameraNet
    """What is kept: draws frames."""

    def train_step(self, shots: Shots, share: float) -> Mapping[str, float]:
        """Take a step; see :class:`synth_nodes.generators.model.Generator`."""

    def finish(self, shots: Shots) -> None:
        """Fit what is fitted once, to some of the training pairs."""

    def state(self) -> dict[str, object]:
        """Weights and the optimisers' memory, for a checkpoint."""

    def restore(self, state: Mapping[str, object]) -> None:
        """Take a state back."""


class VaeCamera:
    """A camera taught by likelihood."""

    def __init__(self, settings: CameraSettings) -> None:
        self.net = CameraNet(settings.width)
        self._both = nn.ModuleList([self.net, FrameEncoder(settings.width)]).to(settings.device)
        self._stepper = Stepper(self._both, settings.learning_rate, (0.9, 0.99))

    def train_step(self, shots: Shots, share: float) -> Mapping[str, float]:
        """Take a step."""
        mean, log_variance = self._both[1](*shots)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        foretold, deviation = self.net.moments(shots.ideal, shots.turn, z)
        # What a sensor cuts off at black and white is no error of the mean.
        off = (shots.real - foretold.clamp(-0.02, 1.02)) / deviation
        likelihood = (0.5 * off ** 2 + torch.log(deviation)).mean()
        kl = 0.5 * (mean ** 2 + log_variance.exp() - 1.0 - log_variance).sum(1).mean()
        weight = KL_WEIGHT * min(1.0, 4 * share) / shots.ideal[0].numel()
        self._stepper.step(likelihood + weight * kl, share)
        return {'likelihood': -float(likelihood.detach()), 'kl': float(kl.detach())}

    @torch.no_grad()
    def finish(self, shots: Shots) -> None:
        """Fit the distribution of latents."""
        mean, log_variance = self._both[1](*shots)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        centre = z.mean(0)
        spread = (z - centre).T @ (z - centre) / max(len(z) - 1, 1)
        root = torch.linalg.cholesky(spread.double() + 1e-6 * torch.eye(LATENT).to(spread))
        self.net.latent_mean.copy_(centre)
        self.net.latent_root.copy_(root)

    def state(self) -> dict[str, object]:
        """Give weights and memory."""
        return {'both': self._both.state_dict(), 'optimiser': self._stepper.optimiser.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a state back."""
        self._both.load_state_dict(state['both'])
        self._stepper.optimiser.load_state_dict(state['optimiser'])


class FrameCritic(nn.Module):
    """Pairs of frames to a score of how real the second is."""

    def __init__(self, width: int) -> None:
        super().__init__()
        sizes = (9, width, 2 * width, 2 * width, 2 * width)
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1)
                                   for a, b in pairwise(sizes))
        self.score = nn.Linear(2 * sizes[-1] + 1, 1)

    def forward(self, ideal: Tensor, frame: Tensor, turn: Tensor) -> Tensor:
        """Frames (N, 3, H, W) and turn (N, 1) to scores, shape (N,)."""
        where = torch.stack(places(ideal)).expand(len(ideal), -1, -1, -1)
        grain = frame[:, 1:2] - functional.avg_pool2d(frame[:, 1:2], 3, 1, 1)
        h = torch.cat((ideal, frame, where, 8 * grain), 1)
        for conv in self.convs:
            h = functional.silu(conv(h))
        h = h.flatten(2)
        # The root of a variance of 0 has no gradient.
        spread = torch.sqrt(h.var(2) + 1e-4)
        out: Tensor = self.score(torch.cat((h.mean(2), spread, turn), 1))[:, 0]
        return out


class GanCamera:
    """A camera taught by a critic; its weights are averaged over time for drawing."""

    def __init__(self, settings: CameraSettings) -> None:
        self._maker = CameraNet(settings.width).to(settings.device)
        self._critic = FrameCritic(settings.width).to(settings.device)
        self.net = copy.deepcopy(self._maker)
        rate = min(settings.learning_rate, 1e-3)
        self._make = Stepper(self._maker, rate, (0.0, 0.9))
        self._judge = Stepper(self._critic, rate, (0.0, 0.9))

    def train_step(self, shots: Shots, share: float) -> Mapping[str, float]:
        """Take steps of the critic, then one of the maker."""
        for _ in range(CRITIC_STEPS):
            with torch.no_grad():
                fake = self._drawn(shots)
            judged = (self._critic(shots.ideal, fake, shots.turn)
                      - self._critic(shots.ideal, shots.real, shots.turn)).mean()
            self._judge.step(judged + PENALTY * self._penalty(shots, fake), share)
        loss = -self._critic(shots.ideal, self._drawn(shots), shots.turn).mean()
        self._make.step(loss, share)
        with torch.no_grad():
            for mean, now in zip(self.net.parameters(), self._maker.parameters(), strict=True):
                mean.lerp_(now, 1 - AVERAGE)
        return {'wasserstein': -float(judged.detach())}

    def _drawn(self, shots: Shots) -> Tensor:
        latent = torch.randn(len(shots.turn), LATENT).to(shots.ideal)
        out: Tensor = self._maker(shots.ideal, shots.turn, latent, torch.randn_like(shots.ideal))
        return out

    def _penalty(self, shots: Shots, fake: Tensor) -> Tensor:
        mix = torch.rand(len(fake), 1, 1, 1, device=fake.device)
        between = (mix * shots.real + (1 - mix) * fake).requires_grad_()
        grad, = torch.autograd.grad(self._critic(shots.ideal, between, shots.turn).sum(), between,
                                    create_graph=True)
        length = torch.sqrt(grad.flatten(1).pow(2).sum(1) + 1e-12)
        return ((length - 1.0) ** 2).mean()

    def finish(self, shots: Shots) -> None:
        """Do nothing: latents were drawn from the standard normal distribution all along."""

    def state(self) -> dict[str, object]:
        """Give weights and memory."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a state back."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        return {'net': self.net, 'maker': self._maker, 'critic': self._critic,
                'make': self._make.optimiser, 'judge': self._judge.optimiser}


LEARNERS: dict[str, type[VaeCamera] | type[GanCamera]] = {'vae': VaeCamera, 'gan': GanCamera}


def make_camera(settings: CameraSettings) -> CameraLearner:
    """Make a learner with fresh weights; the same seed gives the same ones."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return LEARNERS[settings.kind](settings)
