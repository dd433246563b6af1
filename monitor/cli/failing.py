"""What went wrong, as a sentence and an exit code; None for a fault of ours, whose traceback is worth seeing.

Libraries' errors are known by name: importing the libraries would make every command wait for them.
"""

from typing import Any

import typer

from monitor.domain.errors import MonitorError

FAILED, WRONG_REQUEST = 1, 2
DATABASE = {"OperationalError", "DatabaseError", "TimeoutError"}


def told(fault: BaseException) -> tuple[str, int] | None:
    if isinstance(fault, MonitorError):
        return str(fault), WRONG_REQUEST if fault.wrong_request else FAILED
    if hasattr(fault, "format_message"):  # click's own, which newer versions of typer carry inside
        return fault.format_message().replace("Value error, ", ""), WRONG_REQUEST
    if isinstance(fault, typer.Abort | KeyboardInterrupt):
        return "stopped", FAILED
    if isinstance(fault, OSError):
        return f"{fault.filename or 'the system'}: {fault.strerror or fault}", FAILED
    if type(fault).__name__ == "ValidationError" and hasattr(fault, "errors"):
        return _values(fault), WRONG_REQUEST
    if type(fault).__module__ == "sqlalchemy.exc" and type(fault).__name__ in DATABASE:
        return _database(fault), FAILED
    return None


def _database(fault: Any) -> str:
    from monitor.storage.database import (
        damage,
        reason,
    )  # SQLAlchemy is here already, since the fault is its own

    return str(damage(fault) or f"the database does not answer: {reason(fault)}")


def _values(fault: Any) -> str:
    """A model's complaint: about a variable where it is the settings, else about an option's value."""
    before = "MONITOR_" if fault.title == "Settings" else ""
    lines = []
    for error in fault.errors(include_url=False):
        name = ".".join(map(str, error["loc"]))
        words = str(error["msg"])
        if words.startswith("Value error, "):
            lines.append(f"{before}{name}: {words.removeprefix('Value error, ')}")
        else:
            shown = f"{before}{name.upper()}" if before else name
            lines.append(f"{shown}: got {error['input']!r}; {words[0].lower()}{words[1:]}")
    return "\n".join(lines)
