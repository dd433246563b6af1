"""What an ensemble, Lightning and the stored rows cost: four members against one, Lightning against a bare loop of the
same network, rows scored in a second, and what scoring beside a coreset instead of all stored rows costs in AUROC.

Everything is one thread of one process and its own processor seconds; sides take turns, and medians are compared. The
claim is about the default model; the one for clean rows is printed beside it.
"""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import mean, median
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks import Claim
from benchmarks.families import labelled_sets
from monitor import Detector
from monitor.detection import residuals
from monitor.detection.memory import Memory, TrimmedMemory, WideMemory
from monitor.detection.serve import member_views
from monitor.detection.tabular import TabularScorer, views_of
from monitor.models.autoencoder import Autoencoder, Plan, rate
from monitor.models.networks import part
from monitor.models.objectives import Denoising
from monitor.training import recipes
from monitor.training.samplers import RowSampler
from monitor.training.train import one_thread, train

ROUNDS = int(os.environ.get("MONITOR_BENCH_ROUNDS", 5))
FIELDS, LEARNT, SCORED = 20, 5_000, 50_000
MEMBERS, LIGHTNING, SPEED, LOST = 2.0, 1.15, 100_000, 0.3
GOAL = (
    f"default model, {FIELDS} fields: four members at most {MEMBERS:g} x one, Lightning at most {LIGHTNING:g} x a bare "
    f"loop, at least {SPEED:,} rows/s scored on one core, a coreset at most {LOST} AUROC points below all stored rows"
)


def run() -> Claim:
    torch.set_num_threads(1)
    figures = {contaminated: measured(contaminated) for contaminated in (False, True)}
    sets = labelled_sets()
    lost = {} if sets is None else {c: coreset(sets / "tabular", c) for c in figures}
    for contaminated, (members, lightning, speed) in figures.items():
        print(
            f"{'default' if contaminated else 'for clean rows'}: four members {members:.2f} x one, Lightning "
            f"{lightning:.2f} x bare, {speed:,.0f} rows/s"
        )
    members, lightning, speed = figures[True]
    figure = (
        f"{members:.2f} x one (clean {figures[False][0]:.2f}), {lightning:.2f} x bare, {speed:,.0f} rows/s "
        f"(clean {figures[False][2]:,.0f}), "
    )
    figure += f"{lost[True]:+.2f} AUROC points (clean {lost[False]:+.2f})" if lost else "coreset not measured"
    holds = members <= MEMBERS and lightning <= LIGHTNING and speed >= SPEED and bool(lost)
    return Claim("training-cost", holds and lost[True] >= -LOST, figure, GOAL)


def table(rows: int, seed: int) -> pd.DataFrame:
    """Six causes behind twenty fields."""
    mixing = np.random.default_rng(0).normal(size=(6, FIELDS))
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, 6)) @ mixing + 0.3 * rng.normal(size=(rows, FIELDS))
    return pd.DataFrame(values, columns=[f"f{n}" for n in range(FIELDS)])


def measured(contaminated: bool) -> tuple[float, float, float]:
    """Four members over one, Lightning over the bare loop, rows scored in a processor second."""
    detector = Detector(contaminated=contaminated).fit(table(LEARNT, 1))
    scorer = detector._scorer
    assert isinstance(scorer, TabularScorer)
    views, new = views_of(scorer.features.transform(table(LEARNT, 1))), table(SCORED, 2)
    name = str(detector.version_facts["objective"])

    def recipe(members: int) -> tuple[recipes.Recipe, RowSampler]:
        torch.manual_seed(0)
        whole = recipes.tabular(name, FIELDS, contaminated, np.ones(FIELDS, bool))
        if isinstance(whole.objective, Denoising):
            whole.objective.noise = whole.objective.get_buffer("noise")[:members]
        some = recipes.Recipe(part(whole.network, slice(members)), whole.objective, whole.steps, whole.batch)
        return some, RowSampler(views, torch.from_numpy(member_views(members)))

    sides: dict[str, Callable[[], object]] = {
        "four": lambda: lightning(*recipe(recipes.MEMBERS)),
        "one": lambda: lightning(*recipe(1)),
        "bare": lambda: bare(*recipe(recipes.MEMBERS)),
        "score": lambda: detector.score(new, shares=False),
    }
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    with one_thread():
        for _ in range(ROUNDS):
            for side, work in sides.items():
                begun = time.process_time()
                work()
                seconds[side].append(time.process_time() - begun)
    middle = {side: median(each) for side, each in seconds.items()}
    spread = ", ".join(f"{side} {min(s):.2f} to {max(s):.2f} s" for side, s in seconds.items())
    print(f"{name}, of {ROUNDS} rounds: {spread}", flush=True)
    return middle["four"] / middle["one"], middle["four"] / middle["bare"], SCORED / middle["score"]


def lightning(recipe: recipes.Recipe, sampler: RowSampler) -> None:
    train(recipe, sampler, 0, lambda fraction, words: None, sampler)


def bare(recipe: recipes.Recipe, sampler: RowSampler) -> None:
    """The same steps in PyTorch alone: no module of Lightning's, no chunks, no progress and no curve."""
    network, objective, steps = recipe.network, recipe.objective, recipe.steps
    module = Autoencoder(network, objective, sampler, Plan(steps, recipe.batch, 0))
    optimizer, generator = module.configure_optimizers(), torch.Generator().manual_seed(0)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps)
        x, target = sampler(recipe.batch, generator)
        hidden = network.encode(objective.corrupt(x, generator))
        cells = objective.cell_loss(network.decode(objective.code(hidden, generator)), target)
        loss = objective.reduce(cells, objective.penalty(hidden, step / steps), step / steps)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        optimizer.step()


def coreset(folder: Path, contaminated: bool) -> float:
    """Points of AUROC by which the mean over the sets differs from that beside all stored rows."""
    apart = []
    for path in sorted(folder.glob("*.parquet")):
        frame = pd.read_parquet(path)
        order = np.random.default_rng(0).permutation(len(frame))
        half = np.zeros(len(frame), bool)
        half[order[: len(frame) // 2]] = True
        learnt = half if contaminated else half & (frame["label"] == 0).to_numpy()
        train_rows, test = frame[learnt].drop(columns="label"), frame[~half]
        detector = Detector(contaminated=contaminated).fit(train_rows)
        few = _auroc(detector, train_rows, test, contaminated)
        with ExitStack() as patches:
            for part_of in (Memory, TrimmedMemory, WideMemory):
                patches.enter_context(patch.object(part_of, "coreset", part_of.most))
            patches.enter_context(patch.object(residuals, "CORESET", residuals.REFERENCES))
            apart.append(few - _auroc(detector, train_rows, test, contaminated))
        print(f"{path.stem}, contaminated {contaminated}: coreset {few:.2f}, {apart[-1]:+.2f}", flush=True)
    return mean(apart)


def _auroc(detector: Detector, learnt: pd.DataFrame, test: pd.DataFrame, contaminated: bool) -> float:
    """In per cent; the stored rows are chosen anew beside the same network, from another fifth held back."""
    scorer = detector._scorer
    assert isinstance(scorer, TabularScorer)
    order: NDArray[np.intp] = np.random.default_rng(0).permutation(len(learnt))
    held, rest = (learnt.iloc[each] for each in np.split(order, [len(learnt) // 5]))
    again = TabularScorer.fit(scorer.features, scorer.network, rest, held, contaminated)
    score = again.score(test.drop(columns="label"), shares=False).score
    return 100 * float(roc_auc_score(test["label"], score))
