"""demo up, demo break."""

import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer

from monitor.cli.output import Json, say, show
from monitor.cli.services import Port, address, announce

app = typer.Typer(help="Three feeds to look at, and faults on demand.",
                  no_args_is_help=True)  # fmt: skip


@app.command()
def up(port: Port = 8501, as_json: Json = False) -> None:
    """Prepare the feeds, then run everything until Ctrl-C; a second start goes on from where it was."""
    from monitor.demo.up import up as start
    from monitor.settings import Settings

    announce(as_json, {"dashboard": address(port)})
    with redirect_stdout(sys.stderr if as_json else sys.stdout):
        start(Settings(), port)


@app.command("break")
def break_feed(
    feed: Annotated[str, typer.Argument(help="shuttle or payments.")] = "shuttle", as_json: Json = False
) -> None:
    """Put a fault into a feed; an alert follows within one tick."""
    from monitor.demo.fault import break_feed as plant
    from monitor.settings import Settings

    done = plant(Settings().home, feed)
    say("Watch the Alerts page.")
    show({"message": done}, as_json, done)
