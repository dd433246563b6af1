"""The measured claims of this project, each one command: ``python -m benchmarks NAME``."""

import re
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


@dataclass(frozen=True)
class Claim:
    """What was measured, in the words of the table that the README shows."""

    name: str
    holds: bool
    figure: str
    goal: str

    def __str__(self) -> str:
        return f"{self.name}: {'holds' if self.holds else 'falls short'}: {self.figure} ({self.goal})"


def marked(text: str, mark: str, body: str) -> str:
    """``text`` with ``body`` between the comments ``mark`` and ``/mark``; without them as it was."""
    return re.sub(
        rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)",
        lambda found: found[1] + body + found[2],
        text,
        flags=re.DOTALL,
    )
