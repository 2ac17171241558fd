from dataclasses import replace

import numpy as np
import pytest
import torch

from synth_nodes.envs.line_camera import LineCameraTask
from synth_nodes.envs.settings import LINE_CAMERA, LineCameraSettings
from synth_nodes.errors import InputError
from synth_nodes.export.onnx import export_policy
from synth_nodes.infer.session import load_policy
from synth_nodes.policy.camera_networks import CameraPolicy
from synth_nodes.sensors.image_chance import ChanceFlaws
from synth_nodes.tasks.line_following import END_GAP, is_end, steer
from synth_nodes.train.clone import CloneFitter, CloneSettings, Lesson
from synth_nodes.train.evaluate_line import evaluate_line, summary, tracks
from synth_nodes.train.fit import torch_threads
from synth_nodes.train.line_camera import train_line_camera
from synth_nodes.train.progress import never, silent
from synth_nodes.types import RobotSpec

TASK = LineCameraSettings()
SMALL = replace(LINE_CAMERA, width=16, height=16)


def test_the_expert_steers_towards_the_line_and_stops_at_its_end():
    robot, ahead = RobotSpec(), np.array([[0.35, 0.0], [0.35, 0.1], [0.35, -0.1]])
    speed, turn = steer(ahead, np.full(3, np.inf), 0.5, robot).T
    assert turn[0] == 0.0 and turn[1] > 0.0 and turn[1] == -turn[2]
    assert speed.tolist() == [0.5] * 3
    assert not steer(ahead, np.full(3, END_GAP), 0.5, robot).any()
    sharp = steer(np.array([[0.05, 0.2]]), np.array([np.inf]), 0.8, robot)
    assert sharp[0, 1] == pytest.approx(robot.max_turn_rate)


def test_a_closed_line_has_no_end():
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 0]], float)
    assert not is_end(square[0], square)
    assert is_end(square[2], square[:3]) and not is_end(square[1], square[:3])


def test_the_expert_drives_the_suite_on_the_line():
    runs = evaluate_line(None, TASK, 2)
    assert [run.success for run in runs] == [True, True]
    scores = summary(runs)
    assert scores['success'] == 1.0 and scores['mean_error'] < 0.01
    assert runs[0].last.std() > 3.0


def test_a_policy_that_stands_still_fails_the_suite():
    still = evaluate_line(lambda seen: np.zeros((len(seen['image']), 2)),
                          replace(TASK, line=replace(TASK.line, rules=replace(
                              TASK.line.rules, length=1.0, patience=1.0))), 2)
    assert summary(still)['success'] == 0.0


def test_flaws_are_drawn_for_every_image_and_repeat_with_the_seed():
    image = np.full((2, 64, 64, 3), 120, np.uint8)
    first = ChanceFlaws(3)(image)
    assert (ChanceFlaws(3)(image) == first).all() and (image == 120).all()
    assert abs(float(first[0].mean()) - float(first[1].mean())) > 1.0


def test_the_same_seed_trains_the_same_weights_and_the_pair_is_loaded(tmp_path):
    settings = replace(CloneSettings(), robots=4, rounds=2, steps=10, epochs=1, final_epochs=1)
    task = replace(TASK, camera=SMALL)
    first, second = (train_line_camera(settings, task, scenes=2) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(
        first.net.state_dict().values(), second.net.state_dict().values(), strict=True))
    export_policy(first.net, first.contract, tmp_path)
    session = load_policy(tmp_path, RobotSpec(), camera=SMALL)
    image = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3))
    assert session.act({'image': image}) == pytest.approx(
        first.net.act({'image': image}), abs=1e-4)
    with pytest.raises(InputError, match=r'camera\.width'):
        load_policy(tmp_path, RobotSpec(), camera=LINE_CAMERA)


@pytest.mark.parametrize('half', [False, True])
def test_fitting_lowers_the_loss_in_full_and_half_precision(half):
    rng = np.random.default_rng(0)
    command = rng.uniform(-0.5, 0.5, (96, 2)).astype(np.float32)
    command[:, 0] = 0.5
    image = np.full((96, 16, 16, 3), 100, np.uint8)
    for k, (_, turn) in enumerate(command):
        image[k, 8:, 7 + int(10 * turn):9 + int(10 * turn)] = 10
    lesson = Lesson({'image': image}, command)
    with torch_threads(1):
        torch.manual_seed(0)
        fitter = CloneFitter(CameraPolicy(SMALL, RobotSpec()),
                             replace(CloneSettings(), half=half, batch_size=16))
        before = fitter.loss(lesson)
        fitter.fit(lesson, lesson, 12, 'fitting', silent, never)
        assert fitter.loss(lesson) < 0.3 * before


def test_training_and_suite_never_share_a_track():
    names = {s.name for s in tracks(6, 0)} | {s.name for s in tracks(6, 0, paint=True)}
    assert not names & {s.name for s in tracks(6, 10000)}


def test_the_task_shows_images_of_the_line():
    task = LineCameraTask(TASK, tracks(2, 0))
    robots = task.robots(np.array([0, 1]), 0)
    robots.begin(np.arange(2))
    seen = {'image': np.zeros((2, 64, 64, 3), np.float32)}
    robots.observe(seen)
    bottom = seen['image'][:, 56:].mean(axis=-1)
    assert (bottom.min(axis=(1, 2)) < 60).all() and (bottom.max(axis=(1, 2)) > 90).all()
