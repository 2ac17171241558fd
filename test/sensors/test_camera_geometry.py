import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.sensors.camera import Camera
from synth_nodes.sensors.camera_spec import BOX, CameraSpec, CYLINDER, FLOOR, LINE, PERSON, WALL
from synth_nodes.sensors.cast import cast
from synth_nodes.sensors.lens import distort, project, rays, undistort
from synth_nodes.types import GridMap
from synth_nodes.world.building import generate_building
from synth_nodes.world.scene import FloorLine, Scene

BENT = (-0.25, 0.08, 0.001, -0.0015, -0.01)
HALL = GridMap(np.pad(np.zeros((158, 158), np.int8), 1, constant_values=100), 0.1,
               (-8.0, -8.0, 0.0), 'hall')
OFFICE = generate_building(4, 14.0, 10.0)
SPECS = [
    CameraSpec(width=96, height=72),
    CameraSpec(width=97, height=70, pitch=0.3, yaw=0.4),
    CameraSpec(width=96, height=72, pitch=-0.15),
    CameraSpec(width=96, height=72, pitch=0.1, distortion=BENT),
]


def world_rays(spec, pose):
    """Eye and direction with optical z = 1 of every pixel, in map: the slow, plain way."""
    rotation, position = spec.optical_in_base()
    c, s = np.cos(pose[2]), np.sin(pose[2])
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    eye = turn @ position + (pose[0], pose[1], 0)
    flat = rays(spec)
    optical = np.concatenate((flat, np.ones((*flat.shape[:2], 1))), axis=-1)
    return eye, optical @ (turn @ rotation).T


def free_poses(grid, count, seed):
    rng = np.random.default_rng(seed)
    room = cv2.distanceTransform((~grid.solid()).astype(np.uint8), cv2.DIST_L2, 5)
    rows, columns = np.nonzero(room * grid.resolution > 0.4)
    pick = rng.integers(len(rows), size=count)
    places = grid.to_map(np.column_stack((columns[pick] + 0.5, rows[pick] + 0.5)))
    return np.column_stack((places, rng.uniform(-np.pi, np.pi, count)))


def inner(mask):
    """Pixels whose 8 neighbours are of the mask too: away from edges."""
    out = mask.copy()
    for dv in (-1, 0, 1):
        for du in (-1, 0, 1):
            out &= np.roll(mask, (dv, du), (0, 1))
    out[[0, -1]] = False
    out[:, [0, -1]] = False
    return out


@pytest.mark.parametrize('yaw', [0.0, np.pi / 2, np.pi, -np.pi / 2])
def test_a_ray_along_the_edge_between_two_cells_meets_the_wall_at_its_end(yaw):
    """The camera stands on a corner of four cells; its middle column looks along their edges."""
    spec = CameraSpec(width=33, height=25, mount=(0.0, 0.0, 0.35))
    places = np.array([(0.0, 0.0), (1.3, -2.1), (-3.3, 0.7)])
    frames = Camera(spec, [Scene(HALL)]).render(np.column_stack((places, np.full(3, yaw))))
    assert (frames.label[:, 12] == WALL).all()
    ahead = 7.9 - places @ (np.cos(yaw), np.sin(yaw))
    np.testing.assert_allclose(frames.depth[:, 12, 16], ahead, rtol=1e-5)


@pytest.mark.parametrize('spec', SPECS)
def test_depth_of_walls_is_the_lidar_range_along_the_same_ray(spec):
    camera = Camera(spec, [Scene(OFFICE)])
    poses = free_poses(OFFICE, 6, 1)
    frames = camera.render(poses)
    exact = seen = 0
    pixel = np.linspace(-1.0, 1.0, 9) / spec.focal
    for pose, depth, label in zip(poses, frames.depth, frames.label, strict=True):
        eye, ways = world_rays(spec, pose)
        mask = inner(label == WALL)
        # A step in depth is an edge between walls: there a pixel may belong to either.
        gy, gx = np.gradient(depth)
        mask &= (np.abs(gx) < 0.1 * depth) & (np.abs(gy) < 0.1 * depth)
        for v, u in zip(*np.nonzero(mask), strict=True):
            if (3 * v + u) % 11:
                continue
            way = ways[v, u]
            angle = np.arctan2(way[1], way[0])
            ranges = cast(camera.atlas.maps, np.zeros(1, int), [[eye[0], eye[1], angle]],
                          pixel, 100.0)[0]
            range_ = depth[v, u] * np.hypot(way[0], way[1])
            # Never farther off than what lies within the pixel.
            assert ranges.min() * 0.99 <= range_ <= ranges.max() * 1.01
            exact += abs(range_ - ranges[4]) < 1e-4 * ranges[4]
            seen += 1
    # Beside a level camera, only pixels with a corner in them may show either of its faces.
    level = spec.pitch == 0.0 and not any(spec.distortion)
    assert seen > 300 and exact >= (1.0 if level else 0.95) * seen


@pytest.mark.parametrize('spec', SPECS)
def test_depth_of_floor_is_the_plane(spec):
    pose = np.array([0.3, -0.2, 0.1])
    frames = Camera(spec, [Scene(HALL, lines=(FloorLine([[-5, 0], [5, 0]]),))]).render(pose[None])
    eye, ways = world_rays(spec, pose)
    floor = (frames.label[0] == FLOOR) | (frames.label[0] == LINE)
    assert floor.sum() > 500
    truth = -eye[2] / ways[..., 2]
    assert frames.depth[0][floor] == pytest.approx(truth[floor], rel=1e-4)
    line = frames.label[0] == LINE
    y = eye[1] + truth * ways[..., 1]
    assert line.any() and np.abs(y[inner(line)]).max(initial=0.0) <= 0.025


