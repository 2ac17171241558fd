from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from synth_nodes.envs.docking_senses import (
    DOCK_CAMERA,
    hide,
    SensesSettings,
    SensesTask,
    SUBSETS,
)
from synth_nodes.envs.docking_settings import DockingSettings
from synth_nodes.export.onnx import export_policy
from synth_nodes.export.parity import check_parity, ParityError
from synth_nodes.infer.session import load_policy
from synth_nodes.policy.docking_senses import senses_contract
from synth_nodes.policy.senses_network import NAMES, SensesPolicy
from synth_nodes.tasks.dock_senses import SENSES
from synth_nodes.train.docking_senses import subset_name
from synth_nodes.types import RobotSpec

SETTINGS = SensesSettings(
    replace(SensesSettings().docking, layouts=('rooms',), scenes=1, docks=1),
    replace(DOCK_CAMERA, width=16, height=16))
CONTRACT = senses_contract(SETTINGS.docking.robot, SETTINGS.docking.lidar, SETTINGS.camera,
                           SETTINGS.observation)
MASKS = list(product((0.0, 1.0), repeat=3))
PARTS = tuple(SENSES.values())


def network():
    torch.manual_seed(0)
    net = SensesPolicy(SETTINGS.camera, SETTINGS.observation, RobotSpec(), hidden=16)
    return net.eval()


def inputs(count=3):
    rng = np.random.default_rng(0)
    sizes = {t.name: [count if isinstance(n, str) else n for n in t.shape]
             for t in CONTRACT.inputs}
    return {name: rng.uniform(0.1, 1.0, size).astype(np.float32) for name, size in sizes.items()}


@pytest.fixture(scope='module')
def exported(tmp_path_factory):
    net, folder = network(), tmp_path_factory.mktemp('policy')
    export_policy(net, CONTRACT, folder)
    return net, folder


@pytest.mark.parametrize('mask', MASKS)
def test_the_graph_decides_as_the_network_whatever_is_missing(exported, mask):
    net, folder = exported
    content = (folder / 'policy.onnx').read_bytes()
    missing = {name: np.array(np.nan) for k, names in enumerate(PARTS) for name in names
               if not mask[k]}
    fixed = {'present': np.array(mask), **missing}
    assert check_parity(net, content, CONTRACT, 16, fixed=fixed) <= 1e-5
    if any(mask):
        there = next(names[0] for k, names in enumerate(PARTS) if mask[k])
        with pytest.raises(ParityError):
            check_parity(net, content, CONTRACT, 16, fixed={**fixed, there: np.array(np.nan)})


def test_what_is_missing_counts_not_and_what_is_there_does():
    net = network()
    for mask in MASKS:
        seen = {**inputs(), 'present': np.tile(np.array(mask, np.float32), (3, 1))}
        command = net.act(seen)
        for k, names in enumerate(PARTS):
            other = {**seen, **{name: 1.0 - seen[name] for name in names}}
            assert np.array_equal(net.act(other), command) != bool(mask[k])
        assert (command == 0.0).all() == (not any(mask))


def test_left_and_right_are_swapped_in_all_parts():
    seen = {name: torch.from_numpy(part) for name, part in inputs().items()}
    swapped, command = SensesPolicy.mirrored(seen, torch.ones(3, 2))
    assert list(swapped) and set(swapped) == set(NAMES)
    again, back = SensesPolicy.mirrored(swapped, command)
    assert all(torch.equal(again[n], seen[n]) for n in NAMES) and torch.equal(
        back, torch.ones(3, 2))
    assert command[0].tolist() == [1.0, -1.0] and torch.equal(
        swapped['image'][:, :, 0], seen['image'][:, :, -1])
    assert torch.equal(swapped['marker'][:, 1], -seen['marker'][:, 1])


def test_the_pair_of_files_says_camera_and_lidar_and_is_loaded(exported):
    net, folder = exported
    session = load_policy(folder, RobotSpec(), lidar=SETTINGS.docking.lidar,
                          camera=SETTINGS.camera)
    assert session.contract.camera == SETTINGS.camera
    assert session.contract.observation == SETTINGS.observation
    seen = inputs()
    assert session.act(seen) == pytest.approx(net.act(seen), abs=1e-5)


def test_every_episode_has_some_sensors_and_a_fixed_set_blanks_the_others():
    task = SensesTask(SETTINGS)
    robots = task.robots(np.zeros(40, np.int64), 0)
    seen = {n: np.zeros((40, *low.shape), np.float32) for n, (low, _) in task.bounds().items()}
    robots.begin(np.arange(40))
    robots.observe(seen)
    assert len(np.unique(seen['present'], axis=0)) == len(SUBSETS) == 7
    assert seen['image'].any(axis=(1, 2, 3)).all() and seen['scan'].any(axis=(1, 2)).all()
    assert np.abs(seen['marker'][:, :2] - robots.dock[:, :2]).max() < 0.5
    assert np.abs(seen['goal'][:, :2] - robots.dock[:, :2]).max() < 0.08
    lidar = {n: p.copy() for n, p in seen.items()}
    lidar['present'][:] = (0.0, 1.0, 0.0)
    hide(lidar)
    assert not lidar['image'].any() and not lidar['goal'].any() and lidar['scan'].any()
    assert subset_name((0.0, 1.0, 1.0)) == 'lidar + odometry'


def test_defaults_keep_the_dock_in_sight_of_the_camera():
    rules, plain = SensesSettings().docking.rules, DockingSettings().rules
    aside = np.arctan(rules.aside)
    assert aside + rules.swing <= DOCK_CAMERA.horizontal_fov / 2 < aside + plain.swing
