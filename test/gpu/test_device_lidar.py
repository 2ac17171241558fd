import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.gpu.device import open_device
from synth_nodes.sensors.lidar import Lidar
from synth_nodes.sensors.scan_settings import ScanEffects
from synth_nodes.types import GridMap, LidarSpec
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.building import generate_building
from synth_nodes.world.layouts import generate_scene

wp = pytest.importorskip('warp', reason='needs the extra gpu-sim (NVIDIA Warp)')
pytest.importorskip('torch', reason='needs torch')
CLEAN = {'noise_std': 0.0, 'noise_slope': 0.0, 'dropout': 0.0, 'range_min': 0.0}
BATCH = 240


@pytest.fixture(scope='module')
def device():
    return open_device('cpu')


@pytest.fixture(scope='module')
def atlas():
    rng = np.random.default_rng(3)
    speckled = np.where(rng.random((60, 80)) < 0.05, 100, 0).astype(np.int8)
    return MapAtlas.build([
        generate_scene('clutter', 0), generate_building(3), generate_scene('warehouse', 1),
        GridMap(speckled, 0.2, (3.0, -40.0, 0.7))])


@pytest.fixture(scope='module')
def views(atlas):
    """Poses all over the maps, inside solids too, with three discs near each."""
    rng = np.random.default_rng(0)
    index = np.arange(BATCH) % len(atlas.maps)
    size = np.array([m.occupancy.shape[::-1] for m in atlas.maps])[index]
    cells = rng.uniform(-0.02, 1.02, (BATCH, 2)) * size
    points = np.stack([atlas.maps[m].to_map(c) for m, c in zip(index, cells, strict=True)])
    pose = np.column_stack((points, rng.uniform(-7, 7, BATCH)))
    discs = np.zeros((BATCH, 3, 5))
    discs[..., :2] = pose[:, None, :2] + rng.normal(0.0, 2.0, (BATCH, 3, 2))
    discs[..., 4] = rng.uniform(0.05, 0.6, (BATCH, 3))
    return pose, index, discs, rng.normal(0.0, 0.03, (BATCH, 3))


def assert_same(got, wanted):
    got = np.asarray(got)
    same = got == wanted
    np.testing.assert_allclose(got[~same], wanted[~same], rtol=0.0, atol=1e-4)


@pytest.mark.parametrize('spec', [
    LidarSpec(**CLEAN),
    LidarSpec(beams=97, field_of_view=4.0, range_max=3.0, mount=(0.2, -0.1, 0.5), **CLEAN),
    LidarSpec(beams=240, range_max=30.0, noise_std=0.05, noise_slope=0.02, dropout=0.1),
], ids=['plain', 'narrow', 'noisy'])
def test_scans_are_those_of_the_numba_lidar(atlas, views, device, spec):
    from synth_nodes.gpu.lidar import DeviceLidar
    pose, index, discs, offset = views
    host, other = Lidar(spec, atlas, 5), DeviceLidar(Lidar(spec, atlas, 5), device)
    for _ in range(2):
        wanted = host.scan(pose, index, discs, mount_offset=offset)
        assert_same(other.scan(pose, index.astype(np.int32), discs, mount_offset=offset), wanted)
    seen = wanted[np.isfinite(wanted) & (wanted > 0.0)]
    assert seen.size > 0.3 * wanted.size and np.ptp(seen) > 1.0
    assert_same(other.scan(pose, index.astype(np.int32)), host.scan(pose, index))


def test_scan_takes_tensors_and_writes_into_one(atlas, views, device):
    import torch

    from synth_nodes.gpu.lidar import DeviceLidar
    pose, index, _, _ = views
    lidar = DeviceLidar(Lidar(LidarSpec(**CLEAN), atlas), device)
    out = torch.zeros((BATCH, 360))
    at, maps = torch.from_numpy(pose.copy()), torch.from_numpy(index.astype(np.int32))
    scan = lidar.scan(at, maps, out=out)
    assert scan.data_ptr() == out.data_ptr()
    at[:, 2] += 1.0
    lidar.scan(at, maps, out=out)
    assert_same(out, Lidar(LidarSpec(**CLEAN), atlas).scan(at.numpy(), index))


def test_scan_refuses_another_shape(atlas, views, device):
    from synth_nodes.gpu.lidar import DeviceLidar
    pose, index, _, _ = views
    lidar = DeviceLidar(Lidar(LidarSpec(), atlas), device)
    with pytest.raises(InputError, match=r'map_index is int32 of shape \(239,\).*\(240,\)'):
        lidar.scan(pose, index[1:].astype(np.int32))


def test_lidar_refuses_effects_that_only_the_numba_back_end_simulates(atlas, device):
    from synth_nodes.gpu.lidar import DeviceLidar
    with pytest.raises(InputError, match='physical effects'):
        DeviceLidar(Lidar(LidarSpec(), atlas, 0, ScanEffects(motion=True)), device)


def test_kernels_compile_for_cuda_without_a_gpu(device, tmp_path):
    from synth_nodes.gpu.kernels import rays
    wp.compile_aot_module(rays, arch=[80], module_dir=tmp_path)
    assert any('sm80' in f.name or 'sm_80' in f.name for f in tmp_path.iterdir())
