"""Nav2 parameter files, read as they are."""

from pathlib import Path

import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.safety.nav2_params import read_nav2_params

FILE = """
local_costmap:
  local_costmap:
    ros__parameters:
      robot_radius: 0.22
collision_monitor:
  ros__parameters:
    base_frame_id: "base_footprint"
    source_timeout: 1.5
    polygons: ["PolygonStop", "Round", "FootprintApproach", "V"]
    PolygonStop:
      type: "polygon"
      points: "[[0.3, 0.3], [0.3, -0.3], [0.0, -0.3], [0.0, 0.3]]"
      action_type: "stop"
      min_points: 4
      visualize: true
      polygon_pub_topic: "polygon_stop"
    Round: {type: circle, radius: 0.5, action_type: limit, linear_limit: 0.2, max_points: 2,
            sources_names: [scan]}
    FootprintApproach:
      type: "polygon"
      action_type: "approach"
      footprint_topic: "/local_costmap/published_footprint"
      time_before_collision: 1.2
    V:
      type: "velocity_polygon"
      action_type: "slowdown"
      slowdown_ratio: 0.3
      holonomic: true
      velocity_polygons: ["forward", "rest"]
      forward:
        points: "[[0.5, 0.3], [0.5, -0.3], [-0.2, -0.3], [-0.2, 0.3]]"
        linear_min: 0.0
        linear_max: 1.0
        theta_min: -1.0
        theta_max: 1.0
        direction_start_angle: -0.7
      rest.points: "[[0.3, 0.3], [0.3, -0.3], [-0.2, -0.3], [-0.2, 0.3]]"
      rest: {linear_min: 0.0, linear_max: 0.1, theta_min: -1.0, theta_max: 1.0}
      unused: {points: "[]", linear_min: 0.0}
    observation_sources: ["scan", "cloud"]
    scan: {type: scan, topic: /scan, source_timeout: 0.0}
    cloud:
      type: "pointcloud"
      min_height: 0.1
      exclusion_zones: ["dock", "arm", "off"]
    dock: {enabled: true, type: circle, radius: 0.4, min_height: -1.0}
    arm: {enabled: true, frame_id: arm_link, points: "[[0, 0], [1, 0], [1, 1]]"}
    "off": {points: "[[0, 0], [1, 0], [1, 1]]"}
"""


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / 'nav2.yaml'
        path.write_text(text, encoding='utf-8')
        return path
    return write


def test_zones_are_read_with_their_names_defaults_and_order(written):
    stop, circle, approach, velocity = read_nav2_params(written(FILE)).zones
    assert (stop.name, stop.action, stop.min_points) == ('PolygonStop', 'stop', 4)
    # Nav2 parses points in single precision.
    assert stop.corners[0, 0] == float(np.float32(0.3)) != 0.3
    assert (circle.radius, circle.linear_limit, circle.angular_limit) == (0.5, 0.2, 0.5)
    # max_points is the deprecated name: one more than it triggers.
    assert circle.min_points == 3 and circle.sources == ('scan',)
    assert (approach.time_before_collision, approach.simulation_time_step) == (1.2, 0.1)
    assert approach.min_points is None
    assert [p.name for p in velocity.sub_zones] == ['forward', 'rest']
    assert velocity.holonomic and velocity.sub_zones[0].direction_start == -0.7


def test_footprint_is_the_padded_one_of_the_local_costmap(written):
    setup = read_nav2_params(written(FILE))
    # 16 corners on a radius of 0.22 m, padded by the default of 0.01 m away from both axes.
    assert setup.footprint.shape == (16, 2)
    assert setup.footprint[:, 0].max() == pytest.approx(0.23)
    assert setup.zones[2].shape == 'footprint'
    assert (setup.zones[2].corners == setup.footprint).all()


def test_sources_are_read_with_timeouts_bands_and_masks(written):
    setup = read_nav2_params(written(FILE))
    scan, cloud = setup.sources
    assert (scan.timeout, cloud.timeout, setup.source_timeout) == (0.0, 1.5, 1.5)
    assert (cloud.kind, cloud.min_height, cloud.max_height) == ('pointcloud', 0.1, None)
    assert [m.name for m in cloud.masks] == ['dock'] and cloud.masks[0].low == -1.0
    assert any("'arm'" in note for note in setup.notes)


def test_costmap_without_a_footprint_in_the_file_leaves_the_zone_without_a_shape(written):
    setup = read_nav2_params(written(FILE.replace('local_costmap', 'global_costmap')))
    assert setup.footprint is None and not setup.zones[2].shape_known


def test_footprint_given_as_points_is_padded_away_from_both_axes(written):
    text = FILE.replace('robot_radius: 0.22', 'footprint: "[[0.3, 0.2], [-0.1, 0.2], [0.3, -0.2]]"'
                        '\n      footprint_padding: 0.05')
    assert read_nav2_params(written(text)).footprint == pytest.approx(
        np.array([[0.35, 0.25], [-0.15, 0.25], [0.35, -0.25]]))


