import json

import pytest

from synth_nodes.cli import main
from synth_nodes.errors import InputError
from synth_nodes.train.progress import WorkCancelled
from synth_nodes.train.search import Choice, search

pytest.importorskip('optuna')
CHOICES = [Choice.parse('x=-4.0:4.0'), Choice.parse('kind=a,b')]


def score(values):
    return (values['x'] - 1.0) ** 2 + (values['kind'] == 'b')


def test_words_become_choices():
    assert Choice.parse('r=1e-4:1e-2:log') == Choice('r', (1e-4, 1e-2), True, True)
    assert Choice.parse('n=64,128') == Choice('n', (64, 128))
    assert Choice.parse('n=1:8') == Choice('n', (1, 8), True)
    for word in ('n', 'n=', 'n=8:1', 'n=0:1:log', 'n=1:2:lin', 'n=a:b', '=1:2', 'n=1,,2'):
        with pytest.raises(InputError, match='must have the form'):
            Choice.parse(word)


def test_a_search_that_was_cut_off_goes_on_to_the_same_trials(tmp_path):
    whole = search(score, CHOICES, 14, tmp_path / 'whole')
    seen = []

    def broken(values):
        if len(seen) == 5:
            raise MemoryError
        seen.append(values)
        return score(values)

    with pytest.raises(MemoryError):
        search(broken, CHOICES, 14, tmp_path / 'cut')
    cut = search(score, CHOICES, 14, tmp_path / 'cut')
    assert len(cut.trials) == 14 and whole.best['kind'] == 'a'
    assert whole.score == min(row['score'] for row in whole.trials) < 1.0
    first = {row['x'] for row in whole.trials if row['number'] < 5}
    assert first == {values['x'] for values in seen} <= {row['x'] for row in cut.trials}
    with pytest.raises(InputError, match='another search'):
        search(score, CHOICES[:1], 14, tmp_path / 'cut')
    with pytest.raises(WorkCancelled):
        search(score, CHOICES, 15, tmp_path / 'cut', cancelled=lambda: True)


def test_the_command_tries_settings_of_behaviour_cloning_and_goes_on(tmp_path, capsys):
    words = ['tune', 'bc', '--quick', '--out', str(tmp_path), '--score', 'loss', '--json',
             '--search', 'learning_rate=1e-4:1e-2:log', '--set', 'threads=1']
    assert main([*words, '--trials', '1']) == 0
    one = json.loads(capsys.readouterr().out)
    assert main([*words, '--trials', '2']) == 0
    two = json.loads(capsys.readouterr().out)
    assert len(two['trials']) == 2 and one['trials'][0] in two['trials']
    assert two['score'] <= one['score'] and 1e-4 <= two['best']['learning_rate'] <= 1e-2
    assert main([*words[:-4], '--search', 'hidden=2,8', '--trials', '1']) == 2
    assert 'hidden' in capsys.readouterr().err
