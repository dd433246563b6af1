"""Fitting the kind ``tabular``."""

import numpy as np
import pandas as pd
import torch

from monitor.detection.options import Options
from monitor.detection.serve import Session, member_views
from monitor.detection.tabular import TabularScorer, views_of
from monitor.features import Tabular
from monitor.training import recipes
from monitor.training.export import Served, export
from monitor.training.fitted import Fitted
from monitor.training.samplers import RowSampler
from monitor.training.train import Progress, train

HELD_BACK = 0.2
MOST_HELD = 5_000


def fit_tabular(
    frame: pd.DataFrame, options: Options, tell: Progress, context: pd.DataFrame | None = None
) -> Fitted:
    """Trains on four fifths of the rows and calibrates on the others, drawn by the seed."""
    order = np.random.default_rng(options.seed).permutation(len(frame))
    held_rows = min(MOST_HELD, round(HELD_BACK * len(frame)))
    learned = order[held_rows:]
    # In the order they came in, which tells a counter.
    features = Tabular.fit(frame.iloc[np.sort(learned)], options.columns)
    features, frame = features.remembering(frame, context, learned, options.columns)
    held, rest = frame.iloc[order[:held_rows]], frame.iloc[learned]
    views = views_of(features.transform(rest))  # (2, n, d)
    fields = len(features.fields)
    categories = fields - int(features.measured.sum())
    name, reason = recipes.choose(options, len(rest), fields, categories)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        recipe = recipes.tabular(name, views.shape[2], options.contaminated, features.measured)
        members = torch.from_numpy(member_views(recipes.MEMBERS))
        sampler, unseen = RowSampler(views, members), RowSampler(views_of(features.transform(held)), members)
        module = train(
            recipe, sampler, options.seed, lambda done, words: tell(0.05 + 0.8 * done, words), unseen
        )
    model = export(Served(module), torch.from_numpy(views[:, :64]))
    tell(0.9, "measuring what is usual")
    scorer = TabularScorer.fit(features, Session(model), rest, held, options.contaminated)
    return Fitted(
        model=model,
        scorer=scorer,
        held_scores=scorer.held_scores(held),
        independent=None,
        rows_trained=len(rest),
        objective=name,
        reason=reason,
        refused=features.refused,
        curve=module.curve,
    )
