import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.types import GridMap
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.map_io import save_map
from synth_nodes.world.stroll import course_of, samples_of
from synth_nodes.world.tracks import held_back, read_folder, read_tracks, Tracks, write_tracks

TABLE = '10\t1\t0.0\t2.0\n16 1 0.5 2.0\n16 7 4 3\n\n28 7 3.0 3.0\n# a remark\n'


def test_a_table_is_read_with_those_who_come_and_go(tmp_path):
    file = tmp_path / 'hall.txt'
    file.write_text(TABLE)
    tracks = read_tracks(file, 2.5)
    assert tracks.period == 0.4 and tracks.name == 'hall'
    np.testing.assert_array_equal(tracks.there, [[1, 0], [1, 1], [0, 0], [0, 1]])
    np.testing.assert_allclose(tracks.at[1], [(0.5, 2.0), (4.0, 3.0)])
    free = tracks.atlas.maps[0].to_cells(tracks.at[tracks.there])
    assert (free > 30).all(), 'open ground on all sides'


RECORDED = [f'{780 + 10 * k}.0\t{who}.0\t{x:.10g}\t{y:.12e}' for k in range(8) for who, x, y in (
    (12, 0.5 * k - 3.0, 4.0), (7, 3.0 - 0.4 * k, -2.0 + 0.05 * k), (3, 1.25, 0.1))
    if not (who == 7 and k in (3, 4)) and not (who == 3 and k > 5)]


def test_a_table_as_recordings_have_it_is_read(tmp_path):
    """Frames that count the video's, ids as floats, tabs, any order, absences, one who stands."""
    file = tmp_path / 'street.txt'
    file.write_text('\r\n'.join(RECORDED[::-1]) + '\r\n')
    tracks = read_tracks(file, 2.5)
    assert tracks.at.shape == (8, 3, 2)
    np.testing.assert_array_equal(tracks.there.sum(axis=0), (6, 6, 8))
    np.testing.assert_array_equal(np.flatnonzero(~tracks.there[:, 1]), (3, 4))
    np.testing.assert_allclose(tracks.at[:, 2, 0], 0.5 * np.arange(8) - 3.0)
    course = course_of(tracks)
    assert len(course.pace) == 2, 'who only stands is left out'
    np.testing.assert_allclose(course.pace, (np.hypot(1.0, 0.125), 1.25), rtol=1e-6)
    assert len(samples_of(course).seen) == 4, 'nothing is learned across an absence'


def test_a_table_of_fewer_frames_a_second_is_read_at_its_own_rate(tmp_path):
    file = tmp_path / 'fast.txt'
    file.write_text(''.join(f'{10 * k} 1 {k} 0\n' for k in range(9)))
    with pytest.raises(InputError, match=r'2\.5 frames a second'):
        read_tracks(file, 2.5)
    assert read_tracks(file, 1.5).period == pytest.approx(1 / 1.5)


def test_a_map_beside_a_table_is_its_place(tmp_path):
    grid = GridMap(np.zeros((50, 70), np.int8), 0.1, (-1.0, -1.0, 0.0), 'hall')
    save_map(grid, tmp_path, 'hall')
    (tmp_path / 'hall.txt').write_text(TABLE)
    assert read_folder(tmp_path, 2.5)[0].atlas.maps[0].occupancy.shape == (50, 70)


def test_tracks_come_back_from_a_table(tmp_path):
    at = np.cumsum(np.random.default_rng(0).uniform(-0.2, 0.3, (30, 4, 2)), axis=0)
    at[:10, 1] = at[20:, 2] = np.nan
    tracks = Tracks(at, 0.2, MapAtlas.build([GridMap(np.zeros((9, 9), np.int8), 1.0)]), 'a')
    write_tracks(tracks, tmp_path / 'a.txt')
    np.testing.assert_allclose(read_tracks(tmp_path / 'a.txt', 5.0).at, at, atol=6e-4)


@pytest.mark.parametrize(('text', 'says'), [
    ('1 2 3\n1 2 3\n', 'shape .2, 3.'), ('1 2 3 x\n', 'cannot be read'), ('', 'shape'),
    ('0 1 0 0\n10 1 0 0\n13 1 0 0\n', 'even steps of 3'),
    ('0 1 0 0\n1 1 5000 0\n', 'more than 1000 m'), ('0 1 nan 0\n1 1 0 0\n', 'not finite'),
    ('0 1 0 0\n1e-9 1 0 0\n1 2 0 0\n', 'too many for one table'),
    ('0 1 0 0\n10 1 1 0\n10 1 2 0\n', '2 lines of id 1 in frame 10; leave one'),
    ('0 1 0 0\n10 1 1 0\n', 'move at 2.5 m/s .* walk below 2 m/s; give the --rate'),
])
@pytest.mark.filterwarnings('ignore:loadtxt')
def test_a_wrong_table_is_refused(tmp_path, text, says):
    (tmp_path / 't.txt').write_text(text)
    with pytest.raises(InputError, match=says):
        read_tracks(tmp_path / 't.txt', 2.5)


def test_a_folder_without_tables_is_refused(tmp_path):
    with pytest.raises(InputError, match='holds no'):
        read_folder(tmp_path, 2.5)


def test_places_or_the_end_of_the_only_one_are_held_back():
    atlas = MapAtlas.build([GridMap(np.zeros((9, 9), np.int8), 1.0)])
    at = np.zeros((100, 2, 2))
    at[:90, 1] = np.nan
    places = [Tracks(at, 0.4, atlas, str(k)) for k in range(11)]
    learned, held = held_back(places)
    assert [t.name for t in held] == ['4', '9'] and len(learned) == 9
    assert [t.name for t in held_back(places[:3])[1]] == ['2']
    learned, held = held_back(places[:1])
    assert learned[0].at.shape == (80, 1, 2) and held[0].at.shape == (20, 2, 2)
    with pytest.raises(InputError, match='12 frames'):
        held_back([places[0].cut(0, 12)])
