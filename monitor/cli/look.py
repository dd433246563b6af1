"""status, quarantine list: what is going on."""

from typing import Annotated

import typer

from monitor.cli.jobs import Name
from monitor.cli.output import Json, opened, show, stamp, table

quarantine = typer.Typer(help="Rows that could not be used.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.command()(status)


def status(as_json: Json = False) -> None:
    """Show how each monitor and each channel fares; 1 if one is late or failing."""
    from monitor.storage import health

    with opened() as context, context.database.read() as session:
        now = context.now()
        found = health.of_all(session, now)
        channels = health.of_channels(session, now)
    rows = [(h["monitor"], h["state"], stamp(h["last_success"]["pull"], now), h["lag"], h["open_alerts"],
             h["message"] or "") for h in found]  # fmt: skip
    nothing = "No monitors yet: write a monitors.yaml and `monitor apply` it, or try `make demo`."
    text = table(("monitor", "state", "last pull", "lag", "open", "what is wrong"), rows, nothing)
    sent = [(c["channel"], c["state"], c["pending"], stamp(c["waiting_since"], now) if c["pending"] else "",
             c["dead"], c["message"] or "") for c in channels]  # fmt: skip
    if sent:
        columns = ("channel", "state", "waiting", "since", "given up", "what is wrong")
        text = f"{text}\n\n{table(columns, sent, '')}"
    show({"monitors": found, "channels": channels}, as_json, text)
    if any(h["state"] in ("late", "failing") for h in [*found, *channels]):
        raise typer.Exit(1)


@quarantine.callback()
def _group() -> None:
    """A group of commands, even while there is one."""


@quarantine.command("list")
def listed(
    name: Name,
    limit: Annotated[int, typer.Option(help="At most so many, newest first.", min=1, max=10_000)] = 50,
    as_json: Json = False,
) -> None:
    """List rows that could not be used, each with its reason."""
    from monitor.storage import monitors
    from monitor.storage import quarantine as storage

    with opened() as context, context.database.read() as session:
        monitor_id = monitors.named(session, name).monitor_id
        found = storage.listed(session, monitor_id, limit)
    rows = [(stamp(q["at"]), q["origin"], q["reason"]) for q in found]
    show(
        found,
        as_json,
        table(("when", "where", "reason"), rows, "Nothing in quarantine: every row could be used."),
    )
