"""Several data sets as one: places and drives get new numbers, nothing else changes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from synth_nodes.dataset.gate import carry_problems
from synth_nodes.dataset.reader import DataSet
from synth_nodes.dataset.store import check_splits, differences, Writer
from synth_nodes.errors import InputError


def merge(sources: Sequence[Path], out: Path, splits: dict[str, str] | None = None,
          advance: Callable[[int, int], None] | None = None) -> Writer:
    """
    Merge data sets with the same fields and sensor.

    A place of the same name is the same place, and must be in the same split. What failed its
    quality gate makes the whole fail.

    :param sources: their folders, two or more.
    :param splits: split of a place by name, instead of what the sources say.
    :param advance: called with records done and in all.
    :return: the closed writer.
    :raises InputError: when fields, sensors or splits contradict each other, or a split is of
        no place.
    """
    if len(sources) < 2:
        raise InputError(f'merging needs two data sets or more; got {len(sources)}')
    sets = [DataSet(source) for source in sources]
    first = sets[0]
    for other in sets[1:]:
        words = differences(first.schema, other.schema)
        if words:
            raise InputError(f'data set {first.folder} cannot be merged with {other.folder}: '
                             f'{words}; make them with the same settings, or learn from both '
                             'instead of merging them')
    check_splits(out, splits or {}, [p.name for s in sets for p in s.schema.places])
    known = _splits(sets, splits or {})
    origin = {'merged': [{'name': s.schema.name, 'origin': dict(s.schema.origin)} for s in sets]}
    schema = replace(first.schema, name=out.name, places=(), origin=origin)
    total, done = sum(len(s) for s in sets), 0
    with Writer(out, schema) as writer:
        for data in sets:
            numbers = [writer.place(p.name, known[p.name], p.digest) for p in data.schema.places]
            offset = writer.next_sequence
            for chunk in range(len(data.chunks)):
                columns = dict(data.columns(chunk))
                columns['sequence'] = columns['sequence'] + offset
                place = columns['place'].copy()
                for old, new in enumerate(numbers):
                    place[columns['place'] == old] = new
                columns['place'] = place
                writer.append(columns)
                done += len(place)
                if advance is not None:
                    advance(done, total)
    carry_problems({data.folder: data.digest() for data in sets}, out)
    return writer


def _splits(sets: Sequence[DataSet], given: dict[str, str]) -> dict[str, str]:
    out: dict[str, str] = dict(given)
    for data in sets:
        for place in data.schema.places:
            split = out.setdefault(place.name, place.split)
            if split != place.split and place.name not in given:
                raise InputError(
                    f"place '{place.name}' is {split} in one data set and {place.split} in "
                    f'{data.folder}; say which with --split {place.name}={split}')
    return out
