"""
Autoregressive Transformer over tokenised scans, conditional on the ideal scan.

Each beam is a token: 'no return', or one of 127 bins of its squashed error. Attention is causal
over the last `WINDOW` beams, with a bias that falls with distance in place of positions (ALiBi,
Press et al. 2022), so any number of beams fits. Perplexity is exp of the mean loss a token.
"""

from collections.abc import Mapping
import math

import torch
from torch import nn, Tensor
from torch.nn import functional

from synth_nodes.generators.coding import CONDITIONS
from synth_nodes.generators.layers import Trunk, uniform
from synth_nodes.generators.model import Case, GeneratorSettings, Stepper

BINS = 127
NONE = BINS
"""The token 'no return'."""
BEGIN = BINS + 1
"""Stands before the first beam."""
WINDOW, HEADS, LAYERS = 24, 4, 2


def to_tokens(u: Tensor, returned: Tensor) -> Tensor:
    """Tokens, shape (N, beams), of errors and returns."""
    bins = ((u + 1) / 2 * BINS).long().clamp(0, BINS - 1)
    return torch.where(returned > 0.5, bins, NONE)


def from_tokens(token: Tensor, draw: Tensor) -> tuple[Tensor, Tensor]:
    """Errors, drawn evenly within their bins by `draw` in [0, 1), and returns."""
    returned = (token < BINS).to(draw)
    u = ((token.to(draw) + draw) / BINS * 2 - 1) * returned
    return u.clamp(-1.0, 1.0), returned


class Block(nn.Module):
    """Attention to the beams before, then two dense layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(),
                                   nn.Linear(3 * width, width))
        slopes = 2.0 ** -torch.arange(1.0, HEADS + 1)
        self.register_buffer('slopes', slopes, persistent=False)

    def forward(self, x: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """
        Look back and think.

        :param x: shape (N, T, width); past: keys and values before x, shape (2, N, P, width).
        :return: the same shape, and all keys and values that later beams need.
        """
        n, t, width = x.shape
        q, k, v = self.qkv(self.before(x)).chunk(3, 2)
        if past is not None:
            k, v = torch.cat((past[0], k), 1), torch.cat((past[1], v), 1)
        kept = torch.stack((k[:, -(WINDOW - 1):], v[:, -(WINDOW - 1):]))
        q, keys, values = (a.reshape(n, -1, HEADS, width // HEADS).transpose(1, 2)
                           for a in (q, k, v))
        mixed = functional.scaled_dot_product_attention(
            q, keys, values, attn_mask=self._bias(t, k.shape[1], x))
        x = x + self.out(mixed.transpose(1, 2).reshape(n, t, width))
        return x + self.dense(self.after(x)), kept

    def _bias(self, t: int, length: int, x: Tensor) -> Tensor:
        back = (torch.arange(length - t, length, device=x.device)[:, None]
                - torch.arange(length, device=x.device)[None])
        seen = (back >= 0) & (back < WINDOW)
        slopes: Tensor = self.slopes  # type: ignore[assignment]
        bias = -slopes[:, None, None] * back.to(x)
        return torch.where(seen, bias, -torch.inf)[None]


class BeamTransformer(nn.Module):
    """Condition and the tokens before to scores of the next token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.look = Trunk(CONDITIONS, width)
        self.embed = nn.Embedding(BINS + 2, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(width)
        self.score = nn.Linear(width, BINS + 1)

    def forward(self, seen: Tensor, before: Tensor,
                past: list[Tensor] | None = None) -> tuple[Tensor, list[Tensor]]:
        """
        Score what each beam may be.

        :param seen: what `look` made of the condition, shape (N, T, width).
        :param before: token of the beam before each, shape (N, T).
        :return: shape (N, T, 128), and what later beams need.
        """
        x, kept = seen + self.embed(before), []
        for k, block in enumerate(self.blocks):
            x, memory = block(x, None if past is None else past[k])
            kept.append(memory)
        return self.score(self.norm(x)), kept


class Autoregressive:
    """An autoregressive Transformer of scans."""

    def __init__(self, settings: GeneratorSettings) -> None:
        width = -(-settings.width // (4 * HEADS)) * 4 * HEADS
        self._net = BeamTransformer(width).to(settings.device)
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

    def _loss(self, case: Case) -> Tensor:
        token = to_tokens(case.u, case.returned)
        before = functional.pad(token[:, :-1], (1, 0), value=BEGIN)
        scores, _ = self._net(self._net.look(case.condition).transpose(1, 2), before)
        return functional.cross_entropy(scores.flatten(0, 1), token.flatten())

    @torch.no_grad()
    def sample(self, condition: Tensor,
               generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draw, beam after beam; see Generator."""
        count, _, beams = condition.shape
        seen = self._net.look(condition).transpose(1, 2)
        token = torch.full((count, 1), BEGIN, device=condition.device)
        draws = uniform((2, count, beams), condition, generator)
        past: list[Tensor] | None = None
        tokens = []
        for k in range(beams):
            scores, past = self._net(seen[:, k:k + 1], token, past)
            share = torch.cumsum(torch.softmax(scores[:, 0], 1), 1)
            token = (draws[0, :, k:k + 1] > share[:, :-1]).sum(1, keepdim=True)
            tokens.append(token)
        return from_tokens(torch.cat(tokens, 1), draws[1])

    def state(self) -> dict[str, object]:
        """Give weights and memory; see Generator."""
        return {'net': self._net.state_dict(), 'optimiser': self._stepper.optimiser.state_dict()}

    def restore(self, state: Mapping[str, object]) -> None:
        """Take a state back; see Generator."""
        self._net.load_state_dict(state['net'])  # type: ignore[arg-type]
        self._stepper.optimiser.load_state_dict(state['optimiser'])  # type: ignore[arg-type]
