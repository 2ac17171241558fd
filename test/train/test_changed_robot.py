from dataclasses import replace

import numpy as np

from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.changed import believing, recordings
from synth_nodes.train.progress import never, silent
from synth_nodes.train.tune_settings import TuneSettings
from synth_nodes.types import LidarSpec, RobotSpec

SMALL = replace(TuneSettings(), minutes=0.5, buildings=5, turn_gain=0.5)


def test_driver_who_is_wrong_about_the_track_measures_and_commands_wrong_turns():
    seen = []

    def policy(observation):
        seen.append(observation['velocity'])
        return np.array([[0.3, 1.0]])

    observation = {'velocity': np.array([[0.1, 0.0, 0.2]], np.float32)}
    command = believing(policy, 0.5)(observation)
    assert command.tolist() == [[0.3, 0.5]]
    assert np.allclose(seen[0], [[0.1, 0.0, 0.4]])
    assert np.allclose(observation['velocity'], [[0.1, 0.0, 0.2]])


def test_recordings_last_as_long_as_told_and_are_in_the_drivers_terms():
    def straight(observation):
        return np.zeros((len(observation['scan']), 2), np.float32)

    args = (RobotSpec(), LidarSpec(beams=60), ObservationSpec(), straight, silent, never)
    wrong = recordings(SMALL, *args)
    right = recordings(replace(SMALL, turn_gain=1.0), *args)
    assert len(wrong) * 0.2 >= 30 - 5 and len(np.unique(wrong.group)) == 5
    # The first samples are before anything has moved: the same situations.
    first = slice(0, 20)
    assert np.allclose(wrong.command[first, 1],
                       np.clip(2 * right.command[first, 1], -1.5, 1.5), atol=1e-5)
