from dataclasses import replace

import pytest

from synth_nodes.campaign.fault_campaign import chosen, run_faults, tally
from synth_nodes.campaign.fault_kinds import KINDS
from synth_nodes.campaign.rig import Bench, Kind
from synth_nodes.errors import InputError


@pytest.mark.parametrize('kind', KINDS, ids=lambda kind: kind.name)
def test_fault_is_met_as_it_must_be(kind):
    for seed in range(2):
        reaction = Bench(kind, 1000 + seed).run()
        assert reaction.ok, f'seed {seed}: {reaction.problem}'


def test_command_whose_stamp_stands_is_dropped_between_two_commands():
    kind = next(k for k in KINDS if k.name == 'command_stamp_stands')
    reaction = Bench(kind, 559).run()
    assert reaction.ok, f'{reaction.problem}: {reaction.time} s of {reaction.bound} s'


def test_there_are_many_kinds_each_of_its_own_name():
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 25


def test_sound_running_is_no_fault_and_bench_sees_that_it_moves():
    nothing = Kind('nothing', 'nothing goes wrong', lambda rules: 0.0, 'pass')
    assert Bench(nothing, 3).run().ok
    reaction = Bench(replace(nothing, reaction='zero'), 3).run()
    assert not reaction.ok and reaction.problem == 'motion was let through'


def test_monitor_that_never_moved_the_robot_proves_nothing():
    late = Kind('late', 'stopped all along', lambda rules: 0.0)
    bench = Bench(late, 3)
    bench.guard.latch(0.0)
    assert bench.run().problem == 'the robot stood before the fault'


def test_bound_is_kept_by_the_slowest_reaction():
    kinds = tally(list(run_faults(['scan_silent', 'command_nan'], 1, 4, 1)))
    assert [k['kind'] for k in kinds] == ['scan_silent', 'command_nan']
    for kind in kinds:
        assert kind['good'] == kind['runs'] == 4
        assert 0.0 < kind['slowest'] <= kind['bound']


def test_unknown_kind_is_named():
    with pytest.raises(InputError, match="no fault 'scan_nam'"):
        chosen(['scan_nam'])
    assert len(chosen([])) == len(KINDS)
