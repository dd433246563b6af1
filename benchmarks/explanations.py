"""Why a row was flagged: which field is blamed first where one field took the value of another normal row.

Of each labelled table half of the normal rows are learnt, as a seed draws them. In each of many unseen normal rows one
field, of those that the others foretell, takes another value that it has in an unseen normal row. Of the swaps that
are flagged it is counted how often that very field comes first: as the product explains, by the residuals of the same
network, and by those of PyOD's autoencoder. Some rows were flagged before anything was swapped, and no method can
name the swapped field as their reason; they count all the same, and what is left without them is said beside it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pyod.models.auto_encoder import AutoEncoder
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict

from benchmarks import Claim
from benchmarks.families import labelled_sets
from monitor import Detector
from monitor.detection.tabular import TabularScorer, encode, views_of

SETS = ("cardio", "pendigits", "optdigits", "letter", "Waveform", "annthyroid")
SEEDS = tuple(range(int(os.environ.get("MONITOR_BENCH_ROUNDS", 3))))
FORETOLD = 0.3  # R2 of a field from the others, on rows that its forest did not see
JUDGED = 1_000  # rows on which that is found out
SWAPS, EXPLAINED = 20_000, 300  # rows a set and seed that are swapped, and flagged ones that are explained
FLAGGED = 0.01  # p-value
FIRST = 0.75
GOAL = (
    f"one field of an unseen normal row swapped, flagged at p <= {FLAGGED}: that field first in at least "
    f"{FIRST:.0%} one-class, the mean of {len(SETS)} sets, and more often than by PyOD's or its own residuals"
)
METHODS = ("monitor", "residuals", "PyOD")
MODES = {False: "one-class", True: "contaminated"}

Hits = NDArray[np.bool_]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Told:
    """Of one set, mode and seed: which of the explained swaps each method saw."""

    rate: float  # share of the swaps that was flagged
    new: Hits  # (n,): not flagged before
    hits: dict[str, Hits]  # (n,) a method


def run() -> Claim:
    sets = labelled_sets()
    if sets is None:
        print("the labelled sets are not here (../shared, or MONITOR_TEST_DATA)")
        return Claim("explanations", False, "not measured, the data are not here", GOAL)
    torch.set_num_threads(1)
    told: dict[tuple[bool, str], list[Told]] = {}
    for name in SETS:
        frame = pd.read_parquet(sets / "tabular" / f"{name}.parquet")
        rows = frame[frame["label"] == 0].drop(columns="label").reset_index(drop=True).astype(float)
        fields = foretold(rows)
        print(f"{name}: {len(fields)} of {rows.shape[1]} fields are foretold by the others", flush=True)
        seeds = [measured(rows, fields, seed) for seed in SEEDS]
        for mode, words in MODES.items():
            told[mode, name] = [each[mode] for each in seeds]
            print(f"  {words}: {said(told[mode, name])}", flush=True)
    means = {mode: {method: over_sets(told, mode, method) for method in METHODS} for mode in MODES}
    for mode, words in MODES.items():
        print(f"mean of the sets, {words}: " + ", ".join(f"{m} {f:.1%}" for m, f in means[mode].items()))
    clean = means[False]
    spread = [over_sets(told, False, "monitor", seed) for seed in SEEDS]
    new = over_sets(told, False, "monitor", only_new=True)
    figure = (
        f"{clean['monitor']:.1%} (seeds {min(spread):.1%} to {max(spread):.1%}; {new:.1%} of what was not flagged "
        f"before), PyOD {clean['PyOD']:.1%}, own residuals {clean['residuals']:.1%}; "
        f"trained as contaminated {means[True]['monitor']:.1%}, {means[True]['PyOD']:.1%} and "
        f"{means[True]['residuals']:.1%}"
    )
    holds = clean["monitor"] >= FIRST and clean["monitor"] > max(clean["PyOD"], clean["residuals"])
    return Claim("explanations", holds, figure, GOAL)


def foretold(rows: pd.DataFrame) -> list[int]:
    """Places of the fields that a forest foretells from all the others, out of fold."""
    some = rows.sample(frac=1, random_state=0).iloc[:JUDGED].to_numpy()
    found = []
    for at, values in enumerate(some.T):
        forest = ExtraTreesRegressor(20, min_samples_leaf=2, max_features=0.5, random_state=0)
        folds = KFold(3, shuffle=True, random_state=0)
        guess = cross_val_predict(forest, np.delete(some, at, 1), values, cv=folds)
        if np.ptp(values) and r2_score(values, guess) >= FORETOLD:
            found.append(at)
    return found


def measured(rows: pd.DataFrame, fields: list[int], seed: int) -> dict[bool, Told]:
    """The same swaps in both modes."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows))
    train, unseen = (rows.iloc[part] for part in np.split(order, [len(rows) // 2]))
    values = unseen.to_numpy()
    row, field = rng.integers(len(values), size=SWAPS), rng.choice(fields, SWAPS)
    value = values[rng.integers(len(values), size=SWAPS), field]
    other = value != values[row, field]
    row, field, value = row[other], field[other], value[other]
    swapped = values[row]
    swapped[np.arange(len(row)), field] = value
    peer = _pyod(train, seed)
    told = {}
    for contaminated in MODES:
        detector = Detector(contaminated=contaminated, seed=seed).fit(train)
        flagged = np.flatnonzero(_flagged(detector, pd.DataFrame(swapped, columns=rows.columns)))
        chosen = rng.permutation(flagged)[:EXPLAINED]
        odd, truth = pd.DataFrame(swapped[chosen], columns=rows.columns), rows.columns[field[chosen]]
        first = {
            "monitor": _explained(detector, odd),
            "residuals": _residuals(detector, odd),
            "PyOD": peer(odd),
        }
        before = _flagged(detector, unseen)[row[chosen]]
        hits = {name: np.asarray(fields == truth) for name, fields in first.items()}
        told[contaminated] = Told(len(flagged) / len(row), ~before, hits)
    return told


def _flagged(detector: Detector, frame: pd.DataFrame) -> Hits:
    return np.asarray(detector.score(frame, shares=False)["p_value"] <= FLAGGED)


def _explained(detector: Detector, odd: pd.DataFrame) -> "pd.Index[str]":
    return pd.Index([fields[0]["field"] for fields in detector.explain(odd, range(len(odd)))])


def _residuals(detector: Detector, odd: pd.DataFrame) -> "pd.Index[str]":
    scorer = detector._scorer
    assert isinstance(scorer, TabularScorer)
    residual = encode(scorer.network, views_of(scorer.features.transform(odd))).residual  # (K, n, d)
    return pd.Index(scorer.fields)[(residual**2).mean(0).argmax(1)]


def _pyod(train: pd.DataFrame, seed: int) -> Callable[[pd.DataFrame], "pd.Index[str]"]:
    peer = AutoEncoder(random_state=seed, verbose=0, device="cpu").fit(train.to_numpy())

    def first(odd: pd.DataFrame) -> "pd.Index[str]":
        z = ((odd.to_numpy() - peer.X_mean) / np.where(peer.X_std > 0, peer.X_std, 1)).astype(np.float32)
        with torch.no_grad():
            output = peer.model.eval()(torch.from_numpy(z)).numpy()  # (n, d)
        return odd.columns[((output - z) ** 2).argmax(1)]

    return first


def share(told: list[Told], method: str, only_new: bool = False) -> float:
    """Of all the swaps explained, over the seeds together; nan where none was flagged."""
    hits = np.concatenate([each.hits[method][each.new] if only_new else each.hits[method] for each in told])
    return float(hits.mean()) if len(hits) else float("nan")


def over_sets(
    told: dict[tuple[bool, str], list[Told]],
    mode: bool,
    method: str,
    seed: int | None = None,
    only_new: bool = False,
) -> float:
    """The mean over the sets that have a figure."""
    each = [told[mode, name] if seed is None else [told[mode, name][SEEDS.index(seed)]] for name in SETS]
    figures = [share(some, method, only_new) for some in each]
    return mean(figure for figure in figures if not np.isnan(figure))


def said(told: list[Told]) -> str:
    counts = ", ".join(f"{len(each.new)} ({each.rate:.2%})" for each in told)
    first = ", ".join(f"{method} {share(told, method):.1%}" for method in METHODS)
    new = ", ".join(f"{method} {share(told, method, True):.1%}" for method in METHODS)
    seeds = ", ".join(f"{share([each], 'monitor'):.1%}" for each in told)
    before = 1 - np.concatenate([each.new for each in told]).mean()
    return (
        f"explained {counts}; first {first} (seeds {seeds}); {before:.0%} flagged before, without them {new}"
    )
