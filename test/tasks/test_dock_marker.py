import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.sensors.lidar import Lidar
from synth_nodes.sensors.scan_settings import ScanEffects
from synth_nodes.tasks.dock_marker import (
    DockSpec,
    DockTracker,
    MarkerFinder,
    seen_from,
    Sighting,
    wrapped,
)
from synth_nodes.tasks.dock_scenes import with_docks
from synth_nodes.types import GridMap, LidarSpec
from synth_nodes.world.atlas import MapAtlas

DOCK = DockSpec()


def hall(size=6.0):
    cells = round(size / 0.05)
    occupancy = np.full((cells, cells), 100, np.int8)
    occupancy[4:-4, 4:-4] = 0
    return GridMap(occupancy, 0.05, name='hall')


def look(place, poses, **lidar):
    """Scan at poses (K, 3) given in the frame of a dock's place, which is (3,) in `map`."""
    c, s = np.cos(place[2]), np.sin(place[2])
    at = np.column_stack((place[0] + c * poses[:, 0] - s * poses[:, 1],
                          place[1] + s * poses[:, 0] + c * poses[:, 1], place[2] + poses[:, 2]))
    spec = LidarSpec(**lidar)
    sensor = Lidar(spec, MapAtlas.build([with_docks(hall(), DOCK, 1, 0).scene]), 1,
                   ScanEffects(surfaces=True))
    powers = np.zeros((len(at), spec.beams), np.float32)
    ranges = sensor.scan(at, np.zeros(len(at), np.int64), intensities=powers)
    return spec, ranges, powers, seen_from(at, np.tile(place, (len(at), 1)))


@pytest.mark.parametrize('mount', [(0.0, 0.0, 0.0), (0.1, 0.05, 0.4)])
def test_the_marker_is_found_to_millimetres_up_close_and_to_centimetres_from_afar(mount):
    place = with_docks(hall(), DOCK, 1, 0).places(DOCK)[0]
    poses = np.array([(0.0, 0.0, 0.0), (-0.3, 0.08, 0.3), (-1.5, -0.4, -0.5)])
    spec, ranges, powers, true = look(place, np.repeat(poses, 20, axis=0), mount=mount)
    guess = true + np.array([0.1, -0.1, 0.1])
    found = MarkerFinder(DOCK, spec).find(ranges, powers, guess)
    error = np.abs(found.pose - true).reshape(3, 20, 3)
    error[..., 2] = np.abs(wrapped(error[..., 2]))
    assert found.seen.all()
    assert error[0].max(axis=0) == pytest.approx((0, 0, 0), abs=0.05)
    assert (np.median(error[0], axis=0) < (0.005, 0.006, 0.015)).all()
    assert (np.median(error[2], axis=0) < (0.02, 0.02, 0.04)).all()


def test_nothing_is_seen_where_the_foil_is_dull_or_the_guess_is_elsewhere():
    place = with_docks(hall(), DOCK, 1, 0).places(DOCK)[0]
    spec, ranges, powers, true = look(place, np.array([(-0.8, 0.0, 0.0)]))
    finder = MarkerFinder(DOCK, spec)
    assert finder.find(ranges, powers, true).seen.all()
    assert not finder.find(ranges, powers / 100, true).seen.any()
    assert not finder.find(ranges, powers, true + np.array([2.0, 0.0, 0.0])).seen.any()
    assert not finder.find(ranges, powers, true + np.array([0.0, 0.0, 1.0])).seen.any()
    assert not finder.find(np.full_like(ranges, np.nan), powers, true).seen.any()


def test_a_tracker_carries_a_dock_by_odometry_and_grows_old():
    tracker = DockTracker(2)
    tracker.begin(np.arange(2), np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    tracker.take(Sighting(np.array([[1.2, 0.1, 0.2], [np.nan] * 3]), np.array([True, False])))
    assert tracker.pose[0] == pytest.approx([1.2, 0.1, 0.2]) and tracker.age.tolist() == [0.0, 2.0]
    tracker.carry(np.tile([0.2, 0.1, 0.2], (2, 1)), 0.5)
    assert tracker.pose[0, 2] == pytest.approx(0.0)
    assert tracker.pose[0, :2] == pytest.approx([np.cos(0.2), -np.sin(0.2)])
    assert tracker.age.tolist() == [0.5, 2.0]


def test_docks_stand_at_walls_with_room_before_them_and_apart():
    made = with_docks(hall(10.0), DOCK, 4, 0)
    assert len(made.faces) == 4
    for k, (x, y, out) in enumerate(made.faces):
        back = np.array([x - DOCK.depth * np.cos(out), y - DOCK.depth * np.sin(out)])
        assert min(*np.abs(back - 0.2), *np.abs(back - 9.8)) < 0.01
        assert all(np.hypot(*(f - made.faces[k])[:2]) > 3.0 for f in made.faces[:k])
    with pytest.raises(InputError, match=r"map 'hall' has no straight wall of 0\.5 m"):
        with_docks(hall(1.5), DOCK, 1, 0)
