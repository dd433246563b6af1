"""suppress MONITOR, suppress list, suppress end: alerts that nobody is to be shown for a while."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from monitor.cli.output import Json, opened, show, stamp, table


class _Muting(TyperGroup):
    """``suppress boiler ...`` is short for ``suppress add boiler ...``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["add", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Muting,
    help="Mutes: alerts that nobody is shown for a while. They are stored.",
    no_args_is_help=True,
)


@app.command()
def add(
    monitor: Annotated[str, typer.Argument(help="A monitor's name.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why; whoever misses an alert reads it.", show_default=False)],
    entity: Annotated[str | None, typer.Option(help="Only alerts of this entity.")] = None,
    until: Annotated[str | None, typer.Option(help="A date or a time (UTC).")] = None,
    span: Annotated[str | None, typer.Option("--for", help="Or how long: 2d.")] = None,
    as_json: Json = False,
) -> None:
    """Mute a monitor, or one entity; `suppress MONITOR` does the same."""
    from monitor.jobs import mute

    with opened() as context:
        now = context.now()
        end = mute.read_end(until, span, now)
        with context.database.write() as session:
            actor = context.settings.actor
            number = mute.add(session, monitor, actor, now, entity=entity, until=end, reason=reason)
    what = f"{entity} of {monitor}" if entity else monitor
    show({"suppression_id": number, "ends_at": end}, as_json, f"mute {number}: {what} until {stamp(end)}")


@app.command("list")
def listed(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    as_json: Json = False,
) -> None:
    """List the mutes in force."""
    from monitor.storage import mutes

    with opened() as context, context.database.read() as session:
        found = mutes.listed(session, context.now(), ended=everything)
    rows = [(m["suppression_id"], m["monitor"], m["entity"] or "all of it", m["actor"], stamp(m["ends_at"]),
             m["suppressed"], m["reason"]) for m in found]  # fmt: skip
    nothing = "No mutes: every alert is shown."
    columns = ("mute", "monitor", "entity", "by", "until", "alerts", "reason")
    show(found, as_json, table(columns, rows, nothing))


@app.command()
def end(
    number: Annotated[int, typer.Argument(help="A mute's number.", show_default=False)], as_json: Json = False
) -> None:
    """End a mute now; what comes from then on is shown."""
    from monitor.jobs import mute

    with opened() as context, context.database.write() as session:
        ended = mute.end(session, number, context.settings.actor, context.now())
    show({"suppression_id": number, "reason": ended.reason}, as_json, f"mute {number} is over")
