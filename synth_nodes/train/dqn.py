"""
Deep Q-learning (Mnih et al. 2015) on the batched world, for a grid of commands.

Double (van Hasselt et al. 2016), dueling (see `ChoicePolicy`), over several steps, with commands
drawn by chance that are held for a while (Dabney et al. 2021).
"""

from collections.abc import Mapping
import copy
from dataclasses import asdict, dataclass
import math
from pathlib import Path
import time
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from synth_nodes.envs.batch import BatchEnv
from synth_nodes.policy.choice import ChoicePolicy
from synth_nodes.tasks.actions import to_action
from synth_nodes.train.checkpoint import Checkpoint
from synth_nodes.train.dqn_settings import DqnSettings
from synth_nodes.train.fit import torch_threads
from synth_nodes.train.journal import Journal
from synth_nodes.train.memory import Memory
from synth_nodes.train.ppo_run import contract_of, EnvSettings, held_back, make_task, RlResult
from synth_nodes.train.progress import Cancelled, never, Progress, Report, silent, WorkCancelled
from synth_nodes.train.trial_and_error import identity, provenance, score

_EACH = 64
"""Steps of every robot between lines of the journal."""


@dataclass
class Tally:
    """What happened since the last line of the journal."""

    ended: int = 0
    won: int = 0
    rewards: float = 0.0
    """Mean rewards of the robots, summed over steps."""
    loss: float = 0.0
    """The newest."""

    @property
    def success(self) -> float:
        """Share of the episodes that ended by success; NaN without any."""
        return self.won / self.ended if self.ended else math.nan


