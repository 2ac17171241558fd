import json

import numpy as np
import pytest

from synth_nodes.cli import main
from synth_nodes.envs.settings import LineFollowingSettings
from synth_nodes.train.evaluate_line import line_score, Run, score_lines, tracks
from synth_nodes.world.layouts import generate_scene

WORDS = ['evaluate', '--episodes', '1', '--json']


def run(success, contact=False, lost=False, error=0.02):
    way = np.column_stack((np.linspace(0.0, 2.0, 21), np.zeros(21)))
    return Run(generate_scene('track_straight', 1), success, contact, lost, np.full(20, error),
               way, way, 1.8, 1.0, 0.01, 0.4, None)


def test_lost_lines_are_no_timeouts_and_ways_are_weighed_by_what_they_gain():
    score = line_score([run(True), run(True, error=0.04), run(False, lost=True),
                        run(False, contact=True), run(False)], 'all')
    assert (score.arrived, score.lost, score.contacts, score.timeouts) == (2, 1, 1, 1)
    assert score.efficiency == pytest.approx(0.9)
    assert score.error == pytest.approx(0.024)
    assert score.lost_low < score.lost_rate == 0.2 < score.lost_high


def test_shipped_line_policy_is_evaluated_by_its_card(capsys):
    assert main([*WORDS, 'line']) == 0
    scores = json.loads(capsys.readouterr().out)['scores']
    assert list(scores) == ['straight', 'curved', 'all']
    assert scores['all']['arrived'] == 2 and scores['all']['error'] < 0.02
    assert 0.9 < scores['all']['efficiency'] <= 1.0


def test_chance_loses_lines_by_pose_and_its_runs_are_drawn(capsys, tmp_path):
    picture = tmp_path / 'failed.png'
    assert main([*WORDS, '--task', 'line_following', '--driver', 'random', '--pictures',
                 str(picture)]) == 1
    total = json.loads(capsys.readouterr().out)['scores']['all']
    assert total['arrived'] == 0 and total['lost'] + total['contacts'] + total['timeouts'] == 2
    assert picture.read_bytes()[:4] == b'\x89PNG'


def test_the_expert_follows_lines_by_pose_and_the_same_seed_scores_the_same():
    first, second = (score_lines(None, LineFollowingSettings(), 1, 5)[0] for _ in range(2))
    assert first.total.success == 1.0 and not first.failures
    assert first.to_dict() == second.to_dict()


def test_another_seed_drives_other_tracks():
    assert not ({s.name for s in tracks(2, 10005)} & {s.name for s in tracks(2, 10007)})


@pytest.mark.parametrize('words', [['line', '--monitor'], ['line', '--map', 'no.yaml'],
                                   ['--task', 'line_following'], ['--task', 'goal', 'line']])
def test_what_does_not_go_with_lines_is_refused(words, capsys):
    assert main([*WORDS, *words]) == 2
    assert 'line' in capsys.readouterr().err
