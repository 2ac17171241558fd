"""
Autoregressive Transformer over scans, beam after beam, conditional on the ideal scan.

A beam's tokens are the steps in which the sensor tells ranges, and 'no return'; their
probabilities come from a mixture (:mod:`synth_nodes.generators.mixture`). Attention is causal over
the last `WINDOW` beams, with a bias that falls with distance in place of positions (ALiBi, Press
et al. 2022), so any number of beams fits. Perplexity is exp of the mean loss a token.
"""

from collections.abc import Mapping
import math

import torch
from torch import nn, Tensor
from torch.nn import functional

from synth_nodes.generators.coding import CONDITIONS, error_of, RESOLUTION_UNIT, squashed
from synth_nodes.generators.layers import Trunk, uniform
from synth_nodes.generators.mixture import (
    Beam,
    before,
    drawn,
    FINEST,
    HISTORY,
    history,
    OUTPUTS,
    surprise,
)
from synth_nodes.generators.model import Case, GeneratorSettings, Stepper

WINDOW, HEADS, LAYERS = 24, 4, 2
PAST = WINDOW - 1


class Block(nn.Module):
    """Attention to the beams before, then two dense layers."""

    slopes: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(),
                                   nn.Linear(3 * width, width))
        slopes = 2.0 ** -torch.arange(1.0, HEADS + 1)
        self.register_buffer('slopes', slopes[:, None, None], persistent=False)

    def forward(self, x: Tensor, past: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
        """
        Look back and think.

        :param x: shape (N, T, width).
        :param past: keys and values of the 23 beams before x, shape (2, N, 23, width).
        :param count: how many of those there are, shape ().
        :return: the same shape, and keys and values of the last 23 beams.
        """
        n, t, width = x.shape
        q, k, v = self.qkv(self.before(x)).chunk(3, 2)
        k, v = torch.cat((past[0], k), 1), torch.cat((past[1], v), 1)
        kept = torch.stack((k[:, t:], v[:, t:]))
        # Beams in chunks, each beside the 23 keys before it and its own: not all against all.
        size = min(t, WINDOW)
        chunks = -(-t // size)
        spare, reach = chunks * size - t, PAST + size
        q = functional.pad(q, (0, 0, 0, spare)).reshape(n, chunks, size, HEADS, -1).transpose(2, 3)
        k, v = (functional.pad(a, (0, 0, 0, spare)).unfold(1, reach, size).reshape(
            n, chunks, HEADS, width // HEADS, reach) for a in (k, v))
        score = q @ k / math.sqrt(width // HEADS) + self._bias(chunks, size, count)
        mixed = torch.softmax(score, -1) @ v.transpose(3, 4)
        x = x + self.out(mixed.transpose(2, 3).reshape(n, -1, width)[:, :t])
        return x + self.dense(self.after(x)), kept

    def _bias(self, chunks: int, size: int, count: Tensor) -> Tensor:
        """Say how much each beam looks at each key, shape (chunks, HEADS, size, 23 + size)."""
        slopes = self.slopes
        place = torch.arange(PAST + size, device=slopes.device)
        back = place[PAST:, None] - place
        number = torch.arange(chunks, device=slopes.device)[:, None] * size + place
        there = (number >= PAST - count)[:, None]
        seen = (back >= 0) & (back < WINDOW) & there
        return torch.where(seen[:, None], -slopes * back.to(slopes), -1e4)


class BeamTransformer(nn.Module):
    """Condition and the beams before to what the next beam may tell."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.look = Trunk(CONDITIONS + 1, width)
        self.recall = nn.Sequential(nn.Linear(HISTORY, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(Block(width) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, OUTPUTS)

    def forward(self, seen: Tensor, beam: Beam, past: Tensor,
                count: Tensor) -> tuple[Tensor, Tensor]:
        """
        Say what beams may tell.

        :param seen: what `look` made of the condition, shape (N, T, width).
        :param beam: each of shape (N, T).
        :param past: shape (2, 2, N, 23, width); count: beams in it, shape ().
        :return: shape (N, T, 25), and the past of the beam behind.
        """
        x, kept = seen + self.recall(history(beam)), []
        for block, memory in zip(self.blocks, past, strict=True):
            x, memory = block(x, memory, count)
            kept.append(memory)
        return self.out(self.norm(x)), torch.stack(kept)


class BeamStep(nn.Module):
    """One beam of a sample, as a graph of its own: what is drawn goes into the next one."""

    def __init__(self, net: BeamTransformer, reach: float) -> None:
        super().__init__()
        self.net, self.reach = net, reach

    def forward(self, seen: Tensor, beam: Tensor, state: Tensor, draws: Tensor, past: Tensor,
                count: Tensor) -> tuple[Tensor, Tensor]:
        """
        Draw one beam of each scan.

        :param seen: shape (N, width); beam: ideal, rise, resolution [m], shape (N, 3).
        :param state: last range [m], its step [m], whether it returned, shape (N, 3).
        :param draws: uniform in [0, 1), shape (N, 3).
        :param past: shape (2, 2, N, 23, width); count: beams in it, shape ().
        :return: the next state, and the next past.
        """
        known = Beam(*beam.T[:, :, None], *state.T[:, :, None])
        out, past = self.net(seen[:, None], known, past, count)
        told, back = drawn(out, known, draws[:, None], self.reach)
        step = (told - known.last) * back * known.returned
        last = torch.where(back > 0.5, told, known.last)
        return torch.cat((last, step, back), 1), past


class Autoregressive:
    """An autoregressive Transformer of scans."""

    def __init__(self, settings: GeneratorSettings) -> None:
        self.width = -(-settings.width // (4 * HEADS)) * 4 * HEADS
        self._net = BeamTransformer(self.width).to(settings.device)
        self._reach = settings.reach
        self.module: nn.Module = self._net
        self._stepper = Stepper(self._net, settings.learning_rate, (0.9, 0.98))

    def train_step(self, case: Case, share: float) -> Mapping[str, float]:
        """Take a step; see Generator."""
        loss = self._loss(case)
        self._stepper.step(loss, share)
        return {'perplexity': math.exp(min(float(loss.detach()), 20.0))}

    @torch.no_grad()
    def perplexity(self, case: Case) -> float:
        """How many tokens the model wavers between, on average."""
        return math.exp(float(self._loss(case)))

    def _steps(self, condition: Tensor) -> Tensor:
        """Step of the sensor [m], shape (N, 1)."""
        return (condition[:, CONDITIONS, :1] * RESOLUTION_UNIT).clamp(min=FINEST)

    def _loss(self, case: Case) -> Tensor:
        ideal, resolution = case.condition[:, 0] * self._reach, self._steps(case.condition)
        told = torch.round((ideal + error_of(case.u)) / resolution) * resolution
        returned = case.returned * (told < self._reach) * (told > 0.0)
        beam = before(told * returned, returned, ideal, resolution)
        seen = self._net.look(case.condition).transpose(1, 2)
        out, _ = self._net(seen, beam, *self._begin(len(ideal), seen))
        return surprise(out, beam, told, returned, self._reach).mean()

    def _begin(self, count: int, like: Tensor) -> tuple[Tensor, Tensor]:
        past = torch.zeros((LAYERS, 2, count, PAST, self.width), device=like.device)
        return past, torch.zeros((), device=like.device)

    @torch.no_grad()
    def sample(self, condition: Tensor,
               generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draw, beam after beam; see Generator."""
        count, _, beams = condition.shape
        ideal = condition[:, 0] * self._reach
        rise = functional.pad(ideal[:, 1:] - ideal[:, :-1], (1, 0))
        resolution = self._steps(condition)
        seen = self._net.look(condition).transpose(1, 2)
        draws = uniform((count, beams, 3), condition, generator)
        past, number = self._begin(count, condition)
        state = torch.cat((ideal[:, :1], 0 * resolution, 1 + 0 * resolution), 1)
        step, states = BeamStep(self._net, self._reach), []
        for k in range(beams):
            beam = torch.cat((ideal[:, k:k + 1], rise[:, k:k + 1], resolution), 1)
            state, past = step(seen[:, k], beam, state, draws[:, k], past, number + k)
            states.append(state)
        told, _, returned = torch.stack(states, 2).unbind(1)
        return squashed(told - ideal) * returned, returned

    def state(self) -> dict[str, object]:
        """Give weights and memory; see Generator."""
        return {'net': self._net.state_dict(), 'optimiser': self._stepper.optimiser.state_dict()}

    def restore(self, state: Mapping[str, object]) -> None:
        """Take a state back; see Generator."""
        self._net.load_state_dict(state['net'])  # type: ignore[arg-type]
        self._stepper.optimiser.load_state_dict(state['optimiser'])  # type: ignore[arg-type]
