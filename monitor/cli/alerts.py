"""alerts list, show, review: triage from the shell."""

import uuid
from typing import Annotated, Any, Literal

import typer

from monitor.cli.output import Json, opened, show, stamp, table

app = typer.Typer(help="The queue, one alert, a verdict.", no_args_is_help=True)
State = Literal["open", "snoozed", "closed", "waiting", "suppressed"]
Alert = Annotated[str, typer.Argument(help="An alert's id, as `alerts list` shows it.", show_default=False)]


@app.command("list")
def listed(
    queue: Annotated[str | None, typer.Option(help="Only this queue.")] = None,
    state: Annotated[State, typer.Option(help="In which state.")] = "open",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=10_000)] = 100,
    as_json: Json = False,
) -> None:
    """List alerts, the most urgent first; closed ones as what, by whom and when, the last first."""
    from monitor.storage import alerts

    with opened() as context, context.database.read() as session:
        found = alerts.listed(session, state, queue, limit)
        now = context.now()
    closed = state == "closed"
    rows = [(a["public_id"], a["severity"], a["monitor"], a["entity"] or "",
             *((a["verdict"], a["closed_by"], stamp(a["closed_at"], now)) if closed
               else (stamp(a["first_event_at"], now),)), a["brief"]) for a in found]  # fmt: skip
    heads = ("verdict", "by", "closed") if closed else ("began",)
    nothing = "No open alerts: nothing needs you now." if state == "open" else f"No {state} alerts."
    show(found, as_json, table(("alert", "severity", "monitor", "entity", *heads, "why"), rows, nothing))


@app.command("show")
def one(alert: Alert, as_json: Json = False) -> None:
    """Show one alert: why, expected against actual, its rows."""
    from monitor.domain.sentence import amount
    from monitor.domain.writing import counted, odds
    from monitor.storage import alerts

    with opened() as context, context.database.read() as session:
        found = alerts.described(session, alert)
    lines = [
        f"{found['severity'].capitalize()} · {found['monitor']} · {found['entity'] or 'no entity'} · {found['state']}",
        found["why"],
        f"began {stamp(found['first_event_at'])}, {counted(found['members'], 'row')}, the oddest: "
        f"{odds(found['p_value'], found['compared'])} normal rows; flagged: {found['reason']}",
        "",
    ]
    fields = [(p["field"], amount(p["actual"]), amount(p["expected"]), _usual(p), f"{p['share']:.0%}")
              for p in found["explanation"]]  # fmt: skip
    lines.append(table(("field", "actual", "expected", "usual", "share"), fields, ""))
    show(found, as_json, "\n".join(lines))


def _usual(part: dict[str, Any]) -> str:
    from monitor.domain.sentence import amount

    return "" if part.get("low") is None else f"{amount(part['low'])} to {amount(part['high'])}"


@app.command("review")
def review(
    alert: Alert,
    verdict: Annotated[
        str,
        typer.Argument(
            help="true, expected, valuable, false, new_normal, data_problem, wrong_team or missed; or undo.",
            show_default=False,
        ),
    ],
    note: Annotated[str | None, typer.Option(help="A word to whoever reads it later.")] = None,
    as_json: Json = False,
) -> None:
    """Give a verdict, or take it back with `undo`."""
    from monitor.jobs import review as reviewing
    from monitor.storage import reviews

    with opened() as context:
        actor, now = context.settings.actor, context.now()
        with context.database.write() as session:
            standing = reviews.standing_of(session, alert)
            if verdict == "undo":
                number = reviewing.reopen(session, standing.alert_id, actor, now)
            else:
                key = f"shell-{uuid.uuid4().hex}"
                number = reviewing.review(session, standing.alert_id, verdict, actor, now, key, note=note)
    done = f"{alert}: {'verdict taken back' if verdict == 'undo' else verdict}"
    show({"alert": alert, "verdict": verdict, "review_id": number}, as_json, done)
