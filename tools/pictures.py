"""
Draw the pictures of ``docs/gallery.md``: ``python tools/pictures.py [--out docs/images]``.

Frames, scans and scenes come from the package itself, from fixed seeds, so that the same version
draws the same pictures. Each file stays below 200 kB.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import matplotlib
from matplotlib.patches import Circle
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from synth_nodes.sensors.camera import Camera
from synth_nodes.sensors.camera_spec import CameraSpec, LABELS
from synth_nodes.sensors.lidar import Lidar
from synth_nodes.types import LidarSpec, RobotSpec
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.building import generate_building
from synth_nodes.world.dressing import DressSettings
from synth_nodes.world.layouts import generate_scene, LAYOUTS
from synth_nodes.world.people import ActorSettings, CartSettings
from synth_nodes.world.scene import Scene
from synth_nodes.world.scene_dress import dress
from synth_nodes.world.solids import draw_scene
from synth_nodes.world.world import World

LIMIT = 200_000
"""Bytes that a picture may have."""
COLOURS = np.array([[170, 200, 230], [120, 120, 120], [205, 195, 170], [240, 200, 40],
                    [150, 100, 60], [60, 140, 90], [200, 60, 60]], np.uint8)
"""Of `LABELS`."""
FLAWS: dict[str, dict[str, Any]] = {
    'as the world is': {},
    'smooth edges: supersample 3': {'supersample': 3},
    'read and shot noise': {'read_noise': 8.0, 'shot_noise': 16.0},
    'blur of the lens': {'blur': 2.0},
    'exposure 0.4, vignette': {'exposure': 0.4, 'vignette': 0.6},
    'smear: 60 ms open, 1 rad/s': {'exposure_time': 0.06},
    'rolling shutter: 0.1 s, 1 rad/s': {'readout_time': 0.1},
    'lens distortion': {'distortion': (-0.28, 0.07, 0.0, 0.0, 0.0)}}


class View(NamedTuple):
    """A place to take frames from: a scene, a pose and the people in it."""

    scene: Scene
    pose: np.ndarray
    actors: np.ndarray


def save(image: np.ndarray, path: Path) -> None:
    """Write an image as a PNG of few colours, smaller where it would be too large."""
    colours = 256
    while True:
        Image.fromarray(image).quantize(colours, dither=Image.Dither.NONE).save(
            path, optimize=True)
        if path.stat().st_size < LIMIT:
            break
        colours //= 2
    print(f'{path} {path.stat().st_size // 1000} kB', flush=True)


def titled(image: np.ndarray, title: str) -> np.ndarray:
    """Put a line of text above an image."""
    head = np.full((22, image.shape[1], 3), 255, np.uint8)
    cv2.putText(head, title, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return np.pad(np.vstack((head, image)), ((0, 4), (0, 4), (0, 0)), constant_values=255)


def table(tiles: list[np.ndarray], columns: int) -> np.ndarray:
    """Lay images of one size out in rows."""
    rows = [np.hstack(tiles[k:k + columns]) for k in range(0, len(tiles), columns)]
    return np.vstack(rows)


def in_colour(depth: np.ndarray, far: float = 8.0) -> np.ndarray:
    """Depth as colours: near is bright, black where there is none."""
    share = np.where(np.isfinite(depth), 1.0 - np.clip(depth / far, 0.0, 1.0), 0.0)
    colours = (matplotlib.colormaps['inferno'](share)[..., :3] * 255).astype(np.uint8)
    colours[~np.isfinite(depth)] = 0
    return colours


def crowded(scene: Scene, seed: int) -> World:
    """Put people, and carts on tracks, into many worlds of a scene, and let them walk."""
    carts = CartSettings(count=2 if scene.name.startswith('track') else 0)
    world = World(MapAtlas.build([scene]), RobotSpec(), ActorSettings(count=4), 48, seed,
                  carts=carts)
    for _ in range(80):
        world.step(np.zeros((48, 3)), 0.05)
    return world


def best_view(scene: Scene, seed: int) -> View:
    """Choose of many places the one that shows most kinds of things, people among them."""
    world = crowded(scene, seed)
    camera = Camera(CameraSpec(width=64, height=48), [scene])
    frames = camera.render(world.pose, np.zeros(48, int), world.actors)
    share = np.stack([(frames.label == k).mean(axis=(1, 2)) for k in range(len(LABELS))], axis=1)
    score = np.minimum(share, 0.08).sum(axis=1) + np.minimum(share[:, -1], 0.08)
    score -= (frames.depth < 0.6).mean(axis=(1, 2))
    k = int(score.argmax())
    return View(scene, world.pose[k:k + 1].copy(), world.actors[k:k + 1].copy())


def office(seed: int) -> Scene:
    """Dress a generated building."""
    return dress(generate_building(seed, 14.0, 10.0), seed, DressSettings(boxes=9, cylinders=5))


def draw_channels(out: Path) -> None:
    """Colour, depth and labels of one moment."""
    view = best_view(office(2), 2)
    frames = Camera(CameraSpec(), [view.scene]).render(view.pose, None, view.actors)
    save(table([titled(frames.rgb[0], 'colour'),
                titled(in_colour(frames.depth[0]), 'depth, bright is near'),
                titled(COLOURS[frames.label[0]], 'labels')], 3), out / 'camera_channels.png')


def draw_flaws(out: Path) -> None:
    """Show what lens, shutter and sensor do to one moment."""
    view = best_view(office(3), 3)
    spec, turning = CameraSpec(width=280, height=210), np.array([[0.0, 0.0, 1.0]])
    tiles = []
    for title, flaw in FLAWS.items():
        camera = Camera(replace(spec, **flaw), [view.scene], 1)
        tiles.append(titled(camera.capture(view.pose, None, view.actors, turning).rgb[0], title))
    save(table(tiles, 4), out / 'camera_flaws.png')
    noisy = replace(spec, depth_noise=0.01, depth_dropout=0.02, depth_min=0.6, depth_max=6.0)
    tiles = []
    for title, one in (('true depth', spec), ('measured: noise, holes, 0.6 to 6 m', noisy)):
        camera = Camera(one, [view.scene], 1)
        frames = camera.render(view.pose, None, view.actors) if one is spec else (
            camera.capture(view.pose, None, view.actors))
        tiles.append(titled(in_colour(frames.depth[0]), title))
    save(table(tiles, 2), out / 'camera_depth.png')


def draw_frames(out: Path) -> None:
    """Show what cameras see in dressed buildings and in generated scenes."""
    spec = CameraSpec(width=280, height=210, pitch=0.08, supersample=2)
    scenes = {f'building {k}': office(k) for k in range(3)}
    scenes |= {name: generate_scene(name, 1) for name in LAYOUTS}
    tiles = []
    for k, (name, scene) in enumerate(scenes.items()):
        view = best_view(scene, k)
        frames = Camera(spec, [scene]).render(view.pose, None, view.actors)
        tiles.append(titled(frames.rgb[0], name))
    save(table(tiles[:6], 3), out / 'frames_1.png')
    save(table(tiles[6:], 3), out / 'frames_2.png')


def plan(axes: Any, scene: Scene, actors: np.ndarray) -> None:
    """Draw a scene from above: walls and solids, lines, people and carts."""
    solid = draw_scene(scene).solid()
    grid = scene.grid
    height, width = solid.shape
    axes.imshow(np.where(solid, 0.25, 0.97), cmap='gray', vmin=0, vmax=1, origin='lower',
                extent=(0.0, width * grid.resolution, 0.0, height * grid.resolution))
    for line in scene.lines:
        axes.plot(*line.points.T, color='goldenrod', linewidth=1.5)
    for x, y, vx, vy, radius in actors:
        cart = radius > 0.35
        axes.add_patch(Circle((x, y), radius, color='tab:blue' if cart else 'tab:red'))
        axes.arrow(x, y, vx, vy, width=0.03, head_width=0.2, color='black')
    axes.set_xlim(0.0, width * grid.resolution)
    axes.set_ylim(0.0, height * grid.resolution)
    axes.set_aspect('equal')
    axes.tick_params(labelsize=6)


def finish(figure: Any, path: Path) -> None:
    """Write a figure."""
    figure.tight_layout()
    figure.canvas.draw()
    save(np.asarray(figure.canvas.buffer_rgba())[..., :3].copy(), path)
    plt.close(figure)


def draw_scenes(out: Path) -> None:
    """All generators' scenes from above, with people (red) and carts (blue)."""
    scenes = {name: generate_scene(name, 1) for name in LAYOUTS} | {'dressed building': office(2)}
    figure, places = plt.subplots(-(-len(scenes) // 5), 5, figsize=(14.0, 4.6), dpi=80)
    for unused in places.flat[len(scenes):]:
        unused.axis('off')
    for axes, (name, scene) in zip(places.flat, scenes.items(), strict=False):
        world = crowded(scene, 4)
        plan(axes, scene, world.actors[0])
        axes.set_title(name, fontsize=8)
    finish(figure, out / 'scenes.png')


def draw_scans(out: Path) -> None:
    """Draw scans of three scenes, each on the plan of its scene."""
    figure, places = plt.subplots(1, 3, figsize=(12.0, 3.6), dpi=80)
    for k, (axes, name) in enumerate(zip(places, ('rooms', 'warehouse', 'clutter'), strict=True)):
        scene = generate_scene(name, 1)
        world = crowded(scene, 5)
        atlas = MapAtlas.build([scene])
        spec = LidarSpec()
        x, y, yaw = world.pose[k]
        ranges = Lidar(spec, atlas, 1).scan(world.pose[k:k + 1], np.zeros(1, int),
                                            world.actors[k:k + 1])[0]
        mount_x, mount_y, mount_yaw = spec.mount
        angle = spec.angles + yaw + mount_yaw
        x += np.cos(yaw) * mount_x - np.sin(yaw) * mount_y
        y += np.sin(yaw) * mount_x + np.cos(yaw) * mount_y
        plan(axes, scene, world.actors[k])
        seen = np.isfinite(ranges)
        axes.plot(x + ranges[seen] * np.cos(angle[seen]), y + ranges[seen] * np.sin(angle[seen]),
                  '.', color='tab:green', markersize=3)
        axes.plot(x, y, '^', color='tab:green', markersize=8)
        axes.set_title(f'{name}: {len(ranges)} beams, {int(seen.sum())} returns', fontsize=8)
    finish(figure, out / 'scans.png')


def main() -> None:
    """Draw all pictures."""
    parser = argparse.ArgumentParser(description='Draw the pictures of docs/gallery.md.')
    parser.add_argument('--out', type=Path, default=Path('docs/images'), help='folder to fill')
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    matplotlib.use('Agg')
    for draw in (draw_channels, draw_flaws, draw_frames, draw_scenes, draw_scans):
        draw(args.out)


if __name__ == '__main__':
    main()