def test_mask_may_be_a_polygon_and_what_looks_at_the_sensor_is_noted(written):
    text = FILE.replace('radius: 0.4, min_height: -1.0', '').replace(
        'dock: {enabled: true, type: circle', 'dock: {enabled: true, points: "[[0, 0], [1, 0], '
        '[1, 1]]"').replace('min_height: 0.1', 'min_range: 0.2')
    setup = read_nav2_params(written(text))
    assert setup.sources[1].masks[0].corners.tolist() == [[0, 0], [1, 0], [1, 1]]
    assert any("'min_range'" in note for note in setup.notes)


def test_flat_points_of_humble_are_read(written):
    old = FILE.replace('"[[0.3, 0.3], [0.3, -0.3], [0.0, -0.3], [0.0, 0.3]]"',
                       '[0.3, 0.3, 0.3, -0.3, 0.0, -0.3, 0.0, 0.3]')
    assert read_nav2_params(written(old)).zones[0].corners.shape == (4, 2)


def test_zone_without_shape_is_noted(written):
    text = FILE.replace('points: "[[0.3, 0.3], [0.3, -0.3], [0.0, -0.3], [0.0, 0.3]]"',
                        'polygon_sub_topic: /shape', 1)
    setup = read_nav2_params(written(text))
    assert not setup.zones[0].shape_known and any('PolygonStop' in n for n in setup.notes)


def test_namespaced_node_is_found(written):
    setup = read_nav2_params(written(FILE.replace('collision_monitor:', '/r1/collision_monitor:')))
    assert len(setup.zones) == 4


@pytest.mark.parametrize(('old', 'new', 'message'), [
    ('"stop"', '"halt"', "zone 'PolygonStop': 'action_type' = 'halt' must be one of stop"),
    ('type: circle, radius: 0.5', 'type: disc', "'type' = 'disc'"),
    ('min_points: 4', 'min_points: many', "'min_points' = 'many'"),
    ('min_points: 4', 'min_point: 4', "did you mean 'min_points'"),
    ('[0.0, 0.3]]"', '[0.0, x]]"', 'must be 4 or more pairs'),
    ('[0.0, -0.3], [0.0, 0.3]]"', '[0.0, -0.3]]"', 'must be 4 or more pairs'),
    ('[0.0, 0.3]]"', '[0.0, 0.3]"', 'must be a string such as'),
    ('visualize: true', 'visualise: true',
     "collision_monitor: zone 'PolygonStop': unknown key 'visualise'; did you mean 'visualize'?"),
    ('sources_names: [scan]', 'sources_names: [sonar]', "source 'sonar'"),
    ('"Round", ', '"Square", ', "zone 'Square' is in 'polygons'"),
    ('observation_sources', 'observations', "'observation_sources' = None"),
    ('"forward", "rest"', '"forwards", "rest"', "sub-zone 'forwards'"),
    ('time_before_collision: 1.2', 'simulation_time_step: 0.0', "'simulation_time_step' = 0.0"),
    ('type: scan, topic', 'type: sonar, topic', "'type' = 'sonar' must be one of"),
    ('enabled: true, type: circle, radius: 0.4', 'enabled: true, type: circle', "'radius' = 0.0"),
    ('linear_max: 1.0', 'linear_max: -1.0', "'linear_min' = 0.0 is above"),
    ('source_timeout: 1.5', 'source_timeout: -1', "'source_timeout' = -1"),
    ('["forward", "rest"]', 'forward', "'velocity_polygons' = 'forward' must be a list"),
    ('type: circle, radius: 0.5', 'type: footprint', "'type' = 'footprint' must be one of"),
    ('points: "[[0.3, 0.3], [0.3, -0.3], [0.0, -0.3], [0.0, 0.3]]"', 'radius: 1.0',
     "has neither 'points' nor 'polygon_sub_topic'"),
    ('scan: {type: scan, topic: /scan, source_timeout: 0.0}', 'scan: 3',
     "source 'scan' = 3 must hold parameters"),
    ('topic: /scan', 'sampling_distance: 0.0', "'sampling_distance' = 0.0 m must be above 0"),
    ('dock: {enabled: true, type: circle, radius: 0.4, min_height: -1.0}', 'dock: 3',
     "exclusion zone 'dock': must hold parameters, not 3"),
])
def test_what_is_wrong_is_named(written, old, new, message):
    assert old in FILE
    with pytest.raises(InputError) as caught:
        read_nav2_params(written(FILE.replace(old, new)))
    assert message in str(caught.value)


@pytest.mark.parametrize(('text', 'message'), [
    ('a: {b: 1}', 'holds no Collision Monitor'), ('[', 'not valid YAML'), ('', 'holds no')])
def test_other_files_are_refused(written, text, message):
    with pytest.raises(InputError, match=message):
        read_nav2_params(written(text))


def test_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / 'nav2.yaml'
    path.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(InputError, match='not text in UTF-8'):
        read_nav2_params(path)


def test_missing_file_is_refused():
    with pytest.raises(InputError, match='cannot be read'):
        read_nav2_params(Path('no-such-file.yaml'))
