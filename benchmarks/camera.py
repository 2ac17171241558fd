#!/usr/bin/env python3
"""
How many frames a second does one core draw?

Colour and depth at 320x240 in a furnished room with two people, ours and MuJoCo's (off-screen
through EGL) on the same geometry, both reading colour and depth back as arrays. The peers come
from `benchmarks/requirements.txt`; MuJoCo is left out, and said to be, where it is absent.
MuJoCo is measured as it comes (shadows, 4 samples a pixel, one pass for colour and one for depth)
and at its fastest (neither, and one pass). Its floor and walls are textured as ours are; painted
lines and shadows are left out of ours for a like-for-like figure. The process is bound to one core
and its software OpenGL to its own thread; processor time of all threads counts. The rounds
alternate; medians of ratios are given.

    python benchmarks/camera.py [--frames 16] [--rounds 15]
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
import os
import platform
import time
from typing import Any

import numpy as np

from synth_nodes.sensors.camera import Camera
from synth_nodes.sensors.camera_columns import columns_of
from synth_nodes.sensors.camera_render import render_batch
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.types import GridMap
from synth_nodes.world.scene import FloorLine, Light, Scene

SIZE = (8.0, 6.0)
GOAL = 15.0
BOXES = [[2.5, 1.0, 0.4, 0.6, 0.4, 0.4, 1], [-2.0, -1.5, 1.0, 0.5, 0.5, 0.8, 1],
         [0.5, 2.2, 0.1, 0.8, 0.3, 0.5, 1], [-2.8, 1.8, 0.0, 0.4, 0.4, 1.2, 1]]
CYLINDERS = [[2.0, -1.4, 0.2, 0.8, 1], [-1.0, 2.0, 0.15, 1.0, 1]]
PEOPLE = [[1.8, 0.1, -1.0, 0.2, 0.25], [-1.5, 0.6, 0.0, 1.0, 0.25]]
CAMERA_HEIGHT = 0.35


def room(plain: bool = False) -> Scene:
    """Make the room for ours; a plain one has neither shadows nor lines, as MuJoCo's fastest."""
    cells = np.zeros((round(SIZE[1] * 20) + 2, round(SIZE[0] * 20) + 2), np.int8)
    cells[[0, -1]] = 100
    cells[:, [0, -1]] = 100
    grid = GridMap(cells, 0.05, (-SIZE[0] / 2 - 0.05, -SIZE[1] / 2 - 0.05, 0.0), 'room')
    line = FloorLine(np.array([[-3.5, 0.0], [1.0, 0.0], [3.0, -1.0]]))
    return Scene(grid, boxes=np.array(BOXES), cylinders=np.array(CYLINDERS),
                 lines=() if plain else (line,), light=Light(shadow=0.0) if plain else Light())


def ours(spec: CameraSpec, yaws: np.ndarray, whole: bool = False,
         plain: bool = False) -> Callable[[], Any]:
    """Return a call that draws all frames; the whole one with labels and what the spec says."""
    camera = Camera(spec, [room(plain)])
    poses = np.column_stack((np.zeros((len(yaws), 2)), yaws))
    people = np.broadcast_to(np.array(PEOPLE), (len(yaws), len(PEOPLE), 5)).copy()
    if whole:
        turning = np.tile((0.5, 0.0, 0.5), (len(yaws), 1))
        return lambda: camera.capture(poses, None, people, turning)
    shape = (len(yaws), spec.height, spec.width)
    rgb, depth = np.empty((*shape, 3), np.uint8), np.empty(shape, np.float32)
    label, index = np.empty((len(yaws), 0, spec.width), np.uint8), np.zeros(len(yaws), np.int64)
    plane = camera.lens.plane
    arguments = (camera.atlas.maps.arrays, camera.atlas.arrays, camera._textures, plane,
                 columns_of(plane), index, poses[:, None].copy(), CAMERA_HEIGHT, people, rgb,
                 depth, label)
    return lambda: render_batch(*arguments)


