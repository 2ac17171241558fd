import math
from pathlib import Path

import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import numpy as np
import pytest
import yaml

from synth_nodes.errors import InputError
from synth_nodes.types import GridMap
from synth_nodes.world.images import decode_image, encode_pgm
from synth_nodes.world.map_io import load_map, MapMeta, occupancy_from_shade, save_map

META = {'image': 'm.pgm', 'resolution': 0.05, 'origin': [1.0, -2.0, 0.5], 'negate': 0,
        'occupied_thresh': 0.65, 'free_thresh': 0.25}
shades_u8 = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8))


def write_map(folder: Path, shades: np.ndarray | bytes | None = None, **changes: object) -> Path:
    """Write a map; a change to None drops that key."""
    if shades is None:
        shades = np.array([[0, 254], [205, 100]], np.uint8)
    data = shades if isinstance(shades, bytes) else encode_pgm(shades)
    meta = {k: v for k, v in {**META, **changes}.items() if v is not None}
    (folder / str(meta.get('image', 'm.pgm'))).write_bytes(data)
    (folder / 'm.yaml').write_text(yaml.safe_dump(meta))
    return folder / 'm.yaml'


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_map(path)
    message = str(caught.value)
    assert '\n' not in message
    return message


def meta(mode: str, low: float, high: float, negate: bool) -> MapMeta:
    return MapMeta(Path('x'), 0.05, (0.0, 0.0, 0.0), negate, high, low, mode)


def published_rule(
    pixel: int, alpha: int | None, mode: str, low: float, high: float, negate: bool,
) -> int:
    """One grey pixel by map_server's documented rule, written for scalars."""
    channels = [pixel, pixel, pixel]
    if mode == 'trinary' and alpha is not None:
        channels.append(alpha)
    shade = sum(channels) / len(channels) / 255
    occ = shade if negate else 1 - shade
    if mode == 'raw':
        return pixel if pixel <= 100 else -1
    if mode == 'scale' and alpha is not None and alpha < 255:
        return -1
    if occ > high:
        return 100
    if occ < low:
        return 0
    return -1 if mode == 'trinary' else round(100 * (occ - low) / (high - low))


@given(
    pixels=st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), min_size=1, max_size=30),
    mode=st.sampled_from(('trinary', 'scale', 'raw')), with_alpha=st.booleans(),
    low=st.integers(1, 49), high=st.integers(51, 99), negate=st.booleans())
def test_modes_follow_the_rules_of_map_server(pixels, mode, with_alpha, low, high, negate):
    # Thresholds of a third decimal keep clear of ties, where rounding alone would decide.
    low, high = low / 100 + 0.0013, high / 100 - 0.0013
    grey, alpha = np.array(pixels, float).T / 255
    got = occupancy_from_shade(
        grey[None], alpha[None] if with_alpha else None, meta(mode, low, high, negate))
    want = [published_rule(p, a if with_alpha else None, mode, low, high, negate)
            for p, a in pixels]
    np.testing.assert_allclose(got[0], want, atol=1 if mode == 'scale' else 0)


@settings(max_examples=50)
@given(
    cells=hnp.arrays(np.int8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=20),
                     elements=st.sampled_from((-1, 0, 100))),
    resolution=st.floats(0.001, 10.0),
    origin=st.tuples(*[st.floats(-1e6, 1e6)] * 2, st.floats(-math.pi, math.pi)))
def test_trinary_map_survives_save_and_load(tmp_path_factory, cells, resolution, origin):
    folder = tmp_path_factory.mktemp('map')
    path = save_map(GridMap(cells, resolution, origin), folder, 'office')
    back = load_map(path)
    np.testing.assert_array_equal(back.occupancy, cells)
    assert (back.resolution, back.origin, back.name) == (resolution, origin, 'office')
    assert sorted(p.name for p in folder.iterdir()) == ['office.pgm', 'office.yaml']


def test_first_image_row_is_highest_y_and_yaw_turns_the_map(tmp_path):
    grid = load_map(write_map(tmp_path, np.array([[0, 254], [254, 254]], np.uint8)))
    assert grid.occupancy.tolist() == [[0, 0], [100, 0]]
    upper_left = np.array([0.5, 1.5]) * 0.05
    c, s = math.cos(0.5), math.sin(0.5)
    expected = np.array([[c, -s], [s, c]]) @ upper_left + (1.0, -2.0)
    np.testing.assert_allclose(grid.to_map(np.array([0.5, 1.5])), expected)


@given(shades=shades_u8, comment=st.sampled_from(('', '# by hand\n')))
def test_plain_and_binary_pgm_agree(shades, comment):
    height, width = shades.shape
    text = f'P2\n{comment}{width} {height}\n255\n' + ' '.join(map(str, shades.ravel()))
    plain, _ = decode_image(text.encode())
    binary, _ = decode_image(encode_pgm(shades))
    np.testing.assert_array_equal(plain, binary)
    np.testing.assert_allclose(binary * 255, shades)


def test_pgm_brightness_is_relative_to_its_largest_value():
    shade, _ = decode_image(b'P5 2 1 1000\n' + np.array([0, 500], '>u2').tobytes())
    assert shade.tolist() == [[0.0, 0.5]]


