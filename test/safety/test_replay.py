"""A replay reproduces every verdict, and names the first that does not come out."""

from dataclasses import replace

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from log_samples import drive, ROBOT, RULES, settings, write
import numpy as np
import pytest

from synth_nodes.safety import watchdog
from synth_nodes.safety.core import judge
from synth_nodes.safety.cycle import Cycle, decide
from synth_nodes.safety.log import header
from synth_nodes.safety.log_writer import LogWriter
from synth_nodes.safety.replay import replay, this_program
from synth_nodes.safety.sources import PointSource, RobotState
from synth_nodes.safety.watchdog import Watch


@hypothesis_settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10 ** 6), exact=st.booleans())
def test_every_verdict_comes_out_again(tmp_path_factory, seed, exact):
    folder = tmp_path_factory.mktemp('log')
    write(folder, drive(30, seed=seed, exact=exact, wild=True))
    result = replay(folder)
    assert result.identical and result.verdicts == 30
    assert result.difference is None and result.differences == 0


def test_verdicts_come_out_across_rotated_files_and_from_each_alone(tmp_path):
    files, _ = write(tmp_path, drive(200, beams=90, exact=True))
    assert replay(tmp_path).identical and replay(tmp_path).verdicts == 200
    assert sum(replay(file).verdicts for file in files) == 200
    assert all(replay(file).identical for file in files)


@pytest.mark.parametrize(('field', 'value'), [
    ('command', (0.1, 0.0, 0.0)), ('action', 'pass'), ('rule', 'luck'), ('margin', 1e-9),
    ('time_to_collision', 5.0), ('reason', 'because'), ('source', 'moon'),
    ('command', (-0.0, 0.0, 0.0))])
def test_a_verdict_that_was_not_the_cores_is_named(tmp_path, field, value):
    records = drive(10)
    stopped = Cycle(**{**records[5].cycle.__dict__, 'sources': ()})
    records[5] = replace(records[5], cycle=stopped,
                         verdict=decide(RULES, ROBOT, stopped).verdict)
    records[5] = replace(records[5], verdict=replace(records[5].verdict, **{field: value}))
    records[6] = replace(records[6], cycle=replace(records[6].cycle, previous=None),
                         verdict=decide(RULES, ROBOT, replace(records[6].cycle,
                                                              previous=None)).verdict)
    files, _ = write(tmp_path, records)
    result = replay(tmp_path)
    assert not result.identical and not result.problems
    assert result.differences == 1
    assert (result.difference.number, result.difference.file) == (7, files[0])
    assert result.difference.now == records[5].cycle.now
    assert 'logged' in str(result.difference) and 'replayed' in str(result.difference)


def test_a_difference_under_other_versions_is_explained(tmp_path):
    record = drive(1)[0]
    other = {**header(RULES, ROBOT), 'numpy': '0.0.1'}
    writer = LogWriter(settings(tmp_path), lambda: other)
    writer.write(replace(record, verdict=replace(record.verdict, margin=7.0)))
    writer.close()
    result = replay(tmp_path)
    assert result.differences == 1 and 'other versions may round' in result.notes[-1]
    assert this_program() not in result.written_by


def test_the_summary_counts_what_happened(tmp_path):
    records = drive(40, wild=True, seed=3)
    write(tmp_path, records)
    result = replay(tmp_path)
    assert sum(result.actions.values()) == 40
    assert result.duration == pytest.approx(39 * 0.025)
    margins = [r.verdict.margin for r in records
               if r.verdict.rule not in ('command', 'velocity', 'source', 'latched')]
    assert result.min_margin == min(margins)
    assert result.events == {'override': 1}
    assert len(result.configurations) == len(result.written_by) == 1


def test_an_altered_record_hides_only_those_that_rest_on_it(tmp_path):
    files, _ = write(tmp_path, drive(150))
    data = bytearray(files[0].read_bytes())
    whole = replay(files[0])
    at = data.index(b'\x04scan') + 2
    data[at] ^= 1
    files[0].write_bytes(data)
    result = replay(files[0])
    assert not result.identical and len(result.problems) == 1
    assert result.verdicts + result.skipped + 1 == whole.verdicts
    assert result.skipped == 63


def test_a_log_with_a_damaged_header_is_not_replayed_but_reported(tmp_path):
    files, _ = write(tmp_path, drive(3))
    data = bytearray(files[0].read_bytes())
    data[60] ^= 1
    files[0].write_bytes(data)
    result = replay(tmp_path)
    assert result.problems[0].number == 0 and result.verdicts == 0
    assert sum(result.actions.values()) == 3


def cycle(**changes):
    whole = Cycle(10.0, np.array([0.5, 0.0, 0.0]), 9.99, RobotState(np.zeros(3), 0.01),
                  (PointSource('scan', np.array([[0.5, 0.0]]), 0.02, True),), Watch())
    return replace(whole, **changes)


def test_decide_is_the_core_where_the_watchdog_has_nothing_to_say():
    c = cycle()
    outcome = decide(RULES, ROBOT, c)
    assert outcome.verdict == judge(RULES, ROBOT, c.state, c.sources, c.command)
    assert outcome.accepted and outcome.watch.stamp == 9.99


@pytest.mark.parametrize(('changes', 'rule', 'says', 'accepted'), [
    ({'stamp': 11.0}, 'command', 'the command is refused: it is stamped 1.00 s ahead', False),
    ({'fault': 'two publishers'}, 'command', 'the command is refused: two publishers', False),
    ({'stamp': None}, 'command', 'no command has come yet', True),
    ({'stamp': None, 'watch': Watch(9.0)}, 'command', 'no command for 1.00 s', True),
    ({'stamp': None, 'watch': Watch(9.9), 'fault': 'odd'}, 'command', 'odd', True),
    ({'watch': Watch(9.9, 'a hand')}, 'latched', 'an emergency stop is latched: a hand', True)])
def test_decide_stops_for_the_watchdog(changes, rule, says, accepted):
    outcome = decide(RULES, ROBOT, cycle(**changes))
    assert (outcome.verdict.action, outcome.verdict.rule) == ('stop', rule)
    assert outcome.verdict.command == (0.0, 0.0, 0.0)
    assert outcome.verdict.reason.startswith(says) and outcome.accepted == accepted


def test_decide_judges_the_last_command_again_and_knows_overrides():
    again = cycle(stamp=None, watch=Watch(9.9))
    assert decide(RULES, ROBOT, again).verdict.action == 'stop' or \
        decide(RULES, ROBOT, again).verdict.rule in ('braking', 'stop_zone', 'slowdown_zone')
    watch, _ = watchdog.override(RULES.command, Watch(9.9), 9.95)
    assert decide(RULES, ROBOT, cycle(watch=watch)).verdict.rule == 'override'

