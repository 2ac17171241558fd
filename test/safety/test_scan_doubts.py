import numpy as np
import pytest

from synth_nodes.safety.intake import Header, Intake
from synth_nodes.safety.mounts import mount_of
from synth_nodes.safety.rules import SourceRules
from synth_nodes.safety.scan_doubts import Doubts, possible
from synth_nodes.safety.zone_settings import SourceSettings

ANGLES = np.linspace(-2.0, 2.0, 50)
SEEN = np.full(50, 3.0)


def test_scan_without_a_return_is_a_dead_sensor_unless_told_otherwise():
    nothing = np.full(50, np.inf)
    assert 'none of its beams returns' in Doubts(SourceRules()).look(nothing, ANGLES, 12.0)
    assert Doubts(SourceRules(empty='free')).look(nothing, ANGLES, 12.0) == ''
    nothing[7] = 12.0
    assert Doubts(SourceRules()).look(nothing, ANGLES, 12.0) == ''


def test_ranges_far_beyond_what_a_lidar_measures_are_not_free_space():
    ranges = np.array([0.5, 12.5, 119.0, 121.0, 3000.0, np.inf, -np.inf, np.nan])
    kept = possible(ranges, 12.0)
    assert np.isnan(kept).tolist() == [False, False, False, True, True, False, False, True]
    assert np.array_equal(kept[[0, 1, 2, 5, 6]], ranges[[0, 1, 2, 5, 6]])


@pytest.mark.parametrize('angles', [-ANGLES, ANGLES + 0.2, ANGLES[:40]])
def test_scan_that_covers_another_sector_than_the_first_is_refused(angles):
    doubts = Doubts(SourceRules())
    assert doubts.look(SEEN, ANGLES, 12.0) == ''
    assert 'those of its first scan' in doubts.look(SEEN[:len(angles)], angles, 12.0)
    assert doubts.look(SEEN, ANGLES + 0.05, 12.0) == ''


def test_data_out_of_order_is_left_out_and_late_data_is_not():
    eye = Intake('eye', SourceSettings(), SourceRules(), mount_of(()))
    for stamp, distance in ((5.0, 3.0), (4.95, 2.0), (4.86, 1.0)):
        eye.take_scan(np.full(50, distance), ANGLES, 0.05, 12.0, Header(stamp))
        assert np.hypot(*eye.source(5.0).points_base[0]) == pytest.approx(3.0, abs=1e-6)
    eye.take_scan(np.full(50, 2.0), ANGLES, 0.05, 12.0, Header(3.0))
    assert np.hypot(*eye.source(3.0).points_base[0]) == pytest.approx(2.0, abs=1e-6)


def test_scan_without_beams_says_nothing_of_its_sector():
    doubts = Doubts(SourceRules(empty='free'))
    assert doubts.look(SEEN[:0], ANGLES[:0], 12.0) == ''
    assert doubts.look(SEEN, -ANGLES, 12.0) == ''


def test_bounds_themselves_are_not_doubted():
    assert possible(np.array([120.0]), 12.0).tolist() == [120.0]
    doubts = Doubts(SourceRules())
    assert doubts.look(SEEN[:2], np.array((0.0, 1.0)), 12.0) == ''
    assert doubts.look(SEEN[:2], np.array((0.1, 1.0)), 12.0) == ''
    words = doubts.look(SEEN[:2], np.array((0.0, 0.8)), 12.0)
    assert words == ('its beams run from 0.00 to 0.80 rad, those of its first scan from 0.00 to '
                     '1.00 rad')
