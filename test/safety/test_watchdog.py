"""Freshness and order of commands, the latched stop and the override."""

from dataclasses import replace

import numpy as np
import pytest

from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.watchdog import (
    before,
    latch,
    overridden,
    override,
    receive,
    reset,
    starved,
    Watch,
)

RULES = SafetyRules()
GO = np.array([0.5, 0.0, 0.1])


def take(watch, command=GO, stamp=10.0, now=10.02):
    return receive(RULES.command, RULES.source, watch, command, stamp, now)


def test_fresh_command_is_accepted_and_remembered():
    watch, problem = take(Watch())
    assert problem == '' and watch.stamp == 10.0
    assert starved(RULES.command, watch, 10.2) == ''


@pytest.mark.parametrize(('command', 'stamp', 'word'), [
    ([np.nan, 0, 0], 10.0, 'finite'), ([0, 0], 10.0, 'shape'), ([0, np.inf, 0], 10.0, 'finite'),
    (GO, 10.2, 'ahead'), (GO, 9.6, 'old'), (GO, np.nan, 'stamp'), (GO, -np.inf, 'stamp')])
def test_unsound_command_is_refused_and_changes_nothing(command, stamp, word):
    before = Watch(stamp=5.0)
    watch, problem = take(before, np.array(command, float), stamp)
    assert watch == before and word in problem


def test_command_older_than_the_one_before_is_refused():
    watch, _ = take(Watch(), stamp=10.0)
    same, problem = take(watch, stamp=9.9)
    assert 'older than the one before' in problem and same == watch


def test_clock_set_back_does_not_lock_commands_out():
    watch, _ = take(Watch(), stamp=100.0, now=100.0)
    assert take(watch, stamp=10.0)[1] == ''


@pytest.mark.parametrize(('stamp', 'words'), [
    (10.22, 'it is stamped 0.20 s ahead'), (9.52, 'it is 0.50 s old, more than 0.30 s'),
    (9.93, 'it is 0.07 s older than the one before')])
def test_refusal_says_by_how_much(stamp, words):
    assert words in take(Watch(stamp=10.0), stamp=stamp)[1]


def test_bounds_of_time_themselves_are_accepted():
    rules = SafetyRules(command=replace(RULES.command, timeout=0.25),
                        source=replace(RULES.source, future_tolerance=0.125))
    for stamp in (10.125, 9.75):
        assert receive(rules.command, rules.source, Watch(), GO, stamp, 10.0)[1] == ''
    watch = Watch(stamp=10.0, override_until=20.0)
    assert receive(rules.command, rules.source, watch, GO, 10.0, 10.0)[1] == ''
    assert starved(rules.command, watch, 10.25) == '' != starved(rules.command, watch, 10.26)
    assert not overridden(rules.command, watch, 20.0)


def test_step_is_measured_from_the_last_command_unless_that_is_too_old():
    watch = Watch(stamp=10.0, command=(0.5, 0.1, -0.2))
    assert before(RULES.command, watch, 10.1).tolist() == [0.5, 0.1, -0.2]
    assert before(RULES.command, watch, 10.5).tolist() == [0.0, 0.0, 0.0]
    assert before(RULES.command, Watch(stamp=10.0), 10.1).tolist() == [0.0, 0.0, 0.0]


def test_silence_starves():
    assert 'no command has come' in starved(RULES.command, Watch(), 1.0)
    assert '0.50 s' in starved(RULES.command, Watch(stamp=10.0), 10.5)


def test_latched_stop_holds_its_first_cause_until_reset():
    watch = latch(latch(take(Watch())[0], 'button'), 'later')
    assert watch.latched == 'button'
    assert take(watch, stamp=10.01)[0].latched == 'button'
    assert 'button' in override(RULES.command, watch, 10.0)[1]
    free = reset(watch)
    assert free.latched == '' and starved(RULES.command, free, 10.0)


def test_override_ends_by_time_by_latch_and_when_the_clock_goes_back():
    watch, problem = override(RULES.command, Watch(), 10.0)
    assert problem == ''
    assert overridden(RULES.command, watch, 10.0) and overridden(RULES.command, watch, 19.9)
    assert not overridden(RULES.command, watch, 20.1)
    assert not overridden(RULES.command, watch, 9.0)
    assert not overridden(RULES.command, latch(watch, 'button'), 11.0)
    assert not overridden(RULES.command, Watch(), 0.0)
