"""One sentence of why: what is odd about a row, in the words and units of its fields."""

from typing import Any

BRIEF = 80  # characters that a line of the queue can show
NAMED = 3  # fields of a sentence at most
WORTH = 0.15  # share of the score from which a field is worth naming


def amount(value: Any, unit: str | None = None) -> str:
    """A value as people write it.

    >>> amount(1234.5678), amount(0.04213), amount(None), amount("DE"), amount(38.0, "km"), amount(True)
    ('1,234.6', '0.0421', 'missing', 'DE', '38 km', 'yes')
    """
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    size = abs(value)
    if value == int(value) and size < 1e15:
        text = f"{int(value):,}"
    else:
        text = f"{value:,.1f}" if size >= 1000 else f"{value:.3g}"
    return f"{text} {unit}" if unit else text


def clause(part: dict[str, Any]) -> str:
    """One field's part of the sentence.

    What is expected is expected of this row, so it may lie outside of where 98 % of the learnt rows lie.

    >>> clause({"field": "flow", "share": 1.0, "actual": 9.0, "expected": 2.0, "low": 4.0, "high": 8.0})
    'flow is 9, above the 2 expected of this very row (most rows 4 to 8)'
    >>> clause({"field": "new payee", "kind": "boolean", "share": 1.0, "actual": True, "expected": False})
    'new payee is yes, expected no'
    """
    unit = part.get("unit")
    name, actual = part["field"], amount(part["actual"], unit)
    if part.get("kind") == "category":
        return f"{name} is {actual}" + (
            ", never seen before" if part.get("unseen") else f", usually {part['expected']}"
        )
    if part["actual"] is None:
        return f"{name} is missing"
    expected = part.get("expected")
    truth = isinstance(part["actual"], bool)
    if truth or not isinstance(expected, int | float) or not isinstance(part["actual"], int | float):
        return f"{name} is {actual}, expected {amount(expected, unit)}"
    side = "above" if part["actual"] > expected else "below"
    low, high = part.get("low"), part.get("high")
    if low is None or high is None:
        return f"{name} is {actual}, {side} the expected {amount(expected, unit)}"
    usual = f"{amount(low)} to {amount(high, unit)}"
    if low <= expected <= high:
        return f"{name} is {actual}, {side} the expected {amount(expected, unit)} (usual {usual})"
    return f"{name} is {actual}, {side} the {amount(expected, unit)} expected of this very row (most rows {usual})"


def differs(part: dict[str, Any]) -> bool:
    """Whether a field's actual value, as people read it, is another than what is expected.

    >>> differs({"actual": 40.101, "expected": 40.1}), differs({"actual": 41, "expected": 40.1})
    (False, True)
    >>> differs({"actual": None, "expected": 2.0}), differs({"actual": "DE", "expected": "DE"})
    (True, False)
    """
    return bool(part.get("unseen")) or amount(part["actual"]) != amount(part.get("expected"))


def why(explanation: list[dict[str, Any]], outside: list[str]) -> tuple[str, str]:
    """The full sentence and a short form of at most 80 characters; a field that is as expected is not named.

    explanation: the fields with their shares, the largest first; outside: fields outside their configured range.

    >>> why([{"field": "flow", "share": .9, "actual": 31.2, "expected": 40.1, "low": 38.0, "high": 42.0}], [])
    ('flow is 31.2, below the expected 40.1 (usual 38 to 42).', 'flow 31.2, expected 40.1')
    """
    if outside:
        value = next((p["actual"] for p in explanation if p["field"] == outside[0]), None)
        return f"{outside[0]} is {amount(value)}, outside its configured range.", _short(
            f"{outside[0]} out of range"
        )
    odd = [p for p in explanation if differs(p)]
    telling = [p for p in odd if p["share"] >= WORTH][:NAMED] or odd[:1]
    full = "; ".join(clause(p) for p in telling) + "." if telling else "The row is unusual as a whole."
    return full, _short("; ".join(_brief(p) for p in telling) or "unusual as a whole")


def _brief(part: dict[str, Any]) -> str:
    unit = part.get("unit")
    if part.get("kind") == "category" and part.get("unseen"):
        return f"{part['field']} {part['actual']} is new"
    return f"{part['field']} {amount(part['actual'], unit)}, expected {amount(part.get('expected'), unit)}"


def _short(text: str) -> str:
    return text if len(text) <= BRIEF else text[: BRIEF - 1] + "…"
