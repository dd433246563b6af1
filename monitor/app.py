"""Where concrete parts meet: settings become a context, names become jobs."""

import sys
import traceback
from collections.abc import Callable

import structlog
from structlog.typing import ExcInfo

from monitor.domain.errors import MonitorError
from monitor.domain.run import Outcome, Run
from monitor.jobs.context import Context
from monitor.settings import Settings
from monitor.storage.database import Database, DatabaseFault, reason

Perform = Callable[[Context, Run], Outcome]


def open_context(settings: Settings | None = None) -> Context:
    """A context on the configured database; the schema is not touched (``monitor init`` upgrades it)."""
    chosen = settings or Settings()
    log_to_stderr(chosen.log)
    return Context(chosen, Database(chosen.url))


def log_to_stderr(level: str) -> None:
    """One line an event on stderr; stdout belongs to what was asked for."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(_traceback),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def _traceback(exc_info: ExcInfo) -> str:
    """Where a fault came from and what it was; words that are not ours may hold cells of a row and are left out."""
    _, fault, _ = exc_info
    chain: list[BaseException] = [fault]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    frames = [line for each in reversed(chain) for line in traceback.format_tb(each.__traceback__)]
    kinds = " -> ".join(type(each).__name__ for each in reversed(chain))
    words = [reason(each) for each in chain if isinstance(each, DatabaseFault)]
    words += [str(each) for each in chain if isinstance(each, MonitorError)]
    return "".join([*frames, ": ".join([kinds, *words[:1]])])


def perform(job: str) -> Perform:
    """The use case behind a job's name; each is loaded when first needed, since only training wants torch."""
    if job == "pull":
        from monitor.jobs.pull import pull

        return pull
    if job == "readmit":
        from monitor.jobs.readmit import readmit

        return readmit
    if job == "score":
        from monitor.jobs.score import score

        return score
    if job == "train":
        from monitor.jobs.train import train

        return train
    if job == "promote":
        from monitor.jobs.promote import promote

        return promote
    if job == "notify":
        from monitor.jobs.notify import notify

        return notify
    from monitor.jobs.prune import prune

    return prune
