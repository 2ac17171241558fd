import importlib.util
import json
from pathlib import Path
import subprocess
import sys

import pytest

from synth_nodes.cli import parser
from synth_nodes.settings import flatten

ROOT = Path(__file__).resolve().parent.parent
TOOL = ROOT / 'tools' / 'make_models.py'
SPEC = importlib.util.spec_from_file_location('make_models', TOOL)
tool = importlib.util.module_from_spec(SPEC)
sys.modules['make_models'] = tool
SPEC.loader.exec_module(tool)


def test_every_file_that_ships_has_a_recipe_and_is_listed():
    made = [name for recipe in tool.RECIPES.values() for name in recipe.files.values()]
    assert sorted(made) == sorted(f.name for f in (ROOT / 'models').iterdir())
    run = subprocess.run([sys.executable, TOOL, '--list'], capture_output=True, text=True,
                         check=True)
    assert all(name in run.stdout for name in made)


@pytest.mark.parametrize('name', tool.RECIPES)
def test_each_step_is_a_command_there_is(name):
    for words in tool.commands(tool.RECIPES[name], Path('work') / name, Path('logs')):
        args = parser().parse_args(words)
        assert Path('models') not in args.out.parents


def test_settings_that_cards_name_are_those_that_commands_learn_with():
    pytest.importorskip('torch')
    from synth_nodes.generators.camera_model import CameraSettings
    from synth_nodes.generators.model import GeneratorSettings
    from synth_nodes.generators.plans import PlanSettings
    from synth_nodes.generators.tracks import TrackSettings
    from synth_nodes.settings import build
    from synth_nodes.train import docking, docking_senses
    from synth_nodes.train.clone import CloneSettings
    from synth_nodes.train.risk_settings import RiskSettings
    from synth_nodes.train.settings import BcSettings

    used = {
        'policy': BcSettings(), 'line_policy': CloneSettings(),
        'collision': build(RiskSettings, {'observation.chord_tolerance': 0.1}, ''),
        'dock_policy': build(CloneSettings, docking.DEFAULTS, ''),
        'dock_senses_policy': build(CloneSettings, docking_senses.DEFAULTS, ''),
        'generator': GeneratorSettings(kind='transformer', steps=2000),
        'camera': CameraSettings(kind='vae'), 'plans': PlanSettings(), 'tracks': TrackSettings()}
    assert set(used) == set(tool.RECIPES)
    for name, settings in used.items():
        card = json.loads((ROOT / 'models' / f'{name}.json').read_text(encoding='utf-8'))
        told = card.get('provenance', card)['settings']
        flat = {k: v for k, v in told.items() if not isinstance(v, dict)}
        flat |= {f'{k}.{n}': v for k, part in told.items() if isinstance(part, dict)
                 for n, v in part.items()}
        now = json.loads(json.dumps(flatten(settings)))
        assert {k: now[k] for k in flat if k in now} == flat, name


def test_what_was_made_is_installed_and_the_lidar_asks_for_logs(tmp_path, capsys):
    work = tmp_path / 'work' / 'collision'
    work.mkdir(parents=True)
    for name in ('collision.onnx', 'collision.json', tool.MADE):
        (work / name).write_text(name)
    words = ['--work', str(tmp_path / 'work'), '--out', str(tmp_path / 'out')]
    assert tool.main([*words, '--only', 'collision']) == 0
    assert (tmp_path / 'out' / 'collision.onnx').read_text() == 'collision.onnx'
    assert tool.main([*words, '--only', 'generator']) == 2
    assert 'intel-corrected.log.gz' in capsys.readouterr().err
