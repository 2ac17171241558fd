"""One piece of long work in a thread, which can be watched and cancelled. No ROS."""

from collections.abc import Callable
from threading import Event, Thread
import traceback

from synth_nodes.errors import InputError
from synth_nodes.train.progress import Cancelled, Progress, Report, WorkCancelled

Work = Callable[[Report, Cancelled], str]


class Job:
    """Runs work that reports progress, ends with a sentence, and stops when asked."""

    def __init__(self, work: Work) -> None:
        """Start at once."""
        self.progress = Progress('starting', 0, 1)
        """Where the work stands."""
        self.state = 'running'
        """'running', 'done', 'cancelled' or 'failed'."""
        self.message = ''
        """What the work returned, or why it ended otherwise."""
        self.details = ''
        """Traceback of an error that is nobody's input."""
        self._cancelled = Event()
        self._work = work
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Ask the work to stop; it does so at its next check."""
        self._cancelled.set()

    def join(self, timeout: float) -> None:
        """Wait for the end, `timeout` seconds at most."""
        self._thread.join(timeout)

    def _report(self, progress: Progress) -> None:
        self.progress = progress

    def _run(self) -> None:
        state = 'done'
        try:
            self.message = self._work(self._report, self._cancelled.is_set)
        except WorkCancelled as error:
            state, self.message = 'cancelled', str(error) or 'cancelled'
        except InputError as error:
            state, self.message = 'failed', str(error)
        except Exception as error:
            state, self.message = 'failed', f'{type(error).__name__}: {error}'
            self.details = traceback.format_exc()
        self.state = state
