"""How old data may be offline: strict judgements against Nav2's."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from zone_helpers import RULES, seen, strict

from synth_nodes.safety.nav2 import INVALID_SOURCE, Memory, nav2_judge
from synth_nodes.safety.nav2_zones import KINDS, SourceSetup
from synth_nodes.safety.observed import nav2_points, Observed, strict_source
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.settings import build

TIMES = st.one_of(st.just(0.0), st.floats(0.01, 10.0))
AGES = st.one_of(st.none(), st.just(float('nan')), st.floats(-1.0, 11.0))


@st.composite
def sources(draw):
    """Draw one to three sources, some as old as one of their timeouts or a trifle older."""
    out = []
    for name in 'abc'[:draw(st.integers(1, 3))]:
        own, nav2 = draw(TIMES), draw(TIMES)
        near = st.sampled_from((own, nav2)).flatmap(lambda t: st.sampled_from(
            (t, float(np.nextafter(t, 99.0)), t + 0.01)))
        setup = SourceSetup(name, draw(st.sampled_from(KINDS)), timeout=nav2, strict_timeout=own)
        out.append(Observed(setup, np.zeros((0, 2)), age=draw(st.one_of(AGES, near)),
                            enabled=draw(st.booleans()), valid=draw(st.booleans())))
    return out


@settings(max_examples=300, deadline=None)
@given(sources(), st.floats(0.01, 10.0))
def test_what_nav2_stops_for_never_passes_strictly(observed, timeout):
    rules = build(SafetyRules, {'source.timeout': timeout})
    command = np.array((0.3, 0.0, 0.0))
    remembered = Memory(emptied=frozenset(o.name for o in observed))
    for memory in (None, remembered):
        verdict = nav2_judge([], observed, command, memory=memory).verdict
        if verdict.rule == INVALID_SOURCE:
            assert strict([], observed, command, rules=rules).verdict.action == 'stop'


@pytest.mark.parametrize(('own', 'nav2', 'oldest'), [
    (0.0, 2.0, 0.3), (0.1, 2.0, 0.1), (5.0, 9.0, 5.0), (0.0, 0.2, 0.2), (5.0, 0.2, 0.2),
    (0.0, 0.0, 0.3), (0.1, 0.0, 0.1)])
def test_source_may_be_as_old_as_its_own_timeout_and_nav2s(own, nav2, oldest):
    def rule(age):
        setup = SourceSetup('scan', timeout=nav2, strict_timeout=own)
        observed = Observed(setup, np.zeros((0, 2)), age=age)
        return strict([], [observed], (0.3, 0.0, 0.0)).verdict.rule
    assert rule(oldest) != 'source' and rule(np.nextafter(oldest, 99.0)) == 'source'


@pytest.mark.parametrize(('kind', 'kept'), [('pointcloud', [0.0, 3.0]), ('scan', [0.0, 3.0, 3.1])])
def test_points_of_a_cloud_beyond_its_reach_do_not_count(kind, kept):
    setup = SourceSetup('top', kind, max_range=3.0)
    observed = Observed(setup, np.array(((0.0, 0.0), (3.0, 0.0), (3.1, 0.0))), age=0.0)
    for points in (nav2_points(observed), strict_source(observed, RULES.source).points_base):
        assert points[:, 0].tolist() == kept


def test_point_that_is_no_number_is_not_out_of_reach():
    cloud = seen((np.nan, 1.0), kind='pointcloud')
    assert len(strict_source(cloud, RULES.source).points_base) == 1
