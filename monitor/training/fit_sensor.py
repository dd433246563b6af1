"""Fitting the kind ``sensor``: linear forecast, the network beside it, its gain, and the scales of the score."""

import dataclasses

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from monitor.detection.options import Options
from monitor.detection.sensor import SensorScorer, views_of, visible
from monitor.detection.serve import VIEWS, Session, member_views
from monitor.features import Windows
from monitor.features.base import Floats
from monitor.features.windows import Timeline, clock
from monitor.models.autoencoder import Autoencoder
from monitor.training import recipes
from monitor.training.export import ServedForecast, export
from monitor.training.fitted import Fitted
from monitor.training.linear import forecast
from monitor.training.samplers import WindowSampler
from monitor.training.train import Progress, train

HELD_BACK = 0.2  # the last block of each entity: neighbours in time are too alike to be drawn at random
VALIDATED = 0.15  # of the training windows, the latest: they choose the gain
GAINS = (0.0, 0.25, 0.5, 0.75, 1.0)
ALL_WINDOWS = 200_000  # beyond these, windows are thinned evenly


def fit_sensor(frame: pd.DataFrame, options: Options, tell: Progress) -> Fitted:
    """Trains on the first four fifths of each entity's time and calibrates on the rest."""
    early = _early(frame, options)
    features = Windows.fit(frame[early], options.columns)
    line = features.timeline(frame)
    learned = early[line.rows]  # (n,) in the order of the timeline
    views = views_of(line.z)  # (2, n, fields)
    fitting, validating = _windows(line, learned)
    tell(0.05, "linear forecast")
    weight, bias = _linear(views, line.places(fitting))
    name, reason = recipes.choose(options, int(learned.sum()), len(features.fields))
    members = torch.from_numpy(member_views(VIEWS))
    sampler = WindowSampler(views, members, torch.from_numpy(line.places(fitting)), weight, bias)
    later = torch.from_numpy(line.places(validating))
    unseen = WindowSampler(views, members, later, weight, bias) if len(later) else None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        inputs, fields = weight.shape[1:]
        recipe = recipes.sensor(name, inputs, fields, options.contaminated)
        module = train(
            recipe, sampler, options.seed, lambda done, words: tell(0.2 + 0.6 * done, words), unseen
        )
    gain = _gain(module, sampler, later)  # (K,)
    # The forecast the network was trained beside; once the gain is known nothing speaks against using all rows.
    weight, bias = _linear(views, line.places(np.append(fitting, validating)))
    example = torch.from_numpy(visible(views[:, line.places(fitting[:64])]))
    model = export(ServedForecast(module, weight, bias, gain[:, None, None]), example)
    tell(0.85, "measuring what is usual")
    scorer = SensorScorer.fit(features, Session(model), _only(line, learned), options.offline)
    scores, _ = scorer.along(line)
    held = ~learned & line.ready if (~learned & line.ready).any() else ~learned
    return Fitted(
        model=model,
        scorer=scorer,
        held_scores=scores[held],
        rows_trained=int(learned.sum()),
        objective=name,
        reason=reason,
        refused=features.refused,
        curve=module.curve,
        more={"steps": features.steps, "gain": gain.tolist(), "gap_seconds": features.gap},
    )


def _early(frame: pd.DataFrame, options: Options) -> NDArray[np.bool_]:
    """(n,): whether a row lies in the first part of its entity's time."""
    entity, seconds = clock(frame, options.columns)
    order = np.lexsort((np.arange(len(frame)), seconds, entity))
    _, starts, counts = np.unique(entity[order], return_index=True, return_counts=True)
    place = np.arange(len(frame)) - np.repeat(starts, counts)
    early = np.empty(len(frame), bool)
    early[order] = place < np.repeat(np.ceil((1 - HELD_BACK) * counts), counts)
    return early


def _windows(line: Timeline, learned: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ends of the windows to fit and to validate on; padded ones only where there are hardly any others."""
    ends = np.flatnonzero(learned & line.ready)
    if len(ends) < 16:
        ends = np.flatnonzero(learned)
    cut = max(1, round((1 - VALIDATED) * len(ends)))
    fitting = ends[:cut]
    return fitting[:: max(1, len(fitting) // ALL_WINDOWS)], ends[cut:][: ALL_WINDOWS // 10]


def _linear(views: Floats, places: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Weight (K, inputs, fields) and bias (K, 1, fields) of the forecast in each view (views, n, fields)."""
    found = [forecast(view, places) for view in views]
    weight, bias = (torch.from_numpy(np.stack(each)) for each in zip(*found, strict=True))
    return weight, bias


def _gain(module: Autoencoder, sampler: WindowSampler, places: Tensor) -> Tensor:
    """(K,): how much of the network's part helps on windows it did not see; 0 where none does."""
    if not len(places):
        return torch.zeros(module.network.members)
    with torch.no_grad():
        x, left = sampler.windows(places.expand(module.network.members, *places.shape))
        output, _ = module(x)  # (K, m, fields)
        losses = torch.stack(
            [F.smooth_l1_loss(gain * output, left, reduction="none").mean((1, 2)) for gain in GAINS]
        )  # (gains, K)
    return torch.tensor(GAINS)[losses.argmin(0)]


def _only(line: Timeline, kept: NDArray[np.bool_]) -> Timeline:
    """The rows ``kept``, of which each has all earlier rows of its segment."""
    place = np.cumsum(kept) - 1
    return dataclasses.replace(
        line, z=line.z[kept], missing=line.missing[kept], first=place[line.first[kept]], rows=line.rows[kept]
    )
