from pathlib import Path

import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.typesys import get_typestore, Stores

from synth_nodes.dataset.recording import qos, Recording

STORE = get_typestore(Stores.ROS2_KILTED)
STRING = STORE.types['std_msgs/msg/String']


def text(word: str) -> bytes:
    return bytes(STORE.serialize_cdr(STRING(word), 'std_msgs/msg/String'))


def record(path: Path, count: int = 3) -> None:
    recording = Recording(path)
    recording.add('/words', 'std_msgs/msg/String', [qos(True, True, 1)])
    for i in range(count):
        recording.write('/words', i * 10**9, text(f'word {i}'))
    recording.write_transforms('/tf', 10**9, [('map', 'odom', (1.0, 2.0, np.pi / 2))])
    recording.write_transforms('/tf', 2 * 10**9, [('map', 'odom', (1.0, 2.0, 0.0))])
    recording.close()


def test_messages_come_back_with_time_type_and_quality_of_service(tmp_path: Path) -> None:
    record(tmp_path / 'out' / 'recording')
    assert (tmp_path / 'out' / 'recording' / 'recording.mcap').is_file()
    with AnyReader([tmp_path / 'out' / 'recording']) as reader:
        words = [(time, reader.deserialize(data, c.msgtype).data)
                 for c, time, data in reader.messages() if c.topic == '/words']
        connection = next(c for c in reader.connections if c.topic == '/words')
    assert words == [(0, 'word 0'), (10**9, 'word 1'), (2 * 10**9, 'word 2')]
    offered = connection.ext.offered_qos_profiles[0]
    assert (offered.reliability.name, offered.durability.name) == ('RELIABLE', 'TRANSIENT_LOCAL')


def test_transforms_turn_about_z(tmp_path: Path) -> None:
    record(tmp_path / 'recording')
    with AnyReader([tmp_path / 'recording']) as reader:
        messages = [reader.deserialize(data, c.msgtype) for c, _, data in reader.messages()
                    if c.topic == '/tf']
    first = messages[0].transforms[0]
    assert (first.header.frame_id, first.child_frame_id) == ('map', 'odom')
    assert first.header.stamp.sec == 1
    assert first.transform.translation.y == 2.0
    assert first.transform.rotation.z == pytest.approx(np.sqrt(0.5))
    assert len(messages) == 2


def test_a_new_recording_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    record(tmp_path / 'recording', 3)
    record(tmp_path / 'recording', 1)
    with AnyReader([tmp_path / 'recording']) as reader:
        assert sum(c.topic == '/words' for c, _, _ in reader.messages()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ['recording']


def test_a_discarded_recording_leaves_nothing(tmp_path: Path) -> None:
    recording = Recording(tmp_path / 'recording')
    recording.add('/words', 'std_msgs/msg/String', [])
    recording.write('/words', 0, text('lost'))
    recording.discard()
    assert not list(tmp_path.iterdir())
