"""evaluate: the honest yardstick for labelled history."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from monitor.cli.output import Json, show

Kind = Literal["tabular", "sensor"]
Objective = Literal["auto", "vanilla", "sparse", "denoising", "variational"]


def register(app: typer.Typer) -> None:
    app.command()(evaluate)


def evaluate(
    train: Annotated[Path, typer.Option(help="CSV or Parquet to learn from.")],
    test: Annotated[Path, typer.Option(help="CSV or Parquet to be judged on.")],
    label: Annotated[str, typer.Option(help="Column of the truth (0 or 1); hidden from the model.")],
    kind: Annotated[
        Kind, typer.Option(help="Whether a row stands alone or is a sample in time.")
    ] = "tabular",
    time: Annotated[str | None, typer.Option(help="Time column, needed for sensor.")] = None,
    entity: Annotated[str | None, typer.Option(help="Column of whose row it is.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="A column to leave out; may be repeated.")] = None,
    objective: Annotated[Objective, typer.Option(help="How the autoencoder is trained.")] = "auto",
    seed: Annotated[int, typer.Option(help="Two runs with one seed are equal.")] = 0,
    scores: Annotated[Path | None, typer.Option(help="Write a CSV line a TEST row.")] = None,
    contaminated: Annotated[
        bool,
        typer.Option(
            "--contaminated", help="TRAIN may hold unlabelled anomalies (else it is taken as clean)."
        ),
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="A score may use later rows, as papers do; jobs never do.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train on one labelled file, be judged on another.

    It goes through the very detector that jobs use.
    """
    from monitor.cli.progress import bar
    from monitor.training.evaluate import evaluate_files

    with bar(f"evaluate {test.name}") as progress:
        report = evaluate_files(
            train, test, label=label, kind=kind, time=time, entity=entity, exclude=exclude or [],
            objective=objective, seed=seed, scores=scores, contaminated=contaminated, offline=offline,
            progress=progress,
        )  # fmt: skip
    lines = [f"{name:>18}  {value:,.4g}" if isinstance(value, float) else f"{name:>18}  {value}"
             for name, value in report.items()]  # fmt: skip
    show(report, as_json, "\n".join(lines))
