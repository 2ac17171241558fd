"""What every generator of scans can do, whatever kind it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import nn, Tensor

from synth_nodes.settings import setting


@dataclass(frozen=True)
class GeneratorSettings:
    """Size of a generator and how it is trained."""

    kind: str = setting('vae', 'Kind of model.',
                        choices=('vae', 'gan', 'transformer', 'diffusion'))
    seed: int = setting(0, 'Seed of everything drawn by chance.', low=0, high=2**31 - 1)
    width: int = setting(32, 'Features of each beam; 32 for a CPU, 128 for a GPU.', low=8,
                         high=1024)
    steps: int = setting(3000, 'Steps of the optimiser, at most.', low=1, high=10**7)
    batch_size: int = setting(32, 'Scans in a step.', low=1, high=65536)
    learning_rate: float = setting(2e-3, 'Largest step size.', low=1e-6, high=0.1)
    check_every: int = setting(250, 'Steps between checks and checkpoints.', low=1, high=10**6)
    patience: int = setting(
        6, 'Checks without a better score after which it stops early.', low=1, high=10**6)
    reach: float = setting(
        10.0, 'Range from which on nothing is seen.', unit='m', low=1.0, high=100.0)
    device: str = setting('cpu', "Where it is trained: 'cpu', 'cuda', ...")


class Case(NamedTuple):
    """A batch to learn from."""

    condition: Tensor
    """Shape (N, 6, beams), see :func:`synth_nodes.generators.coding.condition`."""
    u: Tensor
    """Squashed errors, shape (N, beams)."""
    returned: Tensor
    """1 where the beam returned, shape (N, beams)."""

    def joined(self) -> Tensor:
        """Errors and returns as channels, shape (N, 2, beams)."""
        return torch.stack((self.u, 2.0 * self.returned - 1.0), 1)


class Generator(Protocol):
    """A generator of scans; each is a torch module too."""

    module: nn.Module
    """All weights."""

    def train_step(self, case: Case, share: float) -> Mapping[str, float]:
        """
        Take one step of the optimiser.

        :param share: of the training that is done, 0 to 1: for schedules.
        :return: losses by name.
        """

    def sample(self, condition: Tensor,
               generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """
        Draw what becomes of beams.

        :param condition: shape (N, 6, beams).
        :return: u and returned, each of shape (N, beams).
        """

    def state(self) -> dict[str, object]:
        """Weights and the optimisers' memory, for a checkpoint."""

    def restore(self, state: Mapping[str, object]) -> None:
        """Take a state back."""


def cosine(share: float, warm: float = 0.03) -> float:
    """Share of the largest step size: up in a short warm-up, then down along a cosine."""
    if share < warm:
        return share / warm
    return 0.5 + 0.5 * float(torch.cos(torch.tensor(torch.pi * (share - warm) / (1 - warm))))


class Stepper:
    """An optimiser with gradient clipping and the step size of :func:`cosine`."""

    def __init__(self, module: nn.Module, rate: float, betas: tuple[float, float]) -> None:
        self._module, self._rate = module, rate
        self.optimiser = torch.optim.AdamW(module.parameters(), rate, betas, weight_decay=1e-4)

    def step(self, loss: Tensor, share: float, decays: bool = True) -> None:
        """Follow the gradient of a loss."""
        for group in self.optimiser.param_groups:
            group['lr'] = self._rate * (max(cosine(share), 1e-3) if decays else 1.0)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._module.parameters(), 1.0)
        self.optimiser.step()
