"""Rules against the sources that are relied on."""

from dataclasses import replace
import re

import pytest

from synth_nodes.errors import InputError
from synth_nodes.safety.rules import check_rules, SafetyRules, unseen_reach
from synth_nodes.safety.source_checks import check_sources, oldest_data
from synth_nodes.safety.zone_settings import SourceSettings
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec

RULES, ROBOT = SafetyRules(), RobotSpec()
SCAN = SourceSettings()


def refused(rules, sources, rate=0.0, robot=ROBOT):
    check_rules(rules, robot)
    with pytest.raises(InputError) as caught:
        check_sources(rules, robot, sources, rate)
    return str(caught.value)


def value(pattern, message):
    return float(re.search(pattern + r' ([\d.]+)', message)[1])


@pytest.mark.parametrize('timeout', [2.0, 10.0])
@pytest.mark.parametrize('enabled', [True, False])
def test_escape_must_end_in_its_distance_with_the_oldest_data_of_all_sources(timeout, enabled):
    slow = SourceSettings(kind='pointcloud', timeout=timeout, enabled=enabled)
    check_sources(RULES, ROBOT, {'scan': SCAN, 'top': replace(slow, timeout=0.5)})
    said = refused(RULES, {'scan': SCAN, 'top': slow})
    assert f"'sources.top.timeout' = {timeout} s" in said and "'escape.distance' = 0.2 m" in said
    longer = build(SafetyRules, {'escape.distance': value("'escape.distance'", said)})
    check_sources(longer, ROBOT, {'scan': SCAN, 'top': slow})
    enough = value('make that', said)
    check_sources(RULES, ROBOT, {'scan': SCAN, 'top': replace(slow, timeout=enough)})
    refused(RULES, {'scan': SCAN, 'top': replace(slow, timeout=enough + 0.002)})


def test_contradictions_of_the_rules_are_refused_without_any_scanner():
    for sources in ({}, {'sonar': SourceSettings(kind='range')}):
        with pytest.raises(InputError, match=r'escape\.clearance'):
            check_sources(build(SafetyRules, {'escape.clearance': 0.2}), ROBOT, sources)


def test_scans_must_come_before_their_own_timeout_is_over():
    sources = {'top': SourceSettings(timeout=0.05)}
    check_sources(RULES, ROBOT, sources)
    said = refused(RULES, sources, rate=10.0)
    assert "'sources.top.timeout' = 0.05 s (1/rate <= timeout)" in said
    check_sources(RULES, ROBOT, {'top': SourceSettings(timeout=value('make it', said))}, 10.0)
    check_sources(RULES, ROBOT, sources, value("'rate'", said))


def test_clouds_alone_must_reach_as_far_as_the_robot_needs_to_see():
    def clouds(*reaches):
        return {f'c{k}': SourceSettings(kind='pointcloud', max_range=r)
                for k, r in enumerate(reaches)}
    said = refused(RULES, clouds(0.5, 0.7))
    assert "'sources.c1.max_range' = 0.7 m" in said
    check_sources(RULES, ROBOT, clouds(0.5, value('make it', said)))
    check_sources(RULES, ROBOT, {'scan': SCAN, **clouds(0.5)})
    # How far a sonar sees is in its messages alone.
    check_sources(RULES, ROBOT, {'sonar': SourceSettings(kind='range'), **clouds(0.5)})


def test_unseen_space_matters_farther_off_where_older_data_is_used():
    sources = {'scan': SourceSettings(timeout=0.1), 'top': SourceSettings(timeout=0.9)}
    assert oldest_data(RULES, sources) == 0.9 and oldest_data(RULES, {'scan': SCAN}) == 0.3
    assert unseen_reach(RULES, ROBOT, 0.9) > unseen_reach(RULES, ROBOT, 0.1)
    assert unseen_reach(RULES, ROBOT, 0.1) == unseen_reach(RULES, ROBOT)
