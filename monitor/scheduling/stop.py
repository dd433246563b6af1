"""When a worker that is asked to stop does so: never in the middle of a session, and in time to put its run back."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from monitor.domain.run import Outcome, Run
from monitor.jobs.context import Context
from monitor.jobs.running import Stopped

Perform = Callable[[Context, Run], Outcome]
PATIENCE = 1.0  # seconds for a run to come to the end of a session; then it is stopped elsewhere too


class Stop:
    """Raises ``Stopped`` in the work of a run and nowhere else.

    A signal only asks. What was asked is raised where a session ends. A run that comes to none is interrupted by a
    timer, again and again, because an exception out of a signal may be swallowed where Python ignores exceptions. A
    driver that is interrupted in the midst of a call leaves its connection in a state that nobody expects.
    """

    def __init__(self) -> None:
        self.asked = False
        self._raised = self._working = False
        self._sessions = 0

    def on_signals(self) -> None:
        """From now on; of the main thread."""
        signal.signal(signal.SIGALRM, self._interrupt)
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, self._ask)

    def works(self, perform: Perform) -> Perform:
        """The same job, which a stop may end."""

        def work(context: Context, run: Run) -> Outcome:
            try:
                self._working = True
                self._check()
                return perform(context, run)
            except Exception as fault:
                if self._raised:  # and became this on its way
                    raise Stopped from fault
                raise
            finally:
                self._working = False

        return work

    @contextmanager
    def session(self) -> Iterator[None]:
        """Around a session, which a stop waits for; what other threads do is not interrupted anyway."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._sessions += 1
        try:
            yield
        finally:
            self._sessions -= 1
            self._check()

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)  # one is enough
        self.asked = True
        signal.setitimer(signal.ITIMER_REAL, PATIENCE, PATIENCE)

    def _interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        self._check()

    def _check(self) -> None:
        # not again while the first one is on its way out, which takes what it takes
        leaving = isinstance(sys.exc_info()[1], Stopped)
        if self.asked and self._working and not self._sessions and not leaving:
            self._raised = True
            raise Stopped
