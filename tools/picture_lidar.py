"""Draw what the lidar model does: lidar_effects.png and lidar_layers.png in docs/images/."""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
from matplotlib import pyplot
from matplotlib.patches import Circle, Polygon
import numpy as np
from PIL import Image

from synth_nodes.sensors.layers import directions, LayerLidar
from synth_nodes.sensors.lidar import Lidar
from synth_nodes.sensors.scan_settings import PointsSpec, ScanEffects
from synth_nodes.types import GridMap, LidarSpec
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.scene import MATERIALS, Scene, Surface

SPEC = LidarSpec(beams=720, noise_std=0.005, range_max=14.0)
REAL = ScanEffects(divergence=0.012, sub_beams=15, surfaces=True, power_noise=0.01,
                   pulse_length=1.2)
COLOURS = {'matt': '#9aa3ad', 'black': '#111111', 'glass': '#3aa7e0', 'mirror': '#b06ad9',
           'metal': '#e0a13a', 'reflector': '#3ab54a'}
HERE = np.zeros(1, int)
POSE = np.array([[-0.6, -0.3, 0.2]])


def hall() -> Scene:
    """Build a hall with something of every material in it."""
    cells = np.zeros((160, 220), np.int8)
    cells[[0, 1, -1, -2]] = 100
    cells[:, [0, 1, -1, -2]] = 100
    cells[100:104, 24:90] = 100
    kind = {m: k for k, m in enumerate(MATERIALS)}
    boxes = np.array([
        [3.2, 0.4, 0.0, 0.1, 2.4, 2.0, kind['glass']], [1.6, -3.0, 0.25, 2.4, 0.1, 2.0,
                                                        kind['mirror']],
        [-2.6, -1.6, 0.5, 0.9, 0.6, 0.8, kind['matt']], [4.5, -2.4, 0.3, 0.8, 0.8, 1.2,
                                                         kind['black']],
        [1.2, 2.6, -0.4, 0.7, 0.5, 1.0, kind['metal']]])
    tins = np.array([[0.9, 0.9, 0.09, 1.6, kind['matt']], [-0.2, -2.1, 0.14, 1.2, kind['matt']],
                     [4.6, 3.1, 0.15, 1.5, kind['reflector']],
                     *([x, 0.55, 0.06, 1.2, kind['matt']] for x in (-3.4, -2.9, -2.4, -1.9))])
    patches = np.array([[-5.45, 0.0, np.pi / 2, 3.0, 0.4, kind['black']]])
    return Scene(GridMap(cells, 0.05, (-5.5, -4.0, 0.0), 'hall'),
                 tuple(Surface(material=m) for m in MATERIALS), floor=0, walls=0, ceiling=0,
                 boxes=boxes, cylinders=tins, patches=patches)


def draw_scene(axes: pyplot.Axes, scene: Scene) -> None:
    """Draw the scene from above, solids in the colours of their materials."""
    x, y, _ = scene.grid.origin
    rows, columns = scene.grid.occupancy.shape
    axes.imshow(np.where(scene.grid.solid(), 0.72, 1.0), cmap='gray', vmin=0, vmax=1,
                origin='lower', extent=(x, x + columns * 0.05, y, y + rows * 0.05))
    shapes = [(b, b[3] / 2, b[4] / 2) for b in scene.boxes]
    shapes += [(p, p[3] / 2, p[4] / 2) for p in scene.patches]
    for row, length, width in shapes:
        c, s = np.cos(row[2]), np.sin(row[2])
        corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * (length, width)
        colour = COLOURS[scene.surfaces[int(row[-1])].material]
        axes.add_patch(Polygon(corners @ np.array([[c, s], [-s, c]]) + row[:2], color=colour,
                               alpha=0.85, lw=0))
    for row in scene.cylinders:
        axes.add_patch(Circle(row[:2], row[2], color=COLOURS[
            scene.surfaces[int(row[-1])].material], lw=0))
    axes.set_aspect('equal')
    axes.set_xlim(-6.4, 8.4)
    axes.set_ylim(-9.6, 4.4)
    axes.set_xticks([])
    axes.set_yticks([])


