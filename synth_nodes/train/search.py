"""Hyper-parameter search with Optuna: a study in one file that any later call goes on with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

import yaml

from synth_nodes.errors import InputError
from synth_nodes.train.progress import Cancelled, check, never, Progress, Report, silent

STUDY_FILE = 'study.db'
Values = dict[str, Any]
Objective = Callable[[Values], float]
"""From settings by name to a score, of which less is better."""


@dataclass(frozen=True)
class Choice:
    """What one setting may be."""

    name: str
    values: tuple[Any, ...]
    """All it may be; or lowest and highest where `ranged`."""
    ranged: bool = False
    log: bool = False
    """Whether a range is drawn from evenly in its logarithm."""

    @classmethod
    def parse(cls, word: str) -> 'Choice':
        """
        Read `name=low:high`, `name=low:high:log` or `name=one,two,three`.

        :raises InputError: on a word of another form.
        """
        name, _, text = word.partition('=')
        parts = text.split(':')
        ranged = len(parts) > 1
        given = parts[:2] if ranged else text.split(',')
        values = tuple(yaml.safe_load(_as_yaml(v)) for v in given)
        numbers = all(isinstance(v, (int, float)) for v in values)
        log = parts[2:] == ['log']
        if not name or not all(given) or len(parts) > 3 or (len(parts) == 3 and not log) or (
                ranged and not (numbers and values[0] < values[1])) or (log and values[0] <= 0):
            raise InputError(f"--search '{word}' must have the form name=low:high, "
                             'name=low:high:log with low above 0, or name=one,two,three')
        return cls(name, values, ranged, log)

    def draw(self, trial: Any) -> Any:
        """Let a trial of Optuna choose."""
        if not self.ranged:
            return trial.suggest_categorical(self.name, list(self.values))
        low, high = self.values
        if isinstance(low, int) and isinstance(high, int):
            return trial.suggest_int(self.name, low, high, log=self.log)
        return trial.suggest_float(self.name, float(low), float(high), log=self.log)


@dataclass(frozen=True)
class Found:
    """What a search found."""

    best: Mapping[str, Any]
    """Settings of the best trial by name."""
    score: float
    trials: Sequence[Mapping[str, Any]]
    """`number`, `score` and settings of each finished trial, the best first."""


def search(objective: Objective, choices: Sequence[Choice], trials: int, folder: Path,
           fixed: Mapping[str, Any] | None = None, seed: int = 0, report: Report = silent,
           cancelled: Cancelled = never) -> Found:
    """
    Try settings until there are so many finished trials; go on with a study in the folder.

    The sampler is Optuna's tree-structured Parzen estimator, seeded with the number of trials
    there are, so a study that is interrupted between trials ends as one that is not. A trial that
    was cut off is made again with others.

    :param objective: trains and scores.
    :param fixed: what else the scores depend on, to refuse to go on with another study.
    :return: what was found.
    :raises InputError: without Optuna, without choices, or when the study is of another search.
    :raises WorkCancelled: when told to stop; finished trials stay.
    """
    try:
        import optuna
    except ImportError:
        raise InputError("searching needs Optuna; install the extra 'tune'") from None
    if not choices:
        raise InputError('name what to search: --search name=low:high')
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=f'sqlite:///{(folder / STUDY_FILE).resolve()}', study_name='search',
        load_if_exists=True)
    identity = json.dumps([[vars(c) for c in choices], dict(fixed or {}), seed], sort_keys=True,
                          default=str)
    if study.user_attrs.setdefault('identity', identity) != identity:
        raise InputError(f'study {folder / STUDY_FILE}: is of another search; give the same '
                         'settings to go on, or another folder')
    study.set_user_attr('identity', identity)
    state = optuna.trial.TrialState
    for left in study.get_trials(states=(state.RUNNING,)):
        study.tell(left.number, state=state.FAIL)
    while (done := len(study.get_trials(states=(state.COMPLETE,)))) < trials:
        check(cancelled)
        study.sampler = optuna.samplers.TPESampler(seed=seed + done)
        trial = study.ask()
        values = {choice.name: choice.draw(trial) for choice in choices}
        study.tell(trial, objective(values))
        report(Progress('searching', done + 1, trials, {'best': study.best_value}))
    rows = sorted(study.get_trials(states=(state.COMPLETE,)), key=lambda t: t.value or 0.0)
    return Found(study.best_params, study.best_value, [
        {'number': t.number, 'score': t.value, **t.params} for t in rows])


def _as_yaml(text: str) -> str:
    """YAML takes 1e-3 for a word; 1.0e-3 is a number to it."""
    mantissa, e, exponent = text.strip().partition('e')
    plain = e and mantissa.lstrip('-').isdigit() and exponent.lstrip('+-').isdigit()
    sign = '' if exponent[:1] in ('+', '-') else '+'
    return f'{mantissa}.0e{sign}{exponent}' if plain else text
