"""Fitting the kind ``sensor``: forecasts, shapes and scales, each row judged by what was learned without it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from monitor.detection.calibration import independent
from monitor.detection.options import Options
from monitor.detection.sensor import SensorScorer
from monitor.detection.serve import VIEWS, Network, Session, member_views
from monitor.detection.surprise import Shape, squares, views_of, visible
from monitor.features import Windows
from monitor.features.base import Floats
from monitor.features.windows import Timeline, clock
from monitor.models.autoencoder import Coder
from monitor.training import recipes
from monitor.training.export import ServedForecast, export
from monitor.training.fitted import Fitted
from monitor.training.linear import Moments, shape
from monitor.training.samplers import WindowSampler
from monitor.training.train import Progress, train

FOLDS = 4  # spans of time: neighbours in time are too alike to be drawn at random
GAINS = (0.0, 0.25, 0.5, 0.75, 1.0)
ALL_WINDOWS = 200_000  # beyond these, windows are thinned evenly
WORTH = 0.05  # of the loss: what the network must save to have a say
JUDGED = 5_000  # windows a fold that choose the gain
FEW = 16  # windows: with fewer, padded ones are learned from too


@dataclass(frozen=True)
class Closed:
    """What is known in closed form without each fold, and last of all rows."""

    weight: Tensor  # (folds + 1, VIEWS, inputs, fields)
    bias: Tensor  # (folds + 1, VIEWS, 1, fields)
    shapes: list[Shape]


def fit_sensor(frame: pd.DataFrame, options: Options, tell: Progress) -> Fitted:
    """Learns from all rows; scales and calibration come from rows that their forecast did not see."""
    features = Windows.fit(frame, options.columns)
    line = features.timeline(frame, learning=True)
    seconds = clock(frame, options.columns)[1][line.rows]  # (n,)
    fold = _folds(seconds)
    views = views_of(line.z)  # (VIEWS, n, fields)
    ends = _ends(line)
    parts = _without(ends, fold)
    tell(0.05, "linear forecast")
    closed = _closed(views, line, parts)
    name, reason = recipes.choose(options, len(frame), len(features.fields))
    places = [torch.from_numpy(line.places(part)) for part in parts for _ in range(VIEWS)]
    members = torch.from_numpy(member_views(len(places)))
    sampler = WindowSampler(views, members, places, closed.weight.flatten(0, 1), closed.bias.flatten(0, 1))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        inputs, fields = closed.weight.shape[2:]
        recipe = recipes.sensor(name, inputs, fields, options.contaminated, len(parts))
        module = train(recipe, sampler, options.seed, lambda done, words: tell(0.2 + 0.6 * done, words))
    coders = [module.of(slice(at, at + VIEWS)) for at in range(0, len(places), VIEWS)]
    tell(0.85, "measuring what is usual")
    gain = _gain(coders, closed, views, line, ends, fold)
    odd = _apart(coders, closed, gain, line, fold)
    example = torch.from_numpy(visible(views[:, line.places(ends[:64])]))
    model = export(_served(coders[-1], closed, -1, gain), example)
    scorer = SensorScorer.fit(features, Session(model), closed.shapes[-1], line, odd, options.offline)
    scores, _, _ = scorer.along(line, odd)
    held = line.ready if line.ready.any() else np.ones(len(line.ready), bool)
    return Fitted(
        model=model,
        scorer=scorer,
        held_scores=scores[held],
        independent=independent(scores[held], seconds[held]),
        rows_trained=len(frame),
        objective=name,
        reason=reason,
        refused=features.refused,
        curve=module.curve,
        more={"steps": features.steps, "gain": gain.tolist(), "gap_seconds": features.gap},
    )


def _folds(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n,): which span of time a row lies in, of FOLDS with equally many rows; without a time the last."""
    fold = np.empty(len(seconds), np.int64)
    fold[np.argsort(seconds, kind="stable")] = np.arange(len(seconds)) * FOLDS // len(seconds)
    return fold


