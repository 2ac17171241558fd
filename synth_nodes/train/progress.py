"""How long work tells its caller where it stands, and is told to stop."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """Where a piece of long work stands."""

    stage: str
    """What is being done, for people: 'driving, round 2 of 5'."""
    step: int
    """Steps of this stage that are done."""
    total: int
    """Steps that this stage has."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Newest figures, such as the validation loss."""


Report = Callable[[Progress], None]
Cancelled = Callable[[], bool]


class WorkCancelled(Exception):
    """
    The caller asked the work to stop.

    The message says where it goes on; without one, the caller knows whether a checkpoint was
    written.
    """


def silent(_: Progress) -> None:
    """Report to nobody."""


def never() -> bool:
    """Don't cancel."""
    return False


def check(cancelled: Cancelled) -> None:
    """
    Stop here if the caller wants so.

    :raises WorkCancelled: then.
    """
    if cancelled():
        raise WorkCancelled
