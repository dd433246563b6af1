"""The measured claims of this project, each one command: ``python -m benchmarks NAME``."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """What was measured, in the words of the table that the README shows."""

    name: str
    holds: bool
    figure: str
    goal: str

    def __str__(self) -> str:
        return f"{self.name}: {'holds' if self.holds else 'falls short'}: {self.figure} ({self.goal})"
