"""Checkpoints, the shared loop and the journal; also under `kill -9`."""

from dataclasses import replace
import json
import random
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from synth_nodes.errors import InputError
from synth_nodes.train import loop
from synth_nodes.train.checkpoint import Checkpoint, random_states, restore_random
from synth_nodes.train.journal import Journal, read_journal
from synth_nodes.train.progress import never, silent, WorkCancelled

PLAN = loop.Plan('learning', 60, 7, 100)


class Regression:
    """Fits a line to noise that torch's global generator draws."""

    def __init__(self, pause=0.0):
        torch.manual_seed(0)
        self.module = torch.nn.Linear(3, 1)
        self.optimiser = torch.optim.Adam(self.module.parameters(), lr=0.05)
        self.pause = pause

    def step(self, step):
        time.sleep(self.pause)
        x = torch.randn(16, 3)
        loss = ((self.module(x)[:, 0] - x.sum(1)) ** 2).mean()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return {'loss': float(loss.detach())}

    def score(self):
        return float((self.module.weight - 1.0).detach().abs().sum())

    def state(self):
        return {'net': self.module.state_dict(), 'optimiser': self.optimiser.state_dict(),
                'random': random_states()}

    def restore(self, state):
        self.module.load_state_dict(state['net'])
        self.optimiser.load_state_dict(state['optimiser'])
        restore_random(state['random'])


def run(folder, cancelled=never, pause=0.0, report=silent):
    work, journal = Regression(pause), Journal(folder)
    stand = loop.train(work, PLAN, Checkpoint(folder / 'checkpoint.pt', {'seed': 0}), report,
                       cancelled, journal)
    return work.module.weight.detach().numpy().copy(), stand


def without_clocks(lines):
    return [{k: v for k, v in line.items() if k not in ('time', 'seconds', 'steps_per_second')}
            for line in lines]


def test_cancelled_training_goes_on_from_that_very_step_to_the_same_end(tmp_path):
    whole, stand = run(tmp_path / 'whole')
    calls = iter(range(1000))
    with pytest.raises(WorkCancelled, match='step 24'):
        run(tmp_path / 'cut', lambda: next(calls) == 24)
    cut, again = run(tmp_path / 'cut')
    np.testing.assert_array_equal(whole, cut)
    assert again.history == stand.history and len(stand.history) == 9
    assert without_clocks(read_journal(tmp_path / 'cut' / 'journal.jsonl')) == without_clocks(
        read_journal(tmp_path / 'whole' / 'journal.jsonl'))


def test_best_weights_are_kept_and_patience_ends_training(tmp_path):
    class Worse(Regression):
        scores = iter([3.0, 1.0, 2.0, 2.0, 2.0, 2.0])

        def score(self):
            self.seen = [*getattr(self, 'seen', []), self.module.weight.detach().clone()]
            return next(self.scores)

    work = Worse()
    stand = loop.train(work, replace(PLAN, patience=2), Checkpoint(tmp_path / 'c', {}), silent,
                       never)
    assert stand.step == 28 and stand.best == 1.0
    assert torch.equal(work.module.weight, work.seen[1])


@pytest.mark.parametrize('change', [{'seed': 1}, {}, {'seed': 0, 'rate': 0.1}])
def test_a_checkpoint_of_other_settings_is_refused_by_name(tmp_path, change):
    Checkpoint(tmp_path / 'c.pt', {'seed': 0}).save({'a': 1})
    assert Checkpoint(tmp_path / 'c.pt', {'seed': 0}).load() == {'a': 1}
    with pytest.raises(InputError, match=r'other settings or data \((seed|rate)\)'):
        Checkpoint(tmp_path / 'c.pt', change).load()


def test_a_damaged_checkpoint_is_refused_with_the_remedy(tmp_path):
    checkpoint = Checkpoint(tmp_path / 'c.pt', {})
    assert checkpoint.load() is None
    checkpoint.save({'a': torch.ones(100)})
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:-40])
    with pytest.raises(InputError, match='delete it to begin anew'):
        checkpoint.load()


def test_the_journal_forgets_what_lies_beyond_the_checkpoint_and_torn_lines(tmp_path):
    journal = Journal(tmp_path)
    for step in (10, 20, 30):
        journal.add(step, {'loss': 1.0 / step, 'score': float('nan')})
    with open(journal.path, 'a', encoding='utf-8') as file:
        file.write('{"step": 40, "sec')
    assert [line['step'] for line in read_journal(journal.path)] == [10, 20, 30]
    again = Journal(tmp_path)
    again.go_on(20)
    again.add(25, {'loss': 0.5, 'score': 1.0})
    lines = [json.loads(line) for line in journal.path.read_text().splitlines()]
    assert [line['step'] for line in lines] == [10, 20, 25]
    assert lines[0]['score'] is None and lines[2]['steps_per_second'] > 0
    assert again.draw().read_bytes().startswith(b'\x89PNG')


def test_tensorboard_gets_the_same_scores_where_asked(tmp_path):
    pytest.importorskip('tensorboardX')
    journal = Journal(tmp_path, tensorboard=True)
    journal.add(1, {'loss': 0.25})
    journal.draw()
    (events,) = (tmp_path / 'tensorboard').iterdir()
    assert b'loss' in events.read_bytes()


def test_tensorboard_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'tensorboardX', None)
    monkeypatch.setitem(sys.modules, 'torch.utils.tensorboard', None)
    with pytest.raises(InputError, match="extra 'track'"):
        Journal(tmp_path, tensorboard=True)


def test_kill_at_random_moments_leaves_whole_files_and_the_same_result(tmp_path):
    whole, _ = run(tmp_path / 'whole')
    code = ('import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n'
            'from test_checkpoint import run\n'
            'run(Path(sys.argv[2]), pause=0.01, report=lambda p: print(p.step, flush=True))')
    folder, chance, reached = tmp_path / 'cut', random.Random(1), 0
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, '-c', code, str(__file__).rpartition('/')[0], str(folder)],
            stdout=subprocess.PIPE, text=True)
        while int(child.stdout.readline()) % PLAN.check_every:
            pass
        time.sleep(chance.uniform(0.0, 0.15))
        child.kill()
        child.communicate()
        content = Checkpoint(folder / 'checkpoint.pt', {'seed': 0}).load()
        step = content['stand']['step'] if content else 0
        # A line is written after its checkpoint: at most one can be missing.
        lines = [line['step'] for line in read_journal(folder / 'journal.jsonl')]
        assert step >= reached and step - (lines[-1] if lines else 0) <= PLAN.check_every
        reached = step
    assert 0 < reached < PLAN.steps
    cut, _ = run(folder)
    np.testing.assert_array_equal(whole, cut)
