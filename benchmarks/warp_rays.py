"""Rays against a triangle mesh by NVIDIA Warp, on the CPU: a peer of the lidar benchmarks."""

import numpy as np
import warp as wp


@wp.kernel
def _cast(mesh: wp.uint64, poses: wp.array2d(dtype=wp.float32), angles: wp.array(dtype=wp.float32),
          reach: wp.float32, out: wp.array2d(dtype=wp.float32)):
    b, k = wp.tid()
    heading = poses[b, 2] + angles[k]
    start = wp.vec3(poses[b, 0], poses[b, 1], 0.5)
    hit = wp.mesh_query_ray(mesh, start, wp.vec3(wp.cos(heading), wp.sin(heading), 0.0), reach)
    out[b, k] = reach
    if hit.result:
        out[b, k] = hit.t


def upright(lines):
    """Corners of two triangles a line: x, y of both ends, shape (N, 4); 1 high."""
    x0, y0, x1, y1 = lines.T
    low, high = np.zeros(len(lines)), np.ones(len(lines))
    corners = np.stack((np.stack((x0, y0, low), 1), np.stack((x1, y1, low), 1),
                        np.stack((x1, y1, high), 1), np.stack((x0, y0, high), 1)), 1)
    return corners[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)


def cast_rays(corners, poses, angles, reach):
    """
    Prepare rays of many sensors.

    :param corners: of triangles, three rows each, shape (3 N, 3).
    :return: a function that casts them all and returns ranges, reach where nothing is hit.
    """
    wp.config.quiet = True
    wp.init()
    device = 'cpu'
    mesh = wp.Mesh(wp.array(corners.astype(np.float32), dtype=wp.vec3, device=device),
                   wp.array(np.arange(len(corners), dtype=np.int32), device=device))
    poses32 = wp.array(np.asarray(poses, np.float32), device=device)
    angles32 = wp.array(np.asarray(angles, np.float32), device=device)
    out = wp.zeros((len(poses), len(angles)), dtype=wp.float32, device=device)

    def run():
        wp.launch(_cast, out.shape, [mesh.id, poses32, angles32, reach], [out], device=device)
        return out.numpy()
    return run
