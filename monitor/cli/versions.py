"""versions list, promote, rollback, pin."""

from typing import Annotated, Any

import typer

from monitor.cli.jobs import Name
from monitor.cli.output import Json, opened, show, stamp, table

app = typer.Typer(help="The trained versions of a monitor.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(help="A version's number, such as 3 for v3.", show_default=False)]


@app.command("list")
def listed(name: Name, as_json: Json = False) -> None:
    """List the versions of a monitor with what the gate decided and why."""
    from monitor.storage import monitors, versions

    with opened() as context, context.database.read() as session:
        found = versions.listed(session, monitors.named(session, name).monitor_id)
    rows = [(f"v{v['number']}", _state(v), v["objective"],
             stamp(v["created_at"]), (v["decision"] or {}).get("reason", "not decided")) for v in found]  # fmt: skip
    nothing = f"No versions yet: {name} is learning; `monitor train {name}` trains now."
    show(found, as_json, table(("version", "state", "objective", "trained", "decision"), rows, nothing))


def _state(version: dict[str, Any]) -> str:
    """The state, and what of it decides on whether one can go back to it."""
    more = [
        word for word, true in (("pinned", version["pinned"]), ("model dropped", version["emptied"])) if true
    ]
    return f"{version['state']} ({', '.join(more)})" if more else str(version["state"])


@app.command()
def promote(name: Name, number: Number, as_json: Json = False) -> None:
    """Make a version the champion, whatever the gate said; the trail keeps who did."""
    _promote(name, number, as_json)


@app.command()
def rollback(name: Name, as_json: Json = False) -> None:
    """Go back to the champion before."""
    from monitor.domain.errors import MonitorError
    from monitor.storage import monitors, versions

    with opened() as context, context.database.read() as session:
        before = versions.previous(session, monitors.named(session, name).monitor_id)
    if before is None:
        raise MonitorError(f"{name} has no earlier champion to go back to")
    _promote(name, before, as_json)


@app.command()
def pin(
    name: Name,
    off: Annotated[bool, typer.Option("--off", help="Let the gate decide again.")] = False,
    as_json: Json = False,
) -> None:
    """Keep the champion: trainings go on, but none takes over by itself."""
    from monitor.domain.errors import MonitorError
    from monitor.storage import audit, monitors, versions

    with opened() as context, context.database.write() as session:
        champion = versions.champion(session, monitors.named(session, name).monitor_id)
        if champion is None:
            raise MonitorError(f"{name} has no champion yet")
        versions.set_pinned(session, champion, not off)
        action = "version.unpinned" if off else "version.pinned"
        audit.append(session, context.now(), context.settings.actor, action, f"monitor:{name}",
                     {"version": champion.number})  # fmt: skip
    done: dict[str, Any] = {"version": champion.number, "pinned": not off}
    show(done, as_json, f"v{champion.number} is {'no longer ' if off else ''}pinned")


def _promote(name: str, number: int, as_json: bool) -> None:
    from monitor.scheduling import run_now
    from monitor.storage import monitors, versions

    with opened() as context:
        with context.database.read() as session:
            version = versions.numbered(session, monitors.named(session, name).monitor_id, number)
        asked = {"version_id": version.version_id, "by_hand": True}
        done = run_now(context, "promote", name, context.settings.actor, counts=asked)
    show(done, as_json, str(done["message"]))
