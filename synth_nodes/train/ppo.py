"""
Proximal policy optimisation (Schulman et al. 2017) on the batched world.

Robots never wait for the learner's library: one batch of environments fills preallocated tensors,
and a handful of large minibatches learns from them. Robots are stepped by threads, and gradients
of pieces of a minibatch are worked out by threads too and added up in a fixed order, so that the
weights do not depend on how many there are. What is learned is the mean of the actions, a network
whose `forward` gives commands, so it is exported as it is.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
import math
import time
from typing import Any, cast, TypeVar

import torch
from torch import nn, Tensor

from synth_nodes.envs.batch import BatchEnv
from synth_nodes.tasks.actions import to_action
from synth_nodes.train.checkpoint import Checkpoint
from synth_nodes.train.fit import torch_threads
from synth_nodes.train.ppo_settings import PpoSettings
from synth_nodes.train.progress import Cancelled, never, Progress, Report, silent, WorkCancelled

_T = TypeVar('_T')
Row = dict[str, float]
"""Figures of one update."""
_WARM_UP = 48
"""Steps driven at random to fit the normalisers."""
_PIECE = 4096
"""Samples whose gradient one thread works out at a time."""


@dataclass
class Agent:
    """What learns."""

    actor: nn.Module
    """From the parts of observations to commands; has `centre` and `half_span`."""
    critic: nn.Module
    log_spread: nn.Parameter
    """Logarithm of the standard deviation of actions, shape (2,)."""

    def modules(self) -> tuple[nn.Module, nn.Module]:
        """Give both networks."""
        return self.actor, self.critic

    def mean(self, parts: list[Tensor]) -> Tensor:
        """Mean of actions as shares of half their range, shape (B, 2)."""
        command: Tensor = self.actor(*parts)
        return (command - self.actor.centre) / self.actor.half_span  # type: ignore[operator]


@dataclass
class Rollout:
    """Steps of B robots; T of them, and the observation after the last."""

    parts: list[Tensor]
    """Observations, shapes (T + 1, B, ...)."""
    action: Tensor
    """Shape (T, B, 2)."""
    odds: Tensor
    """Logarithm of the probability density of each action when drawn, shape (T, B)."""
    mean: Tensor
    """Mean of the actions when drawn, shape (T, B, 2)."""
    value: Tensor
    """What the critic expected, shape (T + 1, B)."""
    reward: Tensor
    terminated: Tensor
    truncated: Tensor
    begun: Tensor
    """Steps that began an episode instead of driving; nothing is learned from them."""

    @classmethod
    def empty(cls, env: BatchEnv, horizon: int, device: str) -> 'Rollout':
        """Make room."""
        def room(*shape: int, like: torch.dtype = torch.float32) -> Tensor:
            return torch.zeros(*shape, dtype=like, device=device)

        b, t = env.batch, horizon
        flags = [room(t, b, like=torch.bool) for _ in range(3)]
        return cls([room(t + 1, *part.shape) for part in env.observation.values()],
                   room(t, b, 2), room(t, b), room(t, b, 2), room(t + 1, b), room(t, b), *flags)

    def advantages(self, gamma: float, trace: float) -> Tensor:
        """
        Estimate advantages (Schulman et al. 2016, equation 16), shape (T, B).

        An episode that ended by success or failure has nothing to come. One whose time was up
        has: its last observation is still there, so the critic is asked (Pardo et al. 2018).
        """
        out = torch.zeros_like(self.reward)
        going = (~(self.terminated | self.truncated)).float()
        target = self.reward + gamma * self.value[1:] * (~self.terminated).float()
        later = torch.zeros_like(self.reward[0])
        for t in reversed(range(len(out))):
            later = target[t] - self.value[t] + gamma * trace * going[t] * later
            out[t] = later
        return out


class Ppo:
    """Drives and learns in turn."""

    def __init__(self, env: BatchEnv, agent: Agent, settings: PpoSettings) -> None:
        """
        Prepare; :meth:`begin` must follow.

        :param env: robots, as many as the settings say.
        :param agent: changed in place.
        """
        self.env, self.agent, self._settings = env, agent, settings
        self._view = [torch.from_numpy(part) for part in env.observation.values()]
        self._rollout = Rollout.empty(env, settings.horizon, settings.device)
        self._cuda = settings.device == 'cuda'
        self._actor_parameters = [*agent.actor.parameters(), agent.log_spread]
        self._critic_parameters = list(agent.critic.parameters())
        self.optimiser = torch.optim.Adam(
            [{'params': self._actor_parameters}, {'params': self._critic_parameters}],
            lr=settings.learning_rate, eps=1e-5, fused=True)
        self._workers = None if self._cuda or settings.threads == 1 else ThreadPoolExecutor(
            settings.threads)
        self._generator = torch.Generator()
        self._driven: list[Tensor] = []
        self.updates = 0
        """Updates done."""

    @property
    def steps(self) -> int:
        """Steps of the environment that were learned from."""
        return self.updates * self._settings.horizon * self.env.batch

    def fit_normalisers(self, actor: bool) -> None:
        """
        Drive at random and set the normalisers to what is seen on the way.

        :param actor: whether the actor's as well; one that has learned before has its own.
        """
        self.begin(0)
        seen: list[list[Tensor]] = []
        for k in range(_WARM_UP):
            action = torch.randn(self.env.batch, 2, generator=self._generator) * 0.5
            action[:, 0] += 0.5
            self.env.step(action.numpy())
            if k % 4 == 3:
                seen.append([part.clone() for part in self._view])
        joined = [torch.cat(parts).to(self._settings.device) for parts in zip(*seen, strict=True)]
        for net in self.agent.modules() if actor else (self.agent.critic,):
            net.fit_normaliser(*joined)  # type: ignore[operator]

    def begin(self, segment: int) -> None:
        """
        Begin all episodes anew, with chance that depends on nothing but seed and segment.

        So a run that goes on from a checkpoint does what one without a stop does: the actions
        since then bring the robots to where they were.
        """
        seed = self._settings.seed * 1_000_003 + segment
        self.env.reset(seed % 2**31)
        self._generator.manual_seed(seed)
        self._driven = []

    @torch.no_grad()
    def collect(self) -> Row:
        """Drive for a horizon; returns figures of the episodes that ended."""
        env, agent, roll = self.env, self.agent, self._rollout
        spread = agent.log_spread.exp()
        centre, half = (getattr(agent.actor, n).cpu() for n in ('centre', 'half_span'))
        driven = torch.empty(self._settings.horizon, env.batch, 2)
        ended = won = 0
        for t in range(self._settings.horizon):
            with self._half_precision():
                roll.mean[t] = agent.mean(self._observe(t))
            noise = torch.randn(env.batch, 2, generator=self._generator).to(spread.device)
            roll.action[t] = roll.mean[t] + spread * noise
            command = centre + half * roll.action[t].cpu().clamp(-1.0, 1.0)
            driven[t] = torch.from_numpy(to_action(command.numpy(), env.task.robot))
            env.step(driven[t].numpy())
            for name in ('reward', 'terminated', 'truncated', 'begun'):
                getattr(roll, name)[t] = torch.from_numpy(getattr(env, name))
            ended += int((env.terminated | env.truncated).sum())
            won += int(env.success.sum())
        self._driven.append(driven)
        self._observe(self._settings.horizon)
        roll.odds[:] = _odds(roll.action, roll.mean, agent.log_spread)
        flat = [part.flatten(0, 1) for part in roll.parts]
        torch.cat(self._of_each(self._values, *(torch.split(part, _PIECE) for part in flat)),
                  out=roll.value.view(-1))
        share = won / ended if ended else math.nan
        return {'success': share, 'episodes': ended, 'late': int(roll.truncated.sum()),
                'reward': float(roll.reward.mean())}

    def learn(self) -> Row:
        """Learn from the last horizon."""
        s, agent, roll = self._settings, self.agent, self._rollout
        advantage = roll.advantages(s.gamma, s.trace)
        rows = torch.nonzero(~roll.begun.flatten())[:, 0]
        flat = [part[:-1].flatten(0, 1) for part in roll.parts]
        fixed = [x.flatten(0, 1) for x in (roll.action, roll.odds, roll.mean, advantage,
                                           advantage + roll.value[:-1])]
        before = agent.log_spread.detach().clone()
        kl = value_loss = 0.0
        for _ in range(s.epochs):
            order = rows[torch.randperm(len(rows), generator=self._generator).to(rows.device)]
            for chosen in order.chunk(s.minibatches):
                kl, value_loss = self._step(flat, fixed, chosen, before)
                self._adapt(kl)
        self.updates += 1
        return {'kl': kl, 'value_loss': value_loss,
                'spread': float(before.exp().mean()),
                'learning_rate': self.optimiser.param_groups[0]['lr']}

    def _step(self, parts: list[Tensor], fixed: list[Tensor], chosen: Tensor, before: Tensor,
              ) -> tuple[float, float]:
        """Step once on a minibatch; returns the divergence from the old policy, and the loss."""
        s, agent = self._settings, self.agent
        advantage = fixed[3][chosen]
        scale = advantage.mean(), advantage.std() + 1e-6

        def gradients(rows: Tensor) -> list[Tensor]:
            batch = [x[rows] for x in fixed]
            batch[3] = (batch[3] - scale[0]) / scale[1]
            return self._gradients([x[rows] for x in parts], batch, before,
                                   len(rows) / len(chosen))

        pieces = self._of_each(gradients, (chosen,) if self._cuda else torch.split(chosen, _PIECE))
        kl, value_loss, *total = (torch.stack(same).sum(dim=0)
                                  for same in zip(*pieces, strict=True))
        parameters = self._actor_parameters + self._critic_parameters
        for parameter, gradient in zip(parameters, total, strict=True):
            parameter.grad = gradient
        if self.updates < s.critic_only:
            for parameter in self._actor_parameters:
                parameter.grad = None
        for some in (self._actor_parameters, self._critic_parameters):
            nn.utils.clip_grad_norm_(some, s.gradient)
        self.optimiser.step()
        with torch.no_grad():
            agent.log_spread.clamp_(min=math.log(s.least_spread), max=0.0)
        return float(kl), float(value_loss)

    def _gradients(self, parts: list[Tensor], batch: list[Tensor], before: Tensor, share: float,
                   ) -> list[Tensor]:
        """
        Work out what a piece of a minibatch adds to it.

        :param share: of the minibatch that this piece is.
        :return: divergence from the old policy, loss of the critic, gradient of each parameter.
        """
        s, agent = self._settings, self.agent
        action, odds, mean, advantage, wanted = batch
        with self._half_precision():
            value = agent.critic(*parts).float()
            now = agent.mean(parts).float()
        value_loss = share * ((value - wanted) ** 2).mean()
        ratio = (_odds(action, now, agent.log_spread) - odds).exp()
        gain = torch.min(ratio * advantage, ratio.clamp(1 - s.clip, 1 + s.clip) * advantage)
        loss = value_loss - share * (gain.mean() + s.entropy * agent.log_spread.sum())
        found = torch.autograd.grad(loss, self._actor_parameters + self._critic_parameters)
        with torch.no_grad():
            kl = share * _divergence(mean, before, now, agent.log_spread)
        return [kl, value_loss.detach(), *found]

    @torch.no_grad()
    def _values(self, *parts: Tensor) -> Tensor:
        """Ask the critic."""
        with self._half_precision():
            return cast(Tensor, self.agent.critic(*parts).float())

    def _of_each(self, work: Callable[..., _T], *pieces: Iterable[Tensor]) -> list[_T]:
        """Do something with each piece, on all threads; results are in the order of the pieces."""
        return list((map if self._workers is None else self._workers.map)(work, *pieces))

    def _half_precision(self) -> torch.autocast:
        """Give the context in which networks run: bfloat16 on a GPU."""
        return torch.autocast('cuda', torch.bfloat16, enabled=self._cuda)

    def _adapt(self, kl: float) -> None:
        """Keep the updates near the divergence that is wanted (rsl_rl's adaptive schedule)."""
        group, target = self.optimiser.param_groups[0], self._settings.target_kl
        if kl > 2.0 * target:
            group['lr'] = max(1e-5, group['lr'] / 1.5)
        elif 0.0 < kl < 0.5 * target:
            group['lr'] = min(3e-3, group['lr'] * 1.5)

    def _observe(self, t: int) -> list[Tensor]:
        """Note the newest observation as that of step t."""
        parts = [part[t] for part in self._rollout.parts]
        for part, view in zip(parts, self._view, strict=True):
            part.copy_(view)
        return parts

    def state_dict(self) -> dict[str, Any]:
        """
        Everything that learning goes on from, between updates.

        Where the robots are is told by what they did since the segment began; at its end, by
        nothing.
        """
        within = self.updates % self._settings.segment != 0
        return {'actor': self.agent.actor.state_dict(), 'critic': self.agent.critic.state_dict(),
                'log_spread': self.agent.log_spread.detach().clone(),
                'optimiser': self.optimiser.state_dict(), 'updates': self.updates,
                'driven': self._driven if within else [],
                'chance': self._generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.agent.actor.load_state_dict(state['actor'])
        self.agent.critic.load_state_dict(state['critic'])
        with torch.no_grad():
            self.agent.log_spread.copy_(state['log_spread'])
        self.optimiser.load_state_dict(state['optimiser'])
        self.updates = int(state['updates'])
        if state['driven']:
            self.begin(1 + self.updates // self._settings.segment)
            self._driven = [driven.cpu() for driven in state['driven']]
            for action in torch.cat(self._driven).numpy():
                self.env.step(action)
            self._generator.set_state(state['chance'].cpu())


def run(ppo: Ppo, settings: PpoSettings, report: Report = silent, cancelled: Cancelled = never,
        each: Callable[[int, Row], None] = lambda steps, row: None,
        checkpoint: Checkpoint | None = None) -> None:
    """
    Learn until the steps are done, on from where the learner stands.

    :param each: called with the steps done and the figures of every update.
    :param checkpoint: written at the end of every segment, when it is due, and when told to stop.
    :raises WorkCancelled: when told to stop.
    """
    per_update = settings.robots * settings.horizon
    total = -(-settings.steps // per_update)
    report(Progress('learning by trial', ppo.updates, total))
    with torch_threads(1):
        while ppo.updates < total:
            if cancelled():
                if checkpoint is None:
                    raise WorkCancelled
                checkpoint.save(ppo.state_dict())
                raise WorkCancelled(f'stopped after {ppo.updates} of {total} updates; the same '
                                    f'call goes on there, from {checkpoint.path}')
            if ppo.updates % settings.segment == 0:
                ppo.begin(1 + ppo.updates // settings.segment)
            start = time.perf_counter()
            row = {**ppo.collect(), **ppo.learn()}
            each(ppo.steps, row)
            rate = per_update / (time.perf_counter() - start) / 1e3
            report(Progress('learning by trial', ppo.updates, total, {
                'success': row['success'], 'k steps/s': rate}))
            if checkpoint is not None and (checkpoint.due() or ppo.updates == total
                                           or ppo.updates % settings.segment == 0):
                checkpoint.save(ppo.state_dict())


def _odds(action: Tensor, mean: Tensor, log_spread: Tensor) -> Tensor:
    """Logarithm of the density of normal actions, less its constant, shape (B,)."""
    z = (action - mean) * torch.exp(-log_spread)
    return -(0.5 * z * z + log_spread).sum(dim=-1)


def _divergence(mean: Tensor, log_spread: Tensor, now: Tensor, log_now: Tensor) -> Tensor:
    """Kullback-Leibler divergence of the old normal policy from the new one, its mean."""
    ratio = torch.exp(2 * (log_spread - log_now))
    moved = ((now - mean) * torch.exp(-log_now)) ** 2
    return (log_now - log_spread + 0.5 * (ratio + moved - 1.0)).sum(dim=-1).mean()
