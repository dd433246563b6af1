"""versions list, diff, promote, rollback, pin."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.jobs import Name
from monitor.cli.output import Json, opened, show, stamp, table

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.domain.version import Step

app = typer.Typer(help="The trained versions of a monitor.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(help="A version's number, such as 3 for v3.", show_default=False)]
LEARNT = "learnt from"
Why = Annotated[str, typer.Option("--why", help="The reason, kept with the version.", show_default=False)]


@app.command("list")
def listed(name: Name, as_json: Json = False) -> None:
    """List the versions of a monitor with everything that was decided on each, and why."""
    from monitor.domain.version import written
    from monitor.storage import monitors, versions

    with opened() as context, context.database.read() as session:
        found = versions.listed(session, monitors.named(session, name).monitor_id)
        now = context.now()
    nothing = f"No versions yet: {name} is learning; `monitor train {name}` trains now."
    heads = ("version", "state", "objective", "trained", "decisions, newest last")
    told = [[written(step) for step in v["decisions"]] for v in found]
    shown = [v | {"decision": steps[-1] if steps else None, "decisions": steps}
             for v, steps in zip(found, told, strict=True)]  # fmt: skip
    show(shown, as_json, table(heads, [line for v in found for line in _lines(v, now)], nothing))


def _lines(version: dict[str, Any], now: "datetime") -> list[tuple[Any, ...]]:
    """A line for each decision; the version is named on the first."""
    said = [f"{step.said('UTC', now)}: {step.reason}" for step in version["decisions"]] or ["not decided"]
    first = (f"v{version['number']}", _state(version), version["objective"], stamp(version["created_at"]))
    return [(*first, said[0]), *(("", "", "", "", words) for words in said[1:])]


def _state(version: dict[str, Any]) -> str:
    """The state, and what of it decides on whether one can go back to it."""
    more = [
        word for word, true in (("pinned", version["pinned"]), ("model dropped", version["emptied"])) if true
    ]
    return f"{version['state']} ({', '.join(more)})" if more else str(version["state"])


@app.command()
def diff(name: Name, old: Number, new: Number, as_json: Json = False) -> None:
    """Set two versions side by side: the rows and fields they learnt from, what was left out, the gate's figures."""
    from monitor.domain.version import steps
    from monitor.domain.writing import counted
    from monitor.storage import monitors, trained

    with opened() as context, context.database.read() as session:
        watched = monitors.named(session, name)
        both = [trained.version(session, watched.monitor_id, number) for number in (old, new)]
    unlearnt = watched.schema.unlearnt if watched.schema else {}
    facts = [_facts(v, steps(v.decision, v.decided_at), unlearnt) for v in both]
    keys = list(dict.fromkeys(key for each in facts for key in each))
    same = [k for k in keys if k.startswith("field ") and all(each.get(k) == LEARNT for each in facts)]
    rows = [(key, *(_said(each.get(key)) for each in facts)) for key in keys if key not in same]
    if same:
        rows.append((f"{counted(len(same), 'field')} the same", LEARNT, LEARNT))
    shown = {f"v{v.number}": each for v, each in zip(both, facts, strict=True)}
    show(shown, as_json, table(("", f"v{old}", f"v{new}"), rows, ""))


def _facts(version: Any, decided: "list[Step]", unlearnt: dict[str, str]) -> dict[str, Any]:
    """What is worth comparing, by the words that it is called."""
    held = version.manifest_held_back or {}
    gate = next((step for step in decided if step.figures), None)
    figures = {
        k.replace("_", " "): v for k, v in (gate.figures if gate else {}).items() if k != "calibration"
    }
    own = next((step for step in reversed(decided) if step.kind != "replaced"), None)
    replaced = decided[-1].other if decided and decided[-1].kind == "replaced" else None
    learnt = dict.fromkeys(version.facts.get("fields", []), LEARNT)
    fields = learnt | unlearnt | version.facts.get("refused", {})
    return {
        "state": version.state, "trained": stamp(version.created_at), "objective": version.objective,
        "rows": version.manifest_rows, "from": version.manifest_from, "to": version.manifest_to,
        "rows held back": held.get("rows"),
        **{f"left out, {reason}": n for reason, n in (version.manifest_left_out or {}).items()},
        **{f"field {field}": what for field, what in fields.items()},
        **{f"gate, {key}": figure for key, figure in figures.items()},
        "decided": f"{own.kind}: {own.reason}" if own else None,
        "replaced by": f"v{replaced}" if replaced is not None else None,
    }  # fmt: skip


def _said(value: Any) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


@app.command()
def promote(name: Name, number: Number, why: Why = "", as_json: Json = False) -> None:
    """Make a version the champion, whatever the gate said; who did and why is kept."""
    _promote(name, number, why, as_json)


@app.command()
def rollback(name: Name, why: Why = "", as_json: Json = False) -> None:
    """Go back to the champion before; again, to the one before that."""
    from monitor.domain.errors import MonitorError
    from monitor.storage import monitors, versions

    with opened() as context, context.database.read() as session:
        before = versions.previous(session, monitors.named(session, name).monitor_id)
    if before is None:
        raise MonitorError(f"{name} has no earlier champion to go back to")
    _promote(name, before, why, as_json, back=True)


@app.command()
def pin(
    name: Name,
    off: Annotated[bool, typer.Option("--off", help="Let the gate decide again.")] = False,
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Keep the champion: trainings go on, but none takes over by itself."""
    from monitor.jobs.pin import pin as set_pin

    with opened() as context, context.database.write() as session:
        champion = set_pin(session, name, not off, context.settings.actor, context.now(), why)
    done: dict[str, Any] = {"version": champion.number, "pinned": not off}
    show(done, as_json, f"v{champion.number} is {'no longer ' if off else ''}pinned")


def _promote(name: str, number: int, why: str, as_json: bool, back: bool = False) -> None:
    from monitor.scheduling import run_now
    from monitor.storage import monitors, versions

    with opened() as context:
        with context.database.read() as session:
            version = versions.numbered(session, monitors.named(session, name).monitor_id, number)
        asked = {"version_id": version.version_id, "by_hand": True, "why": why, "back": back}
        done = run_now(context, "promote", name, context.settings.actor, counts=asked)
    show(done, as_json, str(done["message"]))
