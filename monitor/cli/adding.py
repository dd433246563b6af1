"""add: from a file or table of one's own to its first alerts."""

from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.output import Json, opened, say, show, table

if TYPE_CHECKING:
    from monitor.jobs.context import Context
    from monitor.jobs.propose import Proposal


def register(app: typer.Typer) -> None:
    app.command()(add)


def add(
    source: Annotated[str, typer.Argument(help="A path or glob of CSV or Parquet, or ${URL} of a database.")],
    name: Annotated[str | None, typer.Option(help="The monitor's name; else made from the source's.")] = None,
    query: Annotated[str | None, typer.Option(help="For a database: the SELECT to watch.")] = None,
    cursor: Annotated[
        list[str] | None,
        typer.Option(help="For a database: the columns its rows grow along; may be repeated."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it: pull, train, and replay its history.")] = False,
    as_json: Json = False,
) -> None:
    """Propose how to watch a source, with reasons; --yes does it."""
    from monitor.domain.monitor import Document
    from monitor.jobs.configuration import dump
    from monitor.jobs.propose import name_of, propose, source_of

    proposal = propose(source_of(source, query, cursor or []), name or name_of(source))
    text = dump(Document(monitors=[proposal.monitor])).rstrip()
    value = {"yaml": text, "reasons": dict(proposal.reasons), "result": None}
    say(table(("what", "why"), proposal.reasons, ""))
    if not yes:
        show(
            value,
            as_json,
            f"\n{text}\n\nNothing was changed. Do it with --yes, or put this into a monitors.yaml.",
        )
        return
    with opened() as context:
        result = _start(context, proposal)
    show(value | {"result": result}, as_json, f"\n{text}\n\n{result}")


def _start(context: "Context", proposal: "Proposal") -> str:
    from monitor.domain.monitor import Document
    from monitor.jobs.apply import apply
    from monitor.scheduling import run_now
    from monitor.storage import alerts, configuration, monitors

    name, actor = proposal.monitor.name, context.settings.actor
    with context.database.read() as session:
        present = configuration.current(session)
    others = [m for m in present.monitors if m.name != name]
    apply(context, Document(monitors=[*others, proposal.monitor], channels=present.channels), actor)
    for job in ("pull", "train", "score"):
        say(f"{job}: {run_now(context, job, name, actor)['message']}")
    with context.database.read() as session:
        opened_alerts, days = alerts.over(session, monitors.named(session, name).monitor_id, 30)
    span = f"the {days:g} days of its history (at most the last 30)"
    return f"{opened_alerts} alerts over {span}; see `monitor alerts list`"