def mujoco_peer(spec: CameraSpec, yaws: np.ndarray, fast: bool) -> Callable[[], Any]:
    """
    Return the same call for MuJoCo.

    :param fast: without shadows and antialiasing, colour and depth read from one pass; else as
        its Renderer does by default.
    """
    # A software OpenGL must not take a second core.
    os.environ.setdefault('MUJOCO_GL', 'egl')
    os.environ.setdefault('LP_NUM_THREADS', '0')
    import mujoco

    x, y, z = SIZE[0] / 2, SIZE[1] / 2, 2.6
    geoms = [f'<geom type="plane" size="{x} {y} 1" material="floor"/>']
    for px, py, lx, ly in ((x + .05, 0, .05, y), (-x - .05, 0, .05, y), (0, y + .05, x, .05),
                           (0, -y - .05, x, .05)):
        geoms.append(f'<geom type="box" pos="{px} {py} {z / 2}" size="{lx} {ly} {z / 2}" '
                     'material="wall"/>')
    for bx, by, yaw, length, width, height, _ in BOXES:
        geoms.append(f'<geom type="box" pos="{bx} {by} {height / 2}" euler="0 0 '
                     f'{np.degrees(yaw)}" size="{length / 2} {width / 2} {height / 2}"/>')
    for cx, cy, radius, height in [c[:4] for c in CYLINDERS] + [
            [p[0], p[1], p[4], 1.75] for p in PEOPLE]:
        geoms.append(f'<geom type="cylinder" pos="{cx} {cy} {height / 2}" '
                     f'size="{radius} {height / 2}" rgba=".4 .3 .6 1"/>')
    quality = '<visual><quality shadowsize="0" offsamples="0"/></visual>' if fast else ''
    fovy = np.degrees(2 * np.arctan(0.5 * spec.height / spec.focal))
    model = mujoco.MjModel.from_xml_string(f"""<mujoco><asset>
        <texture name="t" type="2d" builtin="checker" width="256" height="256"/>
        <material name="floor" texture="t" texrepeat="4 4"/>
        <material name="wall" texture="t" texrepeat="2 2"/></asset>
        {quality}
        <worldbody><light pos="0 0 2.5" castshadow="{str(not fast).lower()}"/>{''.join(geoms)}
        <body mocap="true" name="eye"><camera name="eye" fovy="{fovy}"/></body>
        </worldbody></mujoco>""")
    data = mujoco.MjData(model)
    renderer = mujoco.Renderer(model, spec.height, spec.width)
    rgb = np.empty((spec.height, spec.width, 3), np.uint8)
    depth = np.empty((spec.height, spec.width), np.float32)
    view = mujoco.MjrRect(0, 0, spec.width, spec.height)

    near, far = (v * model.stat.extent for v in (model.vis.map.znear, model.vis.map.zfar))

    def shoot() -> np.ndarray:
        if fast:
            # Other renderers of this process have their own context.
            renderer._gl_context.make_current()
            mujoco.mjr_render(view, renderer._scene, renderer._mjr_context)
            mujoco.mjr_readPixels(rgb, depth, view, renderer._mjr_context)
            # The buffer holds near / z, 1 at the near plane and 0 at the far one.
            return (near / (depth * (1.0 - near / far) + near / far))[::-1]
        renderer.disable_depth_rendering()
        renderer.render()
        renderer.enable_depth_rendering()
        return renderer.render()

    def draw() -> np.ndarray:
        drawn = []
        for yaw in yaws:
            # MuJoCo's camera looks along its -z with y up.
            right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
            ahead = np.array([np.cos(yaw), np.sin(yaw), 0.0])
            rotation = np.column_stack((right, (0.0, 0.0, 1.0), -ahead))
            mujoco.mju_mat2Quat(data.mocap_quat[0], rotation.ravel())
            data.mocap_pos[0] = (0.0, 0.0, CAMERA_HEIGHT)
            mujoco.mj_forward(model, data)
            renderer.update_scene(data, 'eye')
            drawn.append(shoot())
        return np.stack(drawn)

    return draw