@pytest.mark.parametrize('spec', SPECS)
def test_depth_of_box_is_closed_form(spec):
    height = 0.25
    box = [1.6, 0.1, 0.5, 0.6, 0.4, height, 1]
    if spec.yaw:
        box[:2] = [1.3, 0.8]
    frames = Camera(spec, [Scene(HALL, boxes=[box])]).render(np.zeros((1, 3)))
    eye, ways = world_rays(spec, np.zeros(3))
    c, s = np.cos(box[2]), np.sin(box[2])
    turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    start, local = turn @ (eye - (box[0], box[1], 0)), ways @ turn.T
    low, high = np.array([-0.3, -0.2, 0.0]), np.array([0.3, 0.2, height])
    near = np.minimum((low - start) / local, (high - start) / local).max(axis=-1)
    far = np.maximum((low - start) / local, (high - start) / local).min(axis=-1)
    hit = (near <= far) & (near > 0)
    seen = frames.label[0] == BOX
    assert hit.sum() > 60
    assert (hit != seen).sum() <= 0.08 * hit.sum()
    both = inner(hit & seen)
    error = np.abs(frames.depth[0] - near)[both]
    # Exact but where an edge between two faces lies within the pixel.
    assert np.median(error) < 1e-5 and (error < 2e-3 * near[both]).mean() > 0.9
    if not any(spec.distortion):
        assert error.max() < 0.02


@pytest.mark.parametrize('spec', SPECS)
def test_depth_of_cylinder_and_person_is_closed_form(spec):
    place = np.array([1.2, 0.5]) if spec.yaw else np.array([1.3, 0.0])
    scene = Scene(HALL, cylinders=[[*place, 0.2, 3.0, 1]], wall_height=5.0)
    actors = np.array([[[*place, 0.1, 0.0, 0.2]]])
    eye, ways = world_rays(spec, np.zeros(3))
    d = place - eye[:2]
    flat = ways[..., :2]
    square, along = (flat ** 2).sum(-1), flat @ d
    root = along ** 2 - square * (d @ d - 0.04)
    with np.errstate(invalid='ignore'):
        truth = (along - np.sqrt(root)) / square
    for frames, label in (
            (Camera(spec, [scene]).render(np.zeros((1, 3))), CYLINDER),
            (Camera(spec, [Scene(HALL)]).render(np.zeros((1, 3)), actors=actors), PERSON)):
        mask = inner(frames.label[0] == label) & (root > 0.02)
        # A person narrows above the shoulders.
        mask &= eye[2] + truth * ways[..., 2] < 1.4
        assert mask.sum() > 100
        assert frames.depth[0][mask] == pytest.approx(truth[mask], rel=2e-3)


@pytest.mark.parametrize('spec', SPECS)
def test_known_points_appear_where_camera_info_says(spec):
    rotation, position = spec.optical_in_base()
    camera = Camera(spec, [Scene(HALL)])
    for ahead, left in ((2.0, 0.0), (3.0, 0.5), (3.0, -0.6)):
        c, s = np.cos(spec.yaw), np.sin(spec.yaw)
        x, y = c * ahead - s * left + position[0], s * ahead + c * left
        people = np.array([[[x, y, 0.0, 0.0, 0.1]]])
        label = camera.render(np.zeros((1, 3)), actors=people).label[0]
        v, u = np.nonzero(label == PERSON)
        middle = rotation.T @ (np.array([x, y, 0.3]) - position)
        pixel = project(middle, spec)
        row = round(pixel[1])
        assert abs(u[v == row].mean() - pixel[0]) < 1.0
        foot = project(rotation.T @ (np.array([x, y, 0.0]) - position), spec)
        # The foot that is seen is the disc's near edge, a little lower than its middle.
        assert -2.0 < v.max() - foot[1] < 4.0 or foot[1] > spec.height - 1


def test_projection_matrix_is_that_of_the_rectified_image():
    spec = CameraSpec(distortion=BENT)
    assert (spec.projection[:, :3] == spec.matrix).all() and not spec.projection[:, 3].any()
    point = np.array([0.3, -0.2, 2.0])
    u, v, w = spec.projection @ [*point, 1.0]
    plain = CameraSpec()
    assert project(point, plain) == pytest.approx([u / w, v / w])


@settings(max_examples=60, deadline=None)
@given(st.floats(-0.6, 0.6), st.floats(-0.45, 0.45))
def test_undistort_inverts_distort(x, y):
    point = np.array([x, y])
    assert undistort(distort(point, BENT), BENT) == pytest.approx(point, abs=1e-9)


def test_distortion_agrees_with_opencv():
    points = np.random.default_rng(0).uniform((-0.5, -0.5, 1.5), (0.5, 0.5, 2.5), (50, 3))
    spec = CameraSpec(distortion=BENT)
    theirs = cv2.projectPoints(points, np.zeros(3), np.zeros(3), spec.matrix, np.array(BENT))[0]
    assert project(points, spec) == pytest.approx(theirs[:, 0], abs=1e-6)


@pytest.mark.parametrize('changes', [
    {'distortion': (-0.9, 0.0, 0.0, 0.0, 0.0), 'horizontal_fov': 2.0},
    {'distortion': (0.1,)}, {'mount': (0.0, 0.0)}, {'mount': (0.0, 0.0, -0.1)},
    {'mount': (0.0, 0.0, 2.7)}, {'pitch': 1.2}, {'depth_min': 9.0, 'depth_max': 8.0}])
def test_impossible_cameras_are_refused(changes):
    with pytest.raises(InputError, match='camera'):
        Camera(CameraSpec(**changes), [Scene(HALL)])
