from dataclasses import replace
import gzip
import json
from pathlib import Path
import subprocess
import sys

import pytest

from synth_nodes.cli import main, parser
from synth_nodes.commands.inputs import detours_of
from synth_nodes.errors import InputError

VERBS = [
    ['demo'], ['launch'], ['dataset', 'info'], ['dataset', 'map'], ['train', 'bc'],
    ['train', 'ppo'], ['train', 'dqn'], ['train', 'docking'], ['train', 'finetune'],
    ['evaluate'], ['export'],
    *(['models', verb] for verb in ('list', 'show', 'promote', 'rollback', 'verify'))]


def corridor_log(path: Path, extra: str = '') -> Path:
    """Write a short drive down a corridor of 2 m, as a CARMEN log."""
    lines = []
    for i in range(60):
        ranges = ' '.join(['3.0'] * 60 + ['8.0'] * 60 + ['3.0'] * 60)
        pose = f'{0.1 * i:.2f} 0.0 0.0'
        lines.append(f'FLASER 180 {ranges} {pose} {pose} {i}.0 host {i}.0')
    path.write_bytes(gzip.compress(('\n'.join(lines) + f'\n{extra}\n').encode()))
    return path


@pytest.mark.parametrize('verb', VERBS, ids=' '.join)
def test_every_verb_has_help_with_an_example(
    verb: list[str], capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*verb, '--help'])
    assert caught.value.code == 0
    assert f"example:\n  synth-nodes {' '.join(verb)}" in capsys.readouterr().out


@pytest.mark.parametrize('verb', ['bc', 'ppo', 'dqn', 'docking', 'line-camera', 'line-pose',
                                  'generator'])
def test_every_trainer_that_keeps_a_journal_can_keep_it_for_tensorboard(verb: str) -> None:
    assert parser().parse_args(['train', verb, '--track']).track is True


@pytest.mark.parametrize('words', [
    ['launch', 'sim', 'rat:=2'],
    ['launch', 'sim', 'params_file:=/nowhere/p.yaml'],
    ['demo', '--goals', '0'],
    ['demo', '--rate', '-1'],
    ['demo', '--params-file', '/nowhere/p.yaml'],
    ['demo', '--log', '/nowhere/l.log'],
    ['dataset', 'info', '/nowhere/l.log'],
    ['dataset', 'map', '/nowhere/l.log'],
    ['train', 'bc', '--set', 'rounds'],
    ['train', 'bc', '--set', 'rouns=3'],
    ['train', 'bc', '--set', 'rounds=0'],
    ['train', 'bc', '--promote'],
    ['train', 'ppo', '--set', 'gama=0.9'],
    ['train', 'ppo', '--env', 'layouts=[moon]'],
    ['train', 'ppo', '--task', 'line', '--set', 'network=ring'],
    ['train', 'bc', '--map', '/nowhere/m.yaml'],
    ['train', 'ppo', '--quick', '--start', '/nowhere/p.onnx'],
    ['tune', 'bc', '--trials', '0'],
    ['train', 'docking', '--env', 'dock.spacng=0.5'],
    ['train', 'docking', '--episodes', '0'],
    ['evaluate', '--task', 'docking', '--driver', 'expert', '--monitor'],
    ['evaluate', '--task', 'docking', '--driver', 'expert', '--detours'],
    ['evaluate', '/nowhere/policy.onnx'],
    ['export'],
    ['export', '/nowhere', '--int8'],
    ['train', 'finetune', '--promote'],
    ['models', 'promote', '0001-00000000'],
    ['models', 'rollback'],
], ids=' '.join)
def test_bad_input_is_one_line_and_exit_code_2(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith('synth-nodes: error: ')
    assert error.count('\n') == 1
    assert not [p for p in tmp_path.rglob('*') if p.is_file() and p.name != '.lock']


def test_unknown_verb_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(['fly'])
    assert caught.value.code == 2


def test_map_from_a_log_is_written_and_described(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    log = corridor_log(tmp_path / 'hall.log.gz', 'FLASER 180 broken')
    assert main(['dataset', 'map', str(log), '--out', str(tmp_path / 'm'), '--json']) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures['scans'] == 60
    assert figures['skipped_lines'] == 1
    assert Path(figures['map']).is_file()


def test_detours_are_those_of_the_planner_in_a_parameter_file(tmp_path: Path) -> None:
    file = tmp_path / 'p.yaml'
    text = '/**/planner_node: {ros__parameters: {margin: 0.1, detour: {patience: %s}}}'
    file.write_text(text % '3.0')
    assert detours_of(file) == replace(detours_of(None), patience=3.0)
    file.write_text(text % '-3.0')
    with pytest.raises(InputError, match=r"detour: parameter 'patience' = -3.0 s is outside"):
        detours_of(file)


def test_figures_of_a_log_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = corridor_log(tmp_path / 'hall.log.gz')
    assert main(['dataset', 'info', str(log), '--json']) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures['scans'], figures['beams']) == (60, 180)
    assert figures['driven'] == pytest.approx(5.9, abs=0.01)


def test_an_empty_registry_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['models', 'list', '--registry', str(tmp_path / 'r')]) == 0
    assert 'is empty' in capsys.readouterr().out
    assert main(['models', 'list', '--registry', str(tmp_path / 'r'), '--json']) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_settings_of_training_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['train', 'bc', '--settings']) == 0
    assert 'rounds=' in capsys.readouterr().out


def test_starting_a_robot_needs_no_learning_and_no_plots() -> None:
    """The command must start on a robot that has neither torch nor numba nor matplotlib."""
    code = ('import sys\nfrom synth_nodes.cli import main\n'
            'main(["launch", "robot", "nonsense"])\n'
            'print([m for m in ("torch", "numba", "matplotlib", "rosbags", "rclpy", "onnx") '
            'if m in sys.modules])')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == '[]', done.stdout + done.stderr


def test_help_names_the_exit_codes() -> None:
    assert 'exit codes' in parser().format_help()


@pytest.mark.parametrize(('words', 'rate'), [
    ([], 4.0), (['--noise', 'learned'], 1.0), (['--noise', 'learned', '--rate', '2'], 2.0)])
def test_demo_runs_at_real_time_where_noise_takes_long_to_draw(
    words: list[str], rate: float, monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    monkeypatch.setattr('synth_nodes.commands.demo.plan',
                        lambda graph, values, environ: asked.append(values['rate']) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(['demo', *words])
    assert float(asked[0]) == rate
