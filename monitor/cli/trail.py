"""audit verify."""

import typer

from monitor.cli.output import Json, opened, show

app = typer.Typer(help="The audit trail.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """A group of commands, even while there is one."""


@app.command()
def verify(as_json: Json = False) -> None:
    """Check the whole chain; names the first line that was changed."""
    from monitor.domain.errors import MonitorError
    from monitor.domain.writing import counted
    from monitor.storage import audit

    with opened() as context, context.database.read() as session:
        chain = audit.verify(session)
    if chain.broken is not None:
        raise MonitorError(
            f"line {chain.broken} of the audit trail was changed; {counted(chain.rows, 'line')} before it whole"
        )
    value = {"rows": chain.rows, "head": chain.head, "broken": None}
    show(
        value,
        as_json,
        f"{counted(chain.rows, 'line')}, {'whole' if chain.rows == 1 else 'all whole'}; head {chain.head[:16]}",
    )
