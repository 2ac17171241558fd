"""What long verbs say while they run, and when they are stopped."""

import os
from pathlib import Path

import pytest

from synth_nodes.cli import main
from synth_nodes.commands import common
from synth_nodes.commands.common import Stages, what_stays
from synth_nodes.train.progress import Progress, WorkCancelled


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time that passes as a test says."""
    now = [100.0]
    monkeypatch.setattr(common.time, 'monotonic', lambda: now[0])
    return now


def test_rate_and_time_left_are_of_what_was_done_since_the_stage_began(
        clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Stages() as stages:
        stages.report(Progress('drawing', 0, 10))
        clock[0] += 50.0
        stages.report(Progress('learning', 60, 100))    # goes on from a checkpoint
        clock[0] += 10.0
        stages.report(Progress('learning', 70, 100, {'loss': 0.5}))
    assert capsys.readouterr().err.splitlines() == [
        'learning: 60 %', 'learning: 70 % 1/s, 30 s left loss 0.5']


def test_a_stopped_call_says_where_it_goes_on_or_what_is_lost(tmp_path: Path) -> None:
    assert what_stays(None, 7.4) == what_stays(tmp_path, 7.4) == (
        'stopped; there is no checkpoint: 7 s of work are lost')
    file = tmp_path / 'checkpoint.pt'
    file.touch()
    os.utime(file, (0, 0))
    assert what_stays(tmp_path, 7.4) == (
        f'stopped; the same call goes on from {file}, so 7 s of work are lost')


def test_stopped_fine_tuning_says_that_it_has_no_checkpoint(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    def stop(*_: object) -> None:
        raise WorkCancelled

    (tmp_path / 'checkpoint.pt').touch()    # of another training
    monkeypatch.setattr('synth_nodes.export.pipeline.fine_tune_and_export', stop)
    assert main(['train', 'finetune', '--out', str(tmp_path)]) == 1
    assert 'there is no checkpoint: ' in capsys.readouterr().err
