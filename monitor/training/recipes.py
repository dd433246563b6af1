"""Which network and objective each name stands for, and which of them ``auto`` takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from monitor.detection.options import Options
from monitor.detection.serve import VIEWS
from monitor.domain.writing import counted
from monitor.models.networks import Network, dense, residual, windowed
from monitor.models.objectives import Denoising, Objective, Sparse, Vanilla, Variational

MEMBERS = 4
WIDEST_CODE = 64
TRIM = 0.3  # share of a batch left out when training rows may hold anomalies
NOISE = (0.1, 0.3, 0.6, 1.0)  # one level a member: together they see near and far


@dataclass(frozen=True)
class Recipe:
    network: Network
    objective: Objective
    steps: int
    batch: int


def choose(options: Options, rows: int, fields: int, categories: int = 0) -> tuple[str, str]:
    """The objective to train, and why; known without any label.

    ``categories``: how many of the ``fields`` are no numbers.
    """
    if options.objective != "auto":
        return options.objective, "asked for by name"
    if options.kind == "sensor":
        return "denoising", (
            f"sensor series of {counted(fields, 'field')}: the linear forecast carries most of the score, and noise "
            "on the input is the mildest way to keep the network beside it from copying"
        )
    learnt = f"the {rows:,} training rows of {counted(fields, 'field')}"
    if options.contaminated:
        return "sparse", (
            f"{learnt} may hold anomalies: a few active units learn what most rows share, and copy odd rows least; "
            + _left_out(fields, categories)
        )
    return "denoising", (
        f"{learnt} are taken as clean: a wide network that takes noise off learns most of them and, without a "
        "bottleneck, needs no width chosen for so many fields"
    )


def _left_out(fields: int, categories: int) -> str:
    if not categories:
        return "the rows that fit worst are left out of each step"
    if categories == fields:
        return "no row is left out for fitting badly, since a rarer category is no contamination"
    others = "1 other is" if categories == 1 else f"{categories} others are"
    return f"the rows whose numbers fit worst are left out of each step ({others} not counted: rare is not wrong)"


def tabular(name: str, columns: int, contaminated: bool, measured: NDArray[np.bool_]) -> Recipe:
    """``columns`` in and out; robust settings when training rows may hold anomalies.

    ``measured`` (columns,): what counts when rows are left out; without any, none are.
    """
    recipe = _tabular(name, columns, contaminated, TRIM if contaminated and measured.any() else 0.0)
    recipe.objective.judged = None if measured.all() else torch.from_numpy(measured)
    return recipe


def _tabular(name: str, columns: int, contaminated: bool, trim: float) -> Recipe:
    steps, batch = (300, 64) if contaminated else (500, 128)
    if name == "denoising":
        network = residual(columns, columns, MEMBERS)
        return Recipe(network, Denoising(NOISE, trim), 300 if contaminated else 600, batch)
    if name == "sparse":
        width, kept = (32, 4) if contaminated else (WIDEST_CODE, 8)
        return Recipe(dense(columns, columns, [width] * MEMBERS), Sparse(kept, trim), steps, batch)
    if name == "variational":
        codes = _codes(columns, (0.25, 0.25, 0.5, 0.5))
        objective = Variational(MEMBERS, columns, trim=trim)
        return Recipe(dense(columns, columns, codes, objective.spread), objective, steps, batch)
    codes = _codes(columns, (0.15, 0.15, 0.3, 0.3) if contaminated else (0.15, 0.25, 0.5, 0.75))
    return Recipe(dense(columns, columns, codes), Vanilla(trim), steps, batch)


def _codes(columns: int, shares: Sequence[float]) -> list[int]:
    return [min(WIDEST_CODE, max(1, round(share * columns))) for share in shares]


def sensor(name: str, inputs: int, outputs: int, contaminated: bool, folds: int) -> Recipe:
    """A member a view for each of ``folds``; the linear forecast beside them is what costs and carries most."""
    members = VIEWS * folds
    trim = TRIM if contaminated else 0.0
    objectives: dict[str, Objective] = {
        "vanilla": Vanilla(trim, robust_loss=True),
        "sparse": Sparse(12, trim, robust_loss=True),
        "denoising": Denoising(NOISE[:VIEWS] * folds, trim, robust_loss=True),
        "variational": Variational(members, outputs, trim=trim, robust_loss=True),
    }
    objective = objectives[name]
    return Recipe(windowed(inputs, outputs, members, 48, objective.spread), objective, 100, 64)
