"""The log as the monitor uses it: it never waits, never fails, and says what is missing."""

import os
import resource
import time

from log_samples import drive, ROBOT, RULES, settings
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.safety.cycle import Cycle
from synth_nodes.safety.log import configuration_digest, header, SafetyLog
from synth_nodes.safety.log_files import log_files, SafetyLogSettings
from synth_nodes.safety.log_format import CycleRecord, Event, Gap
from synth_nodes.safety.log_reader import LogReader
from synth_nodes.safety.replay import replay
from synth_nodes.settings import build


def logged(folder, records, **values):
    log = SafetyLog(settings(folder, **values), RULES, ROBOT)
    for record in records:
        log.append(record.cycle, record.verdict)
    return log


def wait_for(condition):
    end = time.monotonic() + 20.0
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def test_what_was_appended_replays_identically(tmp_path):
    log = logged(tmp_path, drive(30, wild=True))
    log.event(101.0, 'reset')
    log.close()
    assert (log.written, log.lost, log.problem) == (31, 0, '')
    result = replay(tmp_path)
    assert result.identical and result.verdicts == 30 and result.events == {'reset': 1}
    assert result.digest == log.digest
    assert log.size < sum(f.stat().st_size for _, f in log_files(tmp_path)) < log.size + 200


def test_arrays_that_change_after_the_call_do_not_change_the_log(tmp_path):
    record = drive(1)[0]
    points = np.array(record.cycle.sources[0].points_base)
    source = type(record.cycle.sources[0])('scan', points, 0.02, True)
    cycle = Cycle(**{**record.cycle.__dict__, 'sources': (source,)})
    log = SafetyLog(settings(tmp_path), RULES, ROBOT)
    log.append(cycle, record.verdict)
    points[:] = 0.0
    log.close()
    assert replay(tmp_path).identical


def test_no_folder_means_no_log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log = SafetyLog(SafetyLogSettings(), RULES, ROBOT)
    record = drive(1)[0]
    log.append(record.cycle, record.verdict)
    log.event(1.0, 'reset')
    log.close()
    assert (log.written, log.lost, log.digest, os.listdir(tmp_path)) == (0, 0, '', [])


def test_nothing_is_logged_after_the_close_and_closing_twice_is_fine(tmp_path):
    records = drive(2)
    log = logged(tmp_path, records[:1])
    log.close()
    log.append(records[1].cycle, records[1].verdict)
    log.event(1.0, 'reset')
    log.close()
    assert replay(tmp_path).verdicts == 1


def test_a_full_disk_is_reported_counted_and_marked_and_the_log_goes_on(tmp_path):
    records = drive(60, beams=200, exact=True)
    log = logged(tmp_path, records[:1])
    wait_for(lambda: log.written == 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, hard))
        for record in records[1:40]:
            log.append(record.cycle, record.verdict)
        wait_for(lambda: log.written + log.lost == 40)
        assert log.lost > 10 and 'cannot be written' in log.problem
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    for record in records[40:]:
        log.append(record.cycle, record.verdict)
    log.close(20.0)
    assert log.problem == ''
    result = replay(tmp_path)
    assert result.identical
    assert (result.verdicts, result.lost) == (log.written, log.lost)


def test_a_disk_that_is_too_slow_costs_records_but_no_time(tmp_path):
    records = drive(4, beams=200, exact=True)
    log = SafetyLog(settings(tmp_path, queue=8, max_bytes=1 << 24), RULES, ROBOT)
    for _ in range(150):
        for record in records:
            log.append(record.cycle, record.verdict)
    log.close(30.0)
    result = replay(tmp_path)
    assert log.lost > 0 and log.written + log.lost == 600
    assert (result.verdicts, result.lost) == (log.written, log.lost)
    assert not result.problems
    gaps = [e.record for e in LogReader(tmp_path).entries() if isinstance(e.record, Gap)]
    assert sum(g.lost for g in gaps) == log.lost
    assert {g.reason for g in gaps} == {'the disk is too slow for the log'}


def test_a_cycle_that_is_none_is_counted_not_raised(tmp_path):
    records = drive(2)
    log = SafetyLog(settings(tmp_path), RULES, ROBOT)
    broken = Cycle(**{**records[0].cycle.__dict__, 'command': np.array(['fast'], object)})
    log.append(broken, records[0].verdict)
    assert log.lost == 1 and 'cannot be logged' in log.problem
    log.append(records[1].cycle, records[1].verdict)
    log.close()
    entries = [e.record for e in LogReader(tmp_path).entries()]
    assert [type(r) for r in entries[1:]] == [Gap, CycleRecord]
    assert replay(tmp_path).lost == 1


def test_a_record_that_does_not_fit_is_counted_and_marked_at_the_close(tmp_path):
    log = logged(tmp_path, drive(1, beams=9000, exact=True))
    log.close(20.0)
    assert log.lost == 1 and replay(tmp_path).lost == 1


def test_a_close_waits_no_longer_than_it_may(tmp_path):
    log = logged(tmp_path, 40 * drive(4, beams=400, exact=True), queue=200)
    log.close(0.0)
    assert log.problem == 'the disk does not take the log'


def test_an_ending_that_does_not_fit_on_the_disk_is_reported(tmp_path):
    log = logged(tmp_path, drive(2))
    wait_for(lambda: log.written == 2)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (log.size, hard))
        log.close(20.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert 'could not be closed' in log.problem
    result = replay(tmp_path)
    assert result.identical and 'no ending' in result.notes[0]


def test_records_reach_the_disk_without_more_of_them(tmp_path):
    log = logged(tmp_path, drive(3), sync_period=0.02)
    wait_for(lambda: log.written == 3)
    time.sleep(0.1)
    log.event(1.0, 'reset')
    wait_for(lambda: log.written == 4)
    result = replay(tmp_path)
    assert result.verdicts == 3 and 'still runs' in result.notes[0]
    log.close()


def test_a_folder_in_use_is_refused_at_start(tmp_path):
    log = logged(tmp_path, [])
    with pytest.raises(InputError, match='in use'):
        SafetyLog(settings(tmp_path), RULES, ROBOT)
    log.close()
    SafetyLog(settings(tmp_path), RULES, ROBOT).close()


def test_events_are_kept_in_order_with_cycles(tmp_path):
    records = drive(2)
    log = SafetyLog(settings(tmp_path), RULES, ROBOT)
    log.append(records[0].cycle, records[0].verdict)
    log.event(100.01, 'override', 'for docking')
    log.append(records[1].cycle, records[1].verdict)
    log.close()
    kinds = [e.record for e in LogReader(tmp_path).entries()][1:]
    assert [type(k) for k in kinds] == [CycleRecord, Event, CycleRecord]
    assert kinds[1] == Event(100.01, 'override', 'for docking')


def test_the_configuration_digest_changes_with_any_rule():
    other = build(type(RULES), {'hysteresis': 0.03})
    digests = {header(rules, ROBOT)['configuration'] for rules in (RULES, RULES, other)}
    assert len(digests) == 2
    content = header(RULES, ROBOT)
    assert configuration_digest(content) == content['configuration']