def draw_scan(axes: pyplot.Axes, ranges: np.ndarray, powers: np.ndarray | None) -> None:
    """Draw returns where the sensor believes them to be, in the colour of their power."""
    angle, seen = POSE[0, 2] + SPEC.angles, np.isfinite(ranges)
    x, y = POSE[0, :2, None] + ranges * (np.cos(angle), np.sin(angle))
    shade = np.log10(powers[seen]) if powers is not None else np.zeros(seen.sum())
    axes.scatter(x[seen], y[seen], s=4, c=shade, cmap='autumn_r', vmin=-2.6, vmax=0.5, zorder=3)
    axes.plot(*POSE[0, :2], marker='o', color='#1f77b4', ms=8)


def picture_effects(path: Path) -> None:
    """Draw an ideal scan beside a real one, each with a close look at four poles."""
    scene = hall()
    atlas = MapAtlas.build([scene])
    powers = np.empty((1, SPEC.beams), np.float32)
    ideal = Lidar(SPEC, atlas, 1).scan(POSE, HERE)[0]
    real = Lidar(SPEC, atlas, 1, REAL).scan(POSE, HERE, intensities=powers)[0]
    figure, both = pyplot.subplots(1, 2, figsize=(13, 6.4))
    figure.subplots_adjust(wspace=0.03)
    for axes, ranges, power, title in zip(both, (ideal, real), (None, powers[0]), (
            'plain: every surface scatters, beams are lines',
            'effects: mixed pixels, glass, mirror, dropouts, power'), strict=True):
        near = axes.inset_axes((0.02, 0.03, 0.42, 0.25))
        for part in (axes, near):
            draw_scene(part, scene)
            draw_scan(part, ranges, power)
        near.set_xlim(-3.7, -1.5)
        near.set_ylim(0.3, 1.15)
        axes.indicate_inset_zoom(near, edgecolor='black')
        axes.set_title(title, fontsize=12)
    handles = [pyplot.Line2D([], [], marker='s', ls='', color=c, label=m)
               for m, c in COLOURS.items()]
    figure.legend(handles=handles, loc='lower center', ncols=6, frameon=False,
                  bbox_to_anchor=(0.5, 0.04))
    figure.savefig(path, dpi=80, bbox_inches='tight')
    pyplot.close(figure)


def picture_layers(path: Path) -> None:
    """Draw a cloud of 40 layers among people, by height, and its beams as an image by range."""
    points = PointsSpec(layers=40, elevation_min=-0.5, elevation_max=0.4, height=0.9)
    people = np.array([[[1.8, 0.9, 0.0, 0.0, 0.28], [-2.2, 0.0, 0.0, 0.0, 0.28]]])
    lidar = LayerLidar(SPEC, points, MapAtlas.build([hall()]), 1, REAL)
    ranges = lidar.scan(POSE, HERE, people).ranges[0]
    cloud = (directions(SPEC, points) * ranges[..., None])[np.isfinite(ranges)]
    cloud[:, 2] += points.height
    cloud = cloud[(cloud[:, 2] < 2.5) & (np.abs(cloud[:, :2]).max(axis=1) < 6.5)]
    figure = pyplot.figure(figsize=(11, 7))
    axes = figure.add_axes((-0.22, 0.12, 1.44, 1.0), projection='3d', computed_zorder=False)
    axes.scatter(*cloud.T, s=1.4, c=cloud[:, 2], cmap='viridis', lw=0, depthshade=False)
    axes.set_box_aspect(np.ptp(cloud, axis=0), zoom=1.42)
    axes.view_init(42, -68)
    axes.set_axis_off()
    flat = figure.add_axes((0.02, 0.02, 0.96, 0.17))
    flat.imshow(np.where(np.isfinite(ranges), ranges, np.nan)[:, ::-1], origin='lower',
                aspect='auto', cmap='magma', vmax=8.0)
    flat.set_xticks([])
    flat.set_yticks([])
    figure.savefig(path, dpi=70)
    pyplot.close(figure)
    with Image.open(path) as image:
        small = image.convert('RGB').quantize(48, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def main() -> None:
    """Write both pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, default=Path('docs/images'), help='folder for them')
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    picture_effects(folder / 'lidar_effects.png')
    picture_layers(folder / 'lidar_layers.png')


if __name__ == '__main__':
    main()
