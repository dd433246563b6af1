"""What a person can say about an alert, and what each answer means for the next training."""

from dataclasses import dataclass
from datetime import timedelta

from monitor.domain.errors import UnknownError


@dataclass(frozen=True)
class Verdict:
    """One answer.

    label: what becomes known of the alert's rows: 1 anomalous (kept out of training), 0 normal (learnt),
    None nothing. real: whether the alert was worth a person's time, for the precision of the queue.
    """

    name: str
    key: str
    title: str
    meaning: str
    label: int | None
    real: bool | None


VERDICTS = (
    Verdict("true", "1", "True", "known anomalies; the rows are kept out of training", 1, True),
    Verdict("expected", "2", "True, but expected", "it was announced; the rows are learnt as normal", 0, True),
    Verdict("valuable", "3", "Valuable, not actionable", "the rows are kept out of training", 1, True),
    Verdict("false", "4", "False", "a false alarm; the rows are learnt as normal", 0, False),
    Verdict("new_normal", "5", "New normal", "it stays like this; the rows are learnt as normal", 0, False),
    Verdict("data_problem", "6", "Data problem", "the rows are kept out of training", 1, True),
    Verdict("wrong_team", "7", "Wrong team", "nothing is known of the rows; they are learnt like others", None, None),
    Verdict("missed", "8", "You missed this", "it came too late; the rows are kept out of training", 1, True),
)  # fmt: skip
BY_NAME = {v.name: v for v in VERDICTS}
SNOOZES = {1: timedelta(hours=24), 2: timedelta(hours=4), 3: timedelta(days=3), 4: timedelta(days=7)}
LONGEST_NOTE = 2_000  # characters


def verdict(name: str) -> Verdict:
    """
    Raises:
        UnknownError: there is no such verdict; the message lists those there are.

    >>> verdict("false").label
    0
    """
    if name not in BY_NAME:
        raise UnknownError("verdict", name, [v.name for v in VERDICTS])
    return BY_NAME[name]


def clean_note(text: str) -> str:
    """A note as it is stored: no control characters but line breaks, at most 2,000 characters.

    >>> clean_note("  called\\x00 the customer\\n")
    'called the customer'
    """
    kept = "".join(c for c in text if c == "\n" or c.isprintable())
    return kept.strip()[:LONGEST_NOTE]
