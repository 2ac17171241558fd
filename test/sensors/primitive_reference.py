"""Slow and independent: every ray against every box (slabs) and disc, in float64."""

import numpy as np
from ray_reference import disc_ranges


def box_ranges(pose, angles, boxes):
    """Slab method in each box's own frame; boxes as rows x, y, yaw, length, width, ..."""
    out = np.full(len(angles), np.inf)
    for x, y, yaw, length, width in boxes[:, :5]:
        c, s = np.cos(yaw), np.sin(yaw)
        origin = np.array([[c, s], [-s, c]]) @ (pose[:2] - np.array([x, y]))
        headings = pose[2] + angles - yaw
        ways = np.stack((np.cos(headings), np.sin(headings)))
        half = np.array([length, width]) / 2
        with np.errstate(divide='ignore', invalid='ignore'):
            a = (-half[:, None] - origin[:, None]) / ways
            b = (half[:, None] - origin[:, None]) / ways
        enter, leave = np.minimum(a, b).max(axis=0), np.maximum(a, b).min(axis=0)
        hit = (enter <= leave) & (leave >= 0)
        out[hit] = np.minimum(out[hit], np.maximum(enter[hit], 0.0))
    return out


def scene_ranges(pose, angles, boxes, cylinders, grow=0.0):
    """Nearest of all, with every box and cylinder grown by `grow` [m] on all sides."""
    boxes, cylinders = boxes.copy(), cylinders.copy()
    boxes[:, 3:5] += 2 * grow
    cylinders[:, 2] += grow
    discs = np.column_stack((cylinders[:, :2], np.zeros((len(cylinders), 2)), cylinders[:, 2]))
    return np.minimum(box_ranges(pose, angles, boxes), disc_ranges(pose, angles, discs))
