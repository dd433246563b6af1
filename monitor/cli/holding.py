"""hold add, list, release: what neither retention nor an erasure takes."""

from typing import Annotated

import typer

from monitor.cli.output import Json, opened, show, stamp, table

app = typer.Typer(help="Rows that neither retention nor an erasure takes.", no_args_is_help=True)


@app.command()
def add(
    reason: Annotated[str, typer.Option(help="Why; whoever finds the hold reads it.", show_default=False)],
    until: Annotated[str, typer.Option(help="A date (UTC), or how long: 180d.", show_default=False)],
    entity: Annotated[str | None, typer.Option(help="Hold the rows of this entity.")] = None,
    monitor: Annotated[str | None, typer.Option(help="... of this monitor alone.")] = None,
    alert: Annotated[str | None, typer.Option(help="Or hold this alert with its rows.")] = None,
    as_json: Json = False,
) -> None:
    """Keep rows of an entity or an alert, whatever retention says."""
    from monitor.jobs import hold

    with opened() as context:
        end = hold.read_until(until, context.now())
        number = hold.add(
            context,
            context.settings.actor,
            entity=entity,
            monitor=monitor,
            alert=alert,
            reason=reason,
            until=end,
        )
    show({"hold_id": number, "ends_at": end}, as_json, f"hold {number} stands until {stamp(end)}")


@app.command("list")
def listed(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    as_json: Json = False,
) -> None:
    """List the holds that stand."""
    from monitor.storage import holds

    with opened() as context, context.database.read() as session:
        found = holds.listed(session, context.now(), ended=everything)
    rows = [
        (h["hold_id"], h["entity"] or f"alert {h['alert']}", h["monitor"] or "all monitors", h["actor"],
         stamp(h["released_at"] or h["ends_at"]), h["reason"])
        for h in found
    ]  # fmt: skip
    nothing = "No holds: retention and erasures take what they are told to."
    show(found, as_json, table(("hold", "what", "where", "by", "until", "reason"), rows, nothing))


@app.command()
def release(
    number: Annotated[int, typer.Argument(help="A hold's number.", show_default=False)], as_json: Json = False
) -> None:
    """End a hold before its time."""
    from monitor.jobs import hold

    with opened() as context:
        ended = hold.release(context, context.settings.actor, number)
    show({"hold_id": number, "reason": ended.reason}, as_json, f"hold {number} is over")