class Dqn:
    """Drives, remembers and learns."""

    def __init__(self, env: BatchEnv, net: ChoicePolicy, settings: DqnSettings) -> None:
        """Prepare; :meth:`begin` must follow."""
        self.env, self.net, self._settings = env, net, settings
        self.target = copy.deepcopy(net)
        self._view = [torch.from_numpy(part) for part in env.observation.values()]
        self._actions = torch.from_numpy(to_action(net.commands.numpy(), env.task.robot))
        self.memory = Memory([part.shape[1:] for part in env.observation.values()], env.batch,
                             max(settings.capacity // env.batch, settings.n_step + 2))
        self.optimiser = torch.optim.Adam(net.parameters(), lr=settings.learning_rate)
        self._generator = torch.Generator()
        self._held = torch.zeros(env.batch, dtype=torch.int64)
        self._drawn = torch.zeros(env.batch, dtype=torch.int64)
        self._driven: list[Tensor] = []
        self.moments = 0
        """Steps of every robot so far."""
        self.tally = Tally()

    def begin(self, segment: int) -> None:
        """Begin all episodes anew, with chance that depends on nothing but seed and segment."""
        self._place(segment)
        self._held.zero_()
        self.memory.see(self._view)

    def _place(self, segment: int) -> None:
        seed = self._settings.seed * 1_000_003 + segment
        self.env.reset(seed % 2**31)
        self._generator.manual_seed(seed)
        self._driven = []

    def fit_normaliser(self) -> None:
        """Drive at random and set the normaliser to what is seen on the way."""
        self.env.reset(self._settings.seed)
        self._generator.manual_seed(self._settings.seed)
        seen = []
        for _ in range(24):
            self._explore(1.0)
            self.env.step(self._actions[self._drawn].numpy())
            seen.append([part.clone() for part in self._view])
        self.net.fit_normaliser(*(torch.cat(parts) for parts in zip(*seen, strict=True)))
        self.target.load_state_dict(self.net.state_dict())

    def epsilon(self) -> float:
        """Share of robots that explore now."""
        s = self._settings
        planned = max(s.exploration * s.steps / self.env.batch, 1e-9)
        return max(s.least_epsilon, 1.0 - self.moments / planned)

    @torch.no_grad()
    def drive(self) -> None:
        """Drive one step."""
        env = self.env
        best = self.net.values(*self._view).argmax(dim=1)
        self._explore(self.epsilon())
        action = torch.where(self._held > 0, self._drawn, best)
        env.step(self._actions[action].numpy())
        self._driven.append(action.to(torch.int16))
        flags = [torch.from_numpy(f) for f in (env.terminated, env.truncated, env.begun)]
        self.memory.note(action, torch.from_numpy(env.reward), *flags)
        self.memory.see(self._view)
        self.moments += 1
        self.tally.ended += int((env.terminated | env.truncated).sum())
        self.tally.won += int(env.success.sum())
        self.tally.rewards += float(env.reward.mean())

    def learn(self) -> None:
        """Learn from some of what is remembered."""
        s = self._settings
        drawn = self.memory.draw(s.batch_size, s.n_step, s.gamma, self._generator)
        with torch.no_grad():
            best = self.net.values(*drawn.later).argmax(dim=1, keepdim=True)
            later = self.target.values(*drawn.later).gather(1, best)[:, 0]
            wanted = drawn.reward + drawn.discount * later
        value = self.net.values(*drawn.parts).gather(1, drawn.action[:, None])[:, 0]
        loss = functional.smooth_l1_loss(value, wanted)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 10.0)
        self.optimiser.step()
        with torch.no_grad():
            for slow, fast in zip(self.target.parameters(), self.net.parameters(), strict=True):
                slow.lerp_(fast, s.follow)
        self.tally.loss = float(loss.detach())

    def _explore(self, epsilon: float) -> None:
        """Let some robots begin to hold a command drawn by chance."""
        hold, batch = self._settings.hold, self.env.batch
        self._held = (self._held - 1).clamp_min(0)
        # Of the robots that are free so many begin that a share epsilon holds.
        rate = epsilon / (epsilon + hold * (1.0 - epsilon)) if epsilon < 1.0 else 1.0
        begins = (self._held == 0) & (torch.rand(batch, generator=self._generator) < rate)
        fresh = torch.randint(len(self._actions), (batch,), generator=self._generator)
        self._drawn = torch.where(begins, fresh, self._drawn)
        self._held = torch.where(begins, hold, self._held)

    def state_dict(self) -> dict[str, Any]:
        """
        Everything that learning goes on from, between steps.

        Where the robots are is told by what they did since the segment began; at its end, by
        nothing.
        """
        within = self.moments % self._settings.segment != 0
        return {'net': self.net.state_dict(), 'target': self.target.state_dict(),
                'optimiser': self.optimiser.state_dict(), 'memory': self.memory.state_dict(),
                'moments': self.moments, 'tally': asdict(self.tally),
                'driven': torch.stack(self._driven) if within else None,
                'held': self._held, 'drawn': self._drawn, 'chance': self._generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.net.load_state_dict(state['net'])
        self.target.load_state_dict(state['target'])
        self.optimiser.load_state_dict(state['optimiser'])
        self.memory.load_state_dict(state['memory'])
        self.moments, self.tally = int(state['moments']), Tally(**state['tally'])
        self._held.copy_(state['held'])
        self._drawn = state['drawn']
        if state['driven'] is not None:
            self._place(1 + self.moments // self._settings.segment)
            self._driven = list(state['driven'])
            for action in self._driven:
                self.env.step(self._actions[action.long()].numpy())
            self._generator.set_state(state['chance'])


def train_dqn(
    settings: DqnSettings, environment: EnvSettings, out: Path, report: Report = silent,
    cancelled: Cancelled = never, command: str = '', episodes: int = 200,
    tensorboard: bool = False,
) -> RlResult:
    """
    Learn, on from the checkpoint in `out` where there is one; see `train_ppo`.

    :raises InputError: when the checkpoint was made otherwise.
    :raises WorkCancelled: when told to stop; the checkpoint has all that was learned.
    """
    checkpoint = Checkpoint(out / 'checkpoint.pt', identity(settings, environment))
    journal = Journal(out, tensorboard)
    env = BatchEnv(make_task(environment), settings.robots, threads=settings.threads)
    torch.manual_seed(settings.seed)
    shapes = {name: part.shape[1:] for name, part in env.observation.items()}
    net = ChoicePolicy(shapes, environment.robot, settings.speeds, settings.turns,
                       settings.hidden)
    dqn = Dqn(env, net, settings)
    state = checkpoint.load()
    with torch_threads(1):
        if state is None:
            dqn.fit_normaliser()
        else:
            dqn.load_state_dict(state)
        journal.go_on(dqn.moments * env.batch)
        try:
            _run(dqn, settings, checkpoint, journal, report, cancelled)
        finally:
            env.close()
        journal.draw()
        scores = {'held_back_scenes': score(net.eval(), held_back(environment), episodes,
                                            settings.seed)}
    origin = provenance('double dueling deep Q-learning', command, settings, environment)
    return RlResult(net, contract_of(environment, origin, scores))


def _run(dqn: Dqn, settings: DqnSettings, checkpoint: Checkpoint, journal: Journal,
         report: Report, cancelled: Cancelled) -> None:
    """Drive and learn in turn until the steps are done."""
    total = -(-settings.steps // settings.robots)
    since = time.perf_counter()
    report(Progress('learning values', dqn.moments, total))
    while dqn.moments < total:
        if cancelled():
            checkpoint.save(dqn.state_dict())
            raise WorkCancelled(f'stopped after {dqn.moments} of {total} steps of every robot; '
                                f'the same call goes on there, from {checkpoint.path}')
        if dqn.moments % settings.segment == 0:
            dqn.begin(1 + dqn.moments // settings.segment)
        dqn.drive()
        if len(dqn.memory) > max(2 * settings.n_step, 8):
            for _ in range(settings.updates):
                dqn.learn()
        if dqn.moments % _EACH == 0 or dqn.moments == total:
            told = dqn.tally
            journal.add(dqn.moments * settings.robots, {
                'success': told.success, 'episodes': told.ended, 'reward': told.rewards / _EACH,
                'loss': told.loss, 'epsilon': dqn.epsilon()})
            rate = _EACH * settings.robots / (time.perf_counter() - since) / 1e3
            report(Progress('learning values', dqn.moments, total,
                            {'success': told.success, 'k steps/s': rate}))
            dqn.tally, since = Tally(loss=told.loss), time.perf_counter()
        if dqn.moments % settings.segment == 0:
            dqn.memory.cut()
            checkpoint.save(dqn.state_dict())
        elif checkpoint.due() or dqn.moments == total:
            checkpoint.save(dqn.state_dict())