def test_png_of_grey_colour_and_16_bit_load_alike(tmp_path):
    grey = np.array([[0, 254], [205, 100]], np.uint8)
    images = (grey, np.repeat(grey[..., None], 3, axis=2), grey.astype(np.uint16) * 257)
    loaded = []
    for pixels in images:
        data = cv2.imencode('.png', pixels)[1].tobytes()
        loaded.append(load_map(write_map(tmp_path, data, image='m.png', free_thresh=0.19)))
    for grid in loaded:
        assert grid.occupancy.tolist() == [[-1, -1], [100, 0]]


def test_alpha_makes_scale_unknown_and_is_averaged_in_trinary(tmp_path):
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, :, 3] = (255, 254, 0)
    pixels[0, 2, :3] = 255
    data = cv2.imencode('.png', pixels)[1].tobytes()
    scale = load_map(write_map(tmp_path, data, image='m.png', mode='scale'))
    assert scale.occupancy.tolist() == [[100, -1, -1]]
    trinary = load_map(write_map(tmp_path, data, image='m.png', free_thresh=0.2))
    assert trinary.occupancy.tolist() == [[100, 100, -1]]


def test_numbers_in_exponent_form_and_boolean_negate_are_taken(tmp_path):
    path = write_map(tmp_path)
    text = path.read_text().replace('resolution: 0.05', 'resolution: 5e-2')
    path.write_text(text.replace('negate: 0', 'negate: true'))
    grid = load_map(path)
    assert grid.resolution == 0.05
    assert grid.occupancy.tolist() == [[100, -1], [0, 100]]


def test_saved_grades_become_trinary_as_map_saver_does(tmp_path):
    cells = np.array([[0, 20, 21, 64, 65, 100, -1]], np.int8)
    grid = load_map(save_map(GridMap(cells, 0.1), tmp_path / 'new', 'a'))
    assert grid.occupancy.tolist() == [[0, 0, -1, -1, 100, 100, -1]]


@pytest.mark.parametrize('key', sorted(META))
def test_missing_key_is_named(tmp_path, key):
    assert f"'{key}' is missing" in refused(write_map(tmp_path, **{key: None}))


@pytest.mark.parametrize(('key', 'value'), [
    ('image', 7), ('resolution', 'fine'), ('resolution', 0.0), ('resolution', -0.05),
    ('resolution', True), ('resolution', math.nan), ('origin', [0.0, 0.0]), ('origin', 'here'),
    ('origin', [0.0, 0.0, math.inf]), ('origin', [0.0, None, 0.0]), ('negate', 'no way'),
    ('occupied_thresh', [1]), ('occupied_thresh', 0.2), ('occupied_thresh', 1.5),
    ('free_thresh', -0.1), ('mode', 'grey'), ('mode', ['raw'])])
def test_wrong_value_is_named(tmp_path, key, value):
    path = write_map(tmp_path)
    path.write_text(yaml.safe_dump({**META, key: value}))
    assert key in refused(path)


@pytest.mark.parametrize('text', ['', '- 1\n- 2\n', 'just words', 'a: [1\n', 'a: \x00'])
def test_yaml_without_a_map_is_refused(tmp_path, text):
    (tmp_path / 'm.yaml').write_text(text)
    assert 'm.yaml' in refused(tmp_path / 'm.yaml')


def test_missing_files_are_named(tmp_path):
    assert 'none.yaml' in refused(tmp_path / 'none.yaml')
    path = write_map(tmp_path)
    (tmp_path / 'm.pgm').unlink()
    assert 'm.pgm' in refused(path)


def png(pixels: np.ndarray) -> bytes:
    return cv2.imencode('.png', pixels)[1].tobytes()


NOISE = np.random.default_rng(0).integers(0, 255, (40, 40), dtype=np.uint8)


@pytest.mark.parametrize('data', [
    b'', b'P5', b'P5 0 0 255\n', b'P5 4 4 0\n' + bytes(16), b'P5 4 4 255\n' + bytes(15),
    b'P5 4 x 255\n' + bytes(16), b'P5 2 1 9\n\x0a\x01', b'P2 2 1 255\n1', b'P2 2 1 255\n1 a',
    b'P5 99999999 99999999 255\n\0', b'hello', png(NOISE)[:300], png(NOISE)[:20],
    png(NOISE)[:100] + bytes(30) + png(NOISE)[130:], cv2.imencode('.bmp', NOISE)[1].tobytes()[:99],
], ids=range(15))
def test_broken_image_is_one_line_and_nothing_printed(tmp_path, capfd, data):
    message = refused(write_map(tmp_path, data))
    assert 'corrupt' in message or 'empty' in message
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize('name', ['', '.', '..', 'a/b', '/a'])
def test_map_name_must_be_a_file_name(tmp_path, name):
    with pytest.raises(InputError, match='file name'):
        save_map(GridMap(np.zeros((2, 2), np.int8), 0.1), tmp_path, name)


def test_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(InputError, match='cannot be written'):
        save_map(GridMap(np.zeros((2, 2), np.int8), 0.1), tmp_path / 'file', 'a')


@pytest.mark.parametrize(('name', 'shape', 'free', 'occupied'), [
    ('depot', (307, 604), 179481, 5947), ('tb3_sandbox', (384, 384), 7903, 870),
    ('warehouse', (1674, 1006), 1422292, 30951)])
def test_maps_of_nav2_load(shared_data, name, shape, free, occupied):
    grid = load_map(shared_data / 'maps' / f'{name}.yaml')
    assert grid.occupancy.shape == shape
    assert int((grid.occupancy == 0).sum()) == free
    assert int((grid.occupancy == 100).sum()) == occupied