def check_same_view(theirs: np.ndarray, spec: CameraSpec, yaws: np.ndarray) -> None:
    """Make sure that the peer draws the same room: depth of nearly all pixels agrees."""
    poses = np.column_stack((np.zeros((len(yaws), 2)), yaws))
    people = np.broadcast_to(np.array(PEOPLE), (len(yaws), len(PEOPLE), 5))
    depth = Camera(spec, [room()]).render(poses, None, people).depth
    share = np.mean(np.abs(theirs - depth) < 0.02 * depth)
    if share < 0.95:
        raise RuntimeError(f'only {share:.0%} of its pixels have the depth of ours')


def rates(calls: dict[str, tuple[Callable[[], Any], int]], rounds: int) -> dict[str, list[float]]:
    """Frames a second of processor time (all threads') of each call in each round, in turn."""
    out: dict[str, list[float]] = {name: [] for name in calls}
    for call, _ in calls.values():
        call()
    for _ in range(rounds):
        for name, (call, frames) in calls.items():
            begun = time.process_time()
            call()
            out[name].append(frames / (time.process_time() - begun))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    if hasattr(os, 'sched_setaffinity'):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    parser.add_argument('--frames', type=int, default=16, help='frames in a batch')
    parser.add_argument('--rounds', type=int, default=15, help='repetitions')
    args = parser.parse_args()
    spec = CameraSpec(mount=(0.0, 0.0, CAMERA_HEIGHT))
    pitched = CameraSpec(mount=(0.0, 0.0, CAMERA_HEIGHT), pitch=0.2)
    yaws = np.linspace(-np.pi, np.pi, args.frames, endpoint=False)
    large = CameraSpec(mount=(0.0, 0.0, CAMERA_HEIGHT), width=640, height=480)
    noisy = {'read_noise': 2.0, 'shot_noise': 4.0, 'vignette': 0.3, 'blur': 0.7,
             'exposure_time': 0.01, 'auto_exposure': 0.2, 'depth_noise': 0.002,
             'depth_dropout': 0.01}
    every = {**noisy, 'distortion': (-0.2, 0.05, 0.0, 0.0, 0.0), 'readout_time': 0.02}
    calls = {'ours': (ours(spec, yaws), args.frames),
             'ours, like for like': (ours(spec, yaws, plain=True), args.frames),
             'ours, pitched 0.2 rad': (ours(pitched, yaws), args.frames),
             'ours, labels and measured depth': (ours(spec, yaws, True), args.frames),
             'ours, noise, blur and exposure': (
                 ours(replace(spec, **noisy), yaws, True), args.frames),
             'ours, every effect': (ours(replace(spec, **every), yaws, True), args.frames),
             'ours, one frame a call': (ours(spec, yaws[:1]), 1),
             'ours, 640x480, one a call': (ours(large, yaws[:1], True), 1),
             'ours, 640x480, noise and blur': (ours(replace(large, **noisy), yaws[:1], True), 1),
             'ours, 640x480, every effect': (ours(replace(large, **every), yaws[:1], True), 1)}
    absent = ''
    try:
        few = yaws[::max(1, args.frames // 16)]
        for name, fast in (('default', False), ('fastest', True)):
            peer = mujoco_peer(spec, few, fast)
            check_same_view(peer(), spec, few)
            calls[f'mujoco (EGL), {name}'] = (peer, len(few))
    except Exception as error:
        absent = f'mujoco is absent or cannot draw here: {type(error).__name__}: {error}'
    print(f'{platform.processor() or platform.machine()}, one thread, 320x240 RGB + depth')
    found = rates(calls, args.rounds)
    for name, values in found.items():
        print(f'{name:34s} {np.median(values):8.0f} frames/s')
    if absent:
        print(absent)
        return
    for mine, name in (('ours', 'default'), ('ours', 'fastest'),
                       ('ours, like for like', 'fastest')):
        ratio = np.median(np.array(found[mine]) / np.array(found[f'mujoco (EGL), {name}']))
        print(f'{mine} / mujoco, {name}: {ratio:.1f} (goal {GOAL:g})')


if __name__ == '__main__':
    main()
