"""Obstacles and safety zones as markers, and obstacles back."""

from collections.abc import Sequence

from builtin_interfaces.msg import Time
import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from synth_nodes.ros.conversions import points_to_message
from synth_nodes.types import FloatArray

HEIGHT = 1.7
"""Height [m] people are drawn with."""


def new_obstacles(count: int, frame_id: str) -> MarkerArray:
    """Make cylinders, one an obstacle, to be filled by :func:`fill_obstacles`."""
    markers = []
    for index in range(count):
        marker = Marker(ns='obstacles', id=index, type=Marker.CYLINDER, action=Marker.ADD,
                        color=ColorRGBA(r=0.9, g=0.4, b=0.1, a=0.9))
        marker.header.frame_id = frame_id
        marker.pose.orientation.w = 1.0
        marker.pose.position.z = HEIGHT / 2
        marker.scale.z = HEIGHT
        markers.append(marker)
    return MarkerArray(markers=markers)


def fill_obstacles(message: MarkerArray, stamp: Time, actors: FloatArray) -> None:
    """
    Fill in where the obstacles are.

    :param actors: x, y [m], vx, vy [m/s], radius [m] in the markers' frame, shape (A, 5).
    """
    for marker, (x, y, _, _, radius) in zip(
            message.markers, np.asarray(actors, float).tolist(), strict=True):
        marker.header.stamp = stamp
        marker.pose.position.x, marker.pose.position.y = x, y
        marker.scale.x = marker.scale.y = 2.0 * radius


def obstacles_of(message: MarkerArray) -> NDArray[np.float64]:
    """Obstacles x, y [m], vx, vy [m/s] (zero: markers have none), radius [m], shape (A, 5)."""
    return np.array([(m.pose.position.x, m.pose.position.y, 0.0, 0.0, 0.5 * m.scale.x)
                     for m in message.markers], float).reshape(-1, 5)


def outlines(polygons: Sequence[tuple[str, FloatArray]], frame_id: str, stamp: Time,
             binding: str = '') -> MarkerArray:
    """
    Draw closed polygons, red where one binds and green otherwise.

    :param polygons: names, and corners [m] in `frame_id`, shape (N, 2).
    :param binding: name of the one that binds.
    """
    markers = []
    for index, (name, points) in enumerate(polygons):
        bound = name == binding
        marker = Marker(ns=name, id=index, type=Marker.LINE_STRIP, action=Marker.ADD,
                        color=ColorRGBA(r=0.9 if bound else 0.1, g=0.1 if bound else 0.8,
                                        b=0.1, a=0.9))
        marker.header.frame_id, marker.header.stamp = frame_id, stamp
        marker.pose.orientation.w = 1.0
        marker.scale.x = 0.02
        marker.points = points_to_message(np.concatenate((points, points[:1])))
        markers.append(marker)
    return MarkerArray(markers=markers)
