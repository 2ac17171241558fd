import json
from pathlib import Path

import numpy as np
import pytest

from synth_nodes.cli import main
from synth_nodes.types import GridMap
from synth_nodes.world.map_io import save_map
from synth_nodes.world.tracks import read_tracks


@pytest.mark.parametrize('walk', ['learned', 'forces', 'ways'])
def test_people_walk_in_a_map_and_their_table_reads_back(
        tmp_path: Path, walk: str, capsys: pytest.CaptureFixture[str]) -> None:
    hall = save_map(GridMap(np.zeros((60, 90), np.int8), 0.1, (1.0, 2.0, 0.0)), tmp_path, 'hall')
    out = tmp_path / 'drawn' / 'walk.txt'
    assert main(['dataset', 'tracks', '--map', str(hall), '--walk', walk, '--people', '4',
                 '--seconds', '20', '--out', str(out), '--json']) == 0
    told = json.loads(capsys.readouterr().out)
    tracks = read_tracks(out, told['rate'])
    assert tracks.at.shape[1] == told['people'] >= 4
    assert tracks.atlas.maps[0].occupancy.shape == (60, 90)
    inside = tracks.at[tracks.there] - (1.0, 2.0)
    assert ((inside > 0.2) & (inside < (8.8, 5.8))).all()
    speed = np.hypot(*np.moveaxis(np.diff(tracks.at, axis=0), -1, 0)) * told['rate']
    assert 0.1 < np.nanmedian(speed) < 2.0


@pytest.mark.parametrize(('words', 'says'), [
    (['--out', 't.csv'], '--out t.csv must end in .txt'),
    (['--out', 't.txt', '--people', '0'], '--people 0 is outside [1, 200]'),
    (['--out', 't.txt', '--seconds', '1'], '--seconds 1.0 is outside'),
    (['--out', 't.txt', '--walk', 'ways', '--model', 'm'], '--model is for --walk learned'),
    (['--out', 't.txt', '--model', '/nowhere'], 'learned gait'),
    (['--out', 't.txt', '--map', 'layout:moon', '--walk', 'ways'], 'must be layout:NAME'),
])
def test_wrong_words_are_refused(
        words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(['dataset', 'tracks', *words]) == 2
    assert says in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
