"""add: from a file or table of one's own to its first alerts."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.output import Json, opened, say, show
from monitor.cli.output import table as table_of

if TYPE_CHECKING:
    from monitor.jobs.context import Context
    from monitor.jobs.propose import Proposal

SEE = "see `monitor alerts list`, and what is older than three days with `--state suppressed`"


def register(app: typer.Typer) -> None:
    app.command()(add)


def add(
    source: Annotated[
        str, typer.Argument(help="A path or glob of CSV or Parquet, or a database's address: '${URL}'.")
    ],
    name: Annotated[str | None, typer.Option(help="The monitor's name; else made from the source's.")] = None,
    table: Annotated[str | None, typer.Option(help="For a database: the table to watch.")] = None,
    query: Annotated[str | None, typer.Option(help="For a database: a SELECT instead of a table.")] = None,
    cursor: Annotated[
        list[str] | None, typer.Option(help="For a database: a column its rows grow along; may be repeated.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it: pull, train, and replay its history.")] = False,
    as_json: Json = False,
) -> None:
    """Propose how to watch a source, with reasons; --yes does it."""
    from datetime import UTC, datetime

    from monitor.domain.monitor import Document
    from monitor.jobs.configuration import dump
    from monitor.jobs.propose import commented, name_of, propose, source_of

    watched, why = source_of(source, table=table, query=query, cursor=cursor)
    proposal = propose(watched, name or name_of(source, watched), datetime.now(UTC))
    reasons = [*why, *proposal.reasons]
    text = commented(dump(Document(monitors=[proposal.monitor])), reasons).rstrip()
    value = {"yaml": text, "reasons": dict(reasons), "fields": dict(proposal.fields), "result": None}
    say(table_of(("field", "what it is taken for"), proposal.fields, "") + "\n")
    if not yes:
        show(value, as_json, text)
        say("\nNothing was changed. Do it with --yes, or put this into a monitors.yaml.")
        return
    with opened() as context:
        result = _start(context, proposal)
    show(value | {"result": result}, as_json, f"{text}\n\n{result['message']}")


def _start(context: "Context", proposal: "Proposal") -> dict[str, Any]:
    from monitor.domain.errors import Conflict
    from monitor.domain.monitor import Document
    from monitor.domain.writing import counted
    from monitor.jobs.apply import apply
    from monitor.scheduling import run_now
    from monitor.storage import alerts, configuration, monitors

    name, actor = proposal.monitor.name, context.settings.actor
    with context.database.read() as session:
        present = configuration.current(session)
    if any(m.name == name for m in present.monitors):
        raise Conflict(f"there is a monitor {name!r} already; choose another with --name")
    apply(context, Document(monitors=[*present.monitors, proposal.monitor], channels=present.channels), actor)
    for job in ("pull", "train", "score"):
        say(f"{job}: {run_now(context, job, name, actor)['message']}")
    with context.database.read() as session:
        number, days = alerts.over(session, monitors.named(session, name).monitor_id, 30)
    began = (
        f"{counted(number, 'alert')} over the last {days:g} {'day' if days == 1 else 'days'} of its history"
    )
    return {"alerts": number, "days": days, "message": f"{began}; {SEE}"}
