"""Every kind of fault, on many seeds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
import math
from typing import Any

from synth_nodes.campaign.fault_kinds import KINDS
from synth_nodes.campaign.parallel import spread
from synth_nodes.campaign.rig import Bench
from synth_nodes.errors import InputError


@dataclass(frozen=True)
class Share:
    """Seeds of one kind that are run together."""

    kind: str
    first: int
    count: int


def chosen(names: Sequence[str]) -> list[str]:
    """
    Return the kinds to run; all where none is named.

    :raises InputError: on a name that is not one.
    """
    known = [kind.name for kind in KINDS]
    for name in names:
        if name not in known:
            raise InputError(f"there is no fault '{name}'; there are {', '.join(known)}")
    return list(names) or known


def run_share(share: Share) -> dict[str, Any]:
    """Run a kind on some seeds and count."""
    kind = next(k for k in KINDS if k.name == share.kind)
    good, slowest, bound, bad = 0, 0.0, 0.0, []
    for seed in range(share.first, share.first + share.count):
        reaction = Bench(kind, seed).run()
        good += reaction.ok
        bound = max(bound, reaction.bound)
        if not reaction.ok:
            bad.append({'seed': seed, 'problem': reaction.problem})
        elif kind.reaction == 'zero':
            slowest = max(slowest, reaction.time)
    return {'kind': kind.name, 'what': kind.what, 'reaction': kind.reaction,
            'runs': share.count, 'good': good, 'slowest': slowest, 'bound': bound, 'bad': bad}


def run_faults(names: Sequence[str], seed: int, count: int,
               jobs: int) -> Iterator[dict[str, Any]]:
    """
    Run kinds on seeds from `seed` on, and give what came of each part as it comes.

    :param count: seeds of each kind.
    """
    part = max(min(count, 50), 1)
    shares = [Share(name, seed + k, min(part, count - k)) for name in names
              for k in range(0, count, part)]
    return spread(run_share, shares, jobs)


def tally(parts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add up what came of each kind, in the order of KINDS."""
    out = []
    for kind in KINDS:
        mine = [p for p in parts if p['kind'] == kind.name]
        if mine:
            out.append({
                'kind': kind.name, 'what': kind.what, 'reaction': kind.reaction,
                'runs': sum(p['runs'] for p in mine), 'good': sum(p['good'] for p in mine),
                'slowest': max((p['slowest'] for p in mine), default=math.nan),
                'bound': max(p['bound'] for p in mine),
                'bad': [b for p in mine for b in p['bad']][:5]})
    return out
