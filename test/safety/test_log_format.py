"""Records come back from their bytes as they were."""

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from log_samples import drive
import numpy as np
import pytest

from synth_nodes.safety.cycle import recorded_points
from synth_nodes.safety.log_codec import Cursor, Damaged, put_array, put_count, put_text
from synth_nodes.safety.log_cycle import verdict_bytes
from synth_nodes.safety.log_format import (
    Decoder,
    Encoder,
    Ending,
    Event,
    Gap,
    Header,
)


def coded(records):
    encoder, decoder = Encoder(), Decoder()
    payloads = [encoder.encode(record) for record in records]
    return payloads, [decoder.decode(payload) for payload in payloads]


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=40)))
def test_arrays_come_back_bit_for_bit(array):
    out = bytearray()
    put_array(out, array)
    cursor = Cursor(bytes(out))
    again = cursor.array()
    assert cursor.done
    assert (again.shape, again.tobytes()) == (array.shape, array.tobytes())


@given(st.integers(0, 2 ** 62), st.text())
def test_counts_and_texts_come_back(number, text):
    out = bytearray()
    put_count(out, number)
    put_text(out, text)
    cursor = Cursor(bytes(out))
    assert (cursor.count(), cursor.text(), cursor.done) == (number, text, True)


@hypothesis_settings(max_examples=30, deadline=None)
@given(st.integers(0, 10 ** 6), st.booleans())
def test_cycles_come_back_bit_for_bit(seed, exact):
    records = drive(12, seed=seed, exact=exact, wild=True)
    _, again = coded(records)
    for a, b in zip(records, again, strict=True):
        assert Encoder().encode(a) == Encoder().encode(b)
        assert verdict_bytes(a.verdict) == verdict_bytes(b.verdict)


@pytest.mark.parametrize('record', [
    Event(1.5, 'reset', 'lifted'), Gap(3, 'the disk is full'), Ending('rotated'),
    Header({'format': 1, 'rules': {'a': [1.5, 0.1]}})])
def test_other_records_come_back(record):
    assert coded([record])[1] == [record]


def test_a_scan_that_is_judged_again_is_stored_once():
    payloads, _ = coded(drive(6, beams=360))
    sizes = [len(payload) for payload in payloads]
    assert max(sizes[1], sizes[2], sizes[4], sizes[5]) < 500 < 2000 < min(sizes[0], sizes[3])


def test_single_precision_halves_a_log_and_moves_points_less_than_a_micrometre():
    points = np.random.default_rng(0).uniform(-8, 8, (360, 2))
    sizes = []
    for kept in (points, recorded_points(points)):
        out = bytearray()
        put_array(out, kept)
        sizes.append(len(out))
    assert sizes[1] < 0.55 * sizes[0]
    assert np.abs(points - recorded_points(points)).max() < 1e-6


@hypothesis_settings(max_examples=200, deadline=None)
@given(st.data())
def test_nonsense_is_called_damaged_and_nothing_else(data):
    payload = Encoder().encode(drive(1, seed=1, wild=True)[0])
    at = data.draw(st.integers(0, len(payload) - 1))
    spoiled = bytearray(payload)
    spoiled[at] ^= data.draw(st.integers(1, 255))
    spoiled = bytes(spoiled[:data.draw(st.integers(0, len(payload)))])
    try:
        Decoder().decode(spoiled)
    except Damaged:
        pass


def test_a_packed_array_that_was_altered_is_damaged():
    out = bytearray()
    put_array(out, np.zeros((100, 2)))
    for at, says in ((len(out) - 8, 'cannot be unpacked|bytes in place of'), (0, 'unknown form')):
        spoiled = bytearray(out)
        spoiled[at] ^= 0xFF
        with pytest.raises(Damaged, match=says):
            Cursor(bytes(spoiled)).array()


@pytest.mark.parametrize(('payload', 'says'), [
    (b'\x09', 'no record of kind 9'), (b'', 'bytes are wanted'),
    (Encoder().encode(Ending('closed')) + b'x', 'longer than its content'),
    (b'\x00\x02[]', 'not a mapping'), (b'\x00\x01{', 'not JSON'),
    (b'\x04\x01\xff', 'not UTF-8'), (b'\x04' + b'\xff' * 10, 'has no end')])
def test_what_is_wrong_with_a_record_is_said(payload, says):
    with pytest.raises(Damaged, match=says):
        Decoder().decode(payload)


def test_what_rests_on_a_record_that_was_not_read_is_damaged():
    payloads, _ = coded(drive(3))
    decoder = Decoder()
    with pytest.raises(Damaged, match="points of 'scan'"):
        decoder.decode(payloads[1])
    decoder.decode(payloads[0])
    decoder.decode(payloads[1])
    decoder.forget()
    with pytest.raises(Damaged):
        decoder.decode(payloads[2])
