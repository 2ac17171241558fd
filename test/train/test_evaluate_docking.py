import json

import numpy as np
import pytest

from synth_nodes.cli import main
from synth_nodes.envs.docking_senses import SUBSETS
from synth_nodes.train.docking_senses import subset_name
from synth_nodes.types import GridMap
from synth_nodes.world.map_io import save_map


@pytest.fixture
def hall(tmp_path):
    occupancy = np.full((100, 100), 100, np.int8)
    occupancy[4:-4, 4:-4] = 0
    return str(save_map(GridMap(occupancy, 0.05), tmp_path, 'hall'))


def test_evaluate_docks_in_a_map_and_scores_it(hall, capsys):
    words = ['evaluate', '--map', hall, '--episodes', '3', '--json']
    assert main([*words, '--task', 'docking', '--driver', 'expert']) == 0
    scores = json.loads(capsys.readouterr().out)['scores']
    assert scores['all']['arrived'] == scores['hall']['episodes'] == 3
    assert main([*words, 'dock', '--min-success', '1.1']) == 1
    assert json.loads(capsys.readouterr().out)['scores']['all']['contacts'] == 0


def test_evaluate_by_senses_scores_each_set_of_sensors(hall, capsys):
    assert main(['evaluate', '--map', hall, '--episodes', '1', '--json', '--driver', 'expert',
                 '--task', 'docking_senses']) == 0
    scores = json.loads(capsys.readouterr().out)['scores']
    assert list(scores) == [*map(subset_name, SUBSETS), 'all'] and scores['all']['arrived'] == 7
