"""Who is dead: leases that no longer move are freed, and their runs go back into the queue."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from monitor.jobs.context import Context
from monitor.jobs.running import alive
from monitor.storage import leases, runs
from monitor.storage.leases import Held

LEAST_LOOKS = (
    8  # before silence is believed: after a pause of the whole machine nobody has had a chance to speak
)


@dataclass
class Silence:
    """How long a lease has not moved, by this process's own steady clock."""

    beat: tuple[int, datetime]
    looked: float
    seconds: float = 0.0


class Watch:
    """Frees what dead workers hold; whoever looks often sees the dead of other machines too.

    A process of this host that is gone is dead at once. Any other is dead when its lease was not renewed for
    ``MONITOR_LEASE_SECONDS`` under the eyes of this watch. Wall clocks, which differ and are put right, say nothing.
    """

    def __init__(self, context: Context, clock: Callable[[], float] = time.monotonic) -> None:
        self.context, self.clock = context, clock
        self.silences: dict[str, Silence] = {}

    def look(self) -> int:
        """Returns how many runs went back into the queue."""
        with self.context.database.read() as session:
            held = leases.held(session)
            orphans = runs.orphans(session)
        dead = [lease for lease in held if self._dead(lease)]
        self.silences = {lease.name: self.silences[lease.name] for lease in held}
        if not dead and not orphans:
            return 0
        with self.context.database.write() as session:
            for lease in dead:
                leases.take_away(session, lease)
            return runs.requeue_orphans(session, self.context.now())

    def _dead(self, lease: Held) -> bool:
        now, patience = self.clock(), self.context.settings.lease_seconds
        known = self.silences.get(lease.name)
        if known is None or known.beat != lease.beat:
            known = self.silences[lease.name] = Silence(lease.beat, now)
        known.seconds += min(now - known.looked, patience / LEAST_LOOKS)
        known.looked = now
        return known.seconds >= patience or not alive(lease.holder)
