"""What B robots did lately, in arrays that are made once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Draw(NamedTuple):
    """Steps drawn from the memory."""

    parts: list[Tensor]
    """Observations, shapes (K, ...)."""
    action: Tensor
    reward: Tensor
    """Discounted rewards of up to n steps, shape (K,)."""
    discount: Tensor
    """What the value of `later` counts; 0 after success or failure, shape (K,)."""
    later: list[Tensor]
    """Observations after those steps."""


class Memory:
    """A ring of moments, each of all robots: the next moment holds what came of a step."""

    def __init__(self, shapes: Sequence[tuple[int, ...]], robots: int, moments: int) -> None:
        """Make room for observations of these shapes."""
        self._parts = [torch.zeros(moments, robots, *shape) for shape in shapes]
        self._action = torch.zeros(moments, robots, dtype=torch.int64)
        self._reward = torch.zeros(moments, robots)
        self._flags = torch.zeros(3, moments, robots, dtype=torch.bool)
        self._robots, self._moments = robots, moments
        self._count = 0

    def __len__(self) -> int:
        return min(self._count, self._moments)

    def see(self, parts: Sequence[Tensor]) -> None:
        """Note the observations of a new moment."""
        k = self._count % self._moments
        for room, part in zip(self._parts, parts, strict=True):
            room[k] = part
        # Until the step is noted, nothing goes on from here.
        self._flags[:, k] = True
        self._reward[k] = 0.0
        self._count += 1

    def note(self, action: Tensor, reward: Tensor, terminated: Tensor, truncated: Tensor,
             begun: Tensor) -> None:
        """Note what all did at the newest moment, and what came of it, shapes (B,)."""
        k = (self._count - 1) % self._moments
        self._action[k], self._reward[k] = action, reward
        for flag, value in zip(self._flags, (terminated, truncated, begun), strict=True):
            flag[k] = value

    def cut(self) -> None:
        """All robots begin anew: the newest moment leads nowhere, but is worth what is there."""
        last = (self._count - 2) % self._moments
        self._flags[1, last] |= ~self._flags[0, last]

    def draw(self, count: int, steps: int, gamma: float, generator: torch.Generator) -> Draw:
        """
        Draw steps that drove, with the rewards of up to `steps` steps (Sutton 1988).

        :param count: how many, at most; steps that began an episode are left out.
        """
        span = len(self) - steps
        first = self._count - len(self)
        t = first + torch.randint(span, (count,), generator=generator)
        b = torch.randint(self._robots, (count,), generator=generator)
        drove = ~self._flags[2, t % self._moments, b]
        t, b = t[drove], b[drove]
        reward, going = torch.zeros(len(t)), torch.ones(len(t))
        discount, later = torch.ones(len(t)), t.clone()
        for i in range(steps):
            k = (t + i) % self._moments
            ended, late = self._flags[0, k, b], self._flags[1, k, b]
            reward += going * gamma**i * self._reward[k, b]
            discount = torch.where(going > 0, gamma**(i + 1) * (~ended).float(), discount)
            later = torch.where(going > 0, t + i + 1, later)
            going = going * (~(ended | late)).float()
        now, then = t % self._moments, later % self._moments
        return Draw([part[now, b] for part in self._parts], self._action[now, b], reward, discount,
                    [part[then, b] for part in self._parts])

    def state_dict(self) -> dict[str, Any]:
        """Everything, for a checkpoint."""
        return {'parts': self._parts, 'action': self._action, 'reward': self._reward,
                'flags': self._flags, 'count': self._count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        for room, part in zip(self._parts, state['parts'], strict=True):
            room.copy_(part)
        self._action.copy_(state['action'])
        self._reward.copy_(state['reward'])
        self._flags.copy_(state['flags'])
        self._count = int(state['count'])
