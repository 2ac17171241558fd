"""Learning on from what a robot recorded, in a process of its own."""

from dataclasses import replace
import time

import numpy as np
import pytest

from synth_nodes import resources
from synth_nodes.export.registry import Registry
from synth_nodes.monitor.drift import features
from synth_nodes.nodes.experience import Experience
from synth_nodes.nodes.learning import Budget, learn_apart, reference_of
from synth_nodes.nodes.parameters import TrainerParameters
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.progress import never, silent, WorkCancelled
from synth_nodes.train.replay import ReplayStore
from synth_nodes.train.tune_scores import CLASSES
from synth_nodes.types import LidarSpec

SPEC = ObservationSpec()
FORWARD, SLOWER = np.array((0.4, 0.0, 0.1)), np.array((0.1, 0.0, 0.0))


def recorded(count, verdict=('pass', '', np.inf, FORWARD), command=FORWARD):
    experience = Experience(SPEC, LidarSpec(beams=72), 0.1)
    experience.take_odometry(np.zeros(3), np.zeros(3))
    experience.take_path(np.array(((0.0, 0.0), (3.0, 0.0))))
    experience.take_verdict(*verdict)
    for k in range(count):
        experience.take_scan(np.full(72, 4.0), 0.1 * k)
        experience.take_command(command, 0.1 * k)
    return experience


def settings_for(folder):
    registry = Registry(folder / 'registry')
    registry.promote(registry.add(resources.share('models')))
    parameters = TrainerParameters()
    bc = replace(parameters.bc, buildings=6, validation_buildings=1, robots=5, seconds=3.0)
    return registry, replace(parameters, registry=str(folder / 'registry'), bc=bc, tune_epochs=1,
                             gate_episodes=2, nice=0)


def test_an_intervention_is_kept_with_the_command_let_through_and_what_was_wanted(tmp_path):
    store = ReplayStore(tmp_path, 5)
    experience = recorded(10, ('slowdown', 'braking', 0.8, FORWARD), SLOWER)
    assert experience.interventions == experience.taken == 10
    experience.store(store, 11)
    assert store.counts() == {'ordinary': 0, 'interventions': 0}
    experience.store(store, 10)
    assert store.counts() == {'ordinary': 0, 'interventions': 10}
    assert np.allclose(store.samples(SPEC).command, SLOWER[[0, 2]])
    risk = store.risk_samples()
    assert np.allclose(risk.command[:, 0], FORWARD) and np.allclose(risk.contact, 0.8)


@pytest.mark.parametrize(('verdict', 'taken'), [
    (('stop', 'source', 0.0, FORWARD), 0), (('limit', 'limits', np.inf, FORWARD), 5)])
def test_what_an_observation_does_not_show_is_no_intervention(tmp_path, verdict, taken):
    experience = recorded(5, verdict)
    assert (experience.taken, experience.interventions) == (taken, 0)


def test_a_worse_policy_is_registered_but_not_promoted_and_the_reason_is_said(tmp_path):
    registry, settings = settings_for(tmp_path)
    first = registry.current()
    settings = replace(settings, tune_method='full', tune_rate=0.3)
    message = learn_apart(settings, recorded(60).samples(), silent, never)
    assert 'not promoted: ' in message and 'success went from' in message
    assert 'fewer than the 100 it takes' in message
    assert registry.current() == first and len(registry.list()) == 2


def test_a_policy_that_passes_the_gate_is_promoted_and_can_be_rolled_back(tmp_path):
    registry, settings = settings_for(tmp_path)
    first, said = registry.current(), []
    message = learn_apart(replace(settings, gate_slack=1.0, gate_samples=20, tune_rate=1e-6),
                          recorded(60).samples(), said.append, never)
    assert message == f'{registry.current()} promoted' and registry.current() != first
    contract = registry.verify(registry.current())
    assert contract.provenance['tuned_from'] == first
    assert contract.provenance['samples_recorded'] == 60
    told = contract.scores['fine_tuning']
    assert told['method'] == 'lora' and told['parameters']['share'] < 0.05
    assert told['before']['classes'].keys() == told['after']['classes'].keys() == set(CLASSES)
    assert reference_of(settings.registry) is not None
    assert said and registry.rollback() == first


def test_the_shipped_policy_says_what_it_learned_from_so_that_drift_is_noticed(tmp_path):
    registry, settings = settings_for(tmp_path)
    assert registry.verify(registry.current())
    reference = reference_of(settings.registry)
    seen = recorded(60).samples()
    assert reference.stability(features(seen.scan, seen.goal, seen.velocity)).max() > 0.5


def test_the_process_stops_when_told_and_leaves_the_registry_alone(tmp_path):
    registry, settings = settings_for(tmp_path)
    with pytest.raises(WorkCancelled):
        learn_apart(settings, recorded(60).samples(), silent, lambda: True)
    assert len(registry.list()) == 1


def test_the_budget_rests_for_its_share_of_the_time(tmp_path):
    def share(duty):
        budget, begin, used = Budget(tmp_path, duty), time.perf_counter(), time.process_time()
        while time.process_time() - used < 0.1:
            assert not budget()
        return (time.process_time() - used) / (time.perf_counter() - begin)

    assert share(0.1) < 0.15
