"""Chunks of a campaign: each runs alone, in any order, on any number of processes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
import time

from synth_nodes.campaign.batch import draw_batch, Judge
from synth_nodes.campaign.figures import count_differences, count_monitor, count_stops, Counts
from synth_nodes.campaign.judges import none, PEERS, strict, strict_numpy
from synth_nodes.campaign.parallel import spread
from synth_nodes.campaign.simulate import Drivers
from synth_nodes.campaign.watched import Watched
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.types import RobotSpec

CHUNK, LEAST = 4096, 16
"""Scenarios of a chunk: of a large campaign, and at least."""
LARGE = 50_000
"""Scenarios from which a campaign is large."""
SETUPS = 32
"""Chunks that a smaller one is divided into, so that each family of scenes is among them."""


@dataclass(frozen=True)
class Plan:
    """What a campaign draws and compares."""

    seed: int
    size: int = CHUNK
    """Scenarios of a chunk."""
    breach: bool = False
    """Whether drives break the stated model."""
    fixed: tuple[SafetyRules, RobotSpec] | None = None
    """Rules and robot of all scenarios; None draws them, for each chunk its own."""
    compare_every: int = 1
    """One chunk of so many is driven without a monitor and under Nav2's semantics as well, and
    again under ours with numpy alone."""
    watch: bool = False
    """Whether to drive under a watch over the brakes too: a fresh one, and one that has seen each
    robot stop once."""


def chunk_for(scenarios: int) -> int:
    """Choose the scenarios of a chunk where nobody has said how many they are to be."""
    if scenarios >= LARGE:
        return CHUNK
    return max(scenarios // SETUPS, LEAST)


def run_chunk(plan: Plan, chunk: int) -> Counts:
    """Run the scenarios of a chunk under each monitor and count."""
    begin = time.process_time()
    batch = draw_batch(plan.seed, chunk, plan.size, breach=plan.breach, fixed=plan.fixed)
    compared = chunk % plan.compare_every == 0
    peers = {'none': none, **PEERS} if compared else {}
    watches = {'watched': Watched(batch), 'watched_stop': Watched(batch, warm=True)
               } if plan.watch else {}
    judges: dict[str, Judge] = {'strict': strict, **watches, **peers}
    results = {name: Drivers(batch, judge).run() for name, judge in judges.items()}
    first = chunk * plan.size
    return {
        'chunk': chunk, 'first': first, 'size': plan.size, 'family': batch.setup.family,
        'drive': batch.setup.robot.drive, 'other_speed': batch.setup.rules.braking.other_speed,
        'monitors': {name: count_monitor(r, first, watches[name].reported if name in watches
                                         else None) for name, r in results.items()},
        'stops': count_stops(batch, results['strict'], results['none']) if compared else {},
        'peer_stops': {name: count_stops(batch, results[name], results['none'])
                       for name in peers},
        'numpy': count_differences(
            results['strict'], Drivers(batch, strict_numpy).run()) if compared else {},
        'seconds': time.process_time() - begin,
    }


def run_chunks(plan: Plan, chunks: Sequence[int], jobs: int) -> Iterator[Counts]:
    """Run chunks on so many processes and give their counts as they come."""
    return spread(partial(run_chunk, plan), chunks, jobs)