def _ends(line: Timeline) -> NDArray[np.int64]:
    """Ends of the windows to learn from; padded ones only where there are hardly any others."""
    ends = np.flatnonzero(line.ready)
    if len(ends) < FEW:
        ends = np.arange(len(line.z))
    return ends[:: max(1, len(ends) // ALL_WINDOWS)]


def _without(ends: NDArray[np.int64], fold: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The ends outside of each fold, and last all; a fold that holds nearly all is not left out."""
    parts = [ends[fold[ends] != f] for f in range(FOLDS)]
    return [part if len(part) >= FEW else ends for part in parts] + [ends]


def _closed(views: Floats, line: Timeline, parts: list[NDArray[np.int64]]) -> Closed:
    """``parts``: ends to learn from; the last holds all, and sums of the others are its less a few."""
    found = []
    for view in views:
        whole = Moments.of(view, line.places(parts[-1]))
        left = [np.setdiff1d(parts[-1], part, assume_unique=True) for part in parts[:-1]]
        found.append([*(whole - Moments.of(view, line.places(ends)) for ends in left), whole])
    each = list(zip(*found, strict=True))  # (folds + 1, VIEWS)
    forecasts = [[moments.forecast(views.shape[2]) for moments in pair] for pair in each]
    weight, bias = (
        torch.from_numpy(np.stack([np.stack([one[at] for one in pair]) for pair in forecasts]))
        for at in (0, 1)
    )
    return Closed(weight, bias, [shape(list(pair)) for pair in each])


def _gain(
    coders: list[Coder],
    closed: Closed,
    views: Floats,
    line: Timeline,
    ends: NDArray[np.int64],
    fold: NDArray[np.int64],
) -> Tensor:
    """(VIEWS,): how much of the network's part helps on folds it did not see; 0 where it hardly does."""
    losses = torch.zeros(len(GAINS), VIEWS)
    for f in range(FOLDS):
        held = ends[fold[ends] == f]
        held = held[:: max(1, len(held) // JUDGED)]
        windows = torch.from_numpy(views[:, line.places(held)])  # (VIEWS, m, steps, fields)
        x = windows[:, :, :-1].flatten(2)  # (VIEWS, m, inputs)
        left = windows[:, :, -1] - torch.baddbmm(closed.bias[f], x, closed.weight[f])
        with torch.no_grad():
            output, _ = coders[f](x)  # (VIEWS, m, fields)
        for at, gain in enumerate(GAINS):
            losses[at] += F.smooth_l1_loss(gain * output, left, reduction="none").sum((1, 2))
    enough = losses <= (1 - WORTH) * losses[0]  # (gains, VIEWS)
    best = torch.where(enough, losses, torch.inf).argmin(0)
    return torch.where(enough.any(0), torch.tensor(GAINS)[best], 0.0)


def _served(coder: Coder, closed: Closed, fold: int, gain: Tensor) -> ServedForecast:
    return ServedForecast(coder, closed.weight[fold], closed.bias[fold], gain[:, None, None])


def _apart(
    coders: list[Coder], closed: Closed, gain: Tensor, line: Timeline, fold: NDArray[np.int64]
) -> Floats:
    """Squares (3, VIEWS, n, fields) of the training rows, each from what was learned outside its fold."""
    odd = np.empty((3, VIEWS, *line.z.shape), np.float32)
    for f in range(FOLDS):
        rows = np.flatnonzero(fold == f)
        served = _served(coders[f], closed, f, gain).eval()
        odd[:, :, rows] = squares(_torch(served), closed.shapes[f], line, rows)
    return odd


def _torch(served: ServedForecast) -> Network:
    """A module as scoring calls a network."""

    def run(x: Floats) -> tuple[Floats, Floats]:
        with torch.no_grad():
            output, code = served(torch.from_numpy(x))
        return output.numpy(), code.numpy()

    return run
