"""Errors in the trade's words; one place (the command line, the page) turns them into an exit code or a text."""


class MonitorError(Exception):
    """Something a person can act on: what happened, the value got, what was expected, where.

    ``permanent`` alone decides on retrying: a permanent error is not tried again by itself.
    """

    permanent = True
    wrong_request = False  # the command's caller has to ask differently (exit code 2), nothing failed

    def __init__(self, message: str, *, permanent: bool | None = None) -> None:
        super().__init__(message)
        if permanent is not None:
            self.permanent = permanent


class ConfigurationError(MonitorError):
    """One or more faults in a configuration; each names file and line."""

    wrong_request = True

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class UnknownError(MonitorError):
    """A name that is not there, with the names that are."""

    wrong_request = True

    def __init__(self, what: str, got: str, known: list[str]) -> None:
        listed = ", ".join(known) if known else "none yet"
        super().__init__(f"there is no {what} {got!r}; known: {listed}")


class SourceUnavailable(MonitorError):
    """The source did not answer, or answered with a passing fault: worth trying again."""

    permanent = False


class SourceRefused(MonitorError):
    """The source answered, and trying again will not help: a wrong query, a missing column, no access."""


class BundleCorrupt(MonitorError):
    """A model's bytes do not match their sha256, or are not a bundle."""


class ModelDropped(MonitorError):
    """A version is so old that its model was dropped; the row with its facts is still there."""


class Pinned(MonitorError):
    """A person pinned the champion: the gate may not replace it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"v{number} is pinned; unpin it to let the gate decide")


class DatabaseAway(MonitorError):
    """The database is locked, full or restarting: worth trying again."""

    permanent = False


class DatabaseDamaged(MonitorError):
    """The database's file does not hold what was written: only a backup helps."""


class NotEnoughRows(MonitorError):
    """Training needs more rows than there are."""


class Superseded(MonitorError):
    """This run's lease went to another run; whatever it was about to write is refused."""


class Conflict(MonitorError):
    """Someone else changed the same thing first."""


class NeedsYes(MonitorError):
    """Something would be lost, and nobody said that this is meant."""

    wrong_request = True
