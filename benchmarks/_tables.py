"""The 16 labelled tables in both modes: the product and PyOD's detectors on the same splits, each set and seed once."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import pandas as pd
from pyod.models.auto_encoder import AutoEncoder
from pyod.models.ecod import ECOD
from pyod.models.iforest import IForest
from pyod.models.knn import KNN
from pyod.models.lof import LOF
from pyod.models.vae import VAE
from sklearn.preprocessing import StandardScaler

from benchmarks._yardstick import files, measured, yardstick
from monitor.detection.options import Options
from monitor.training.recipes import choose

SEEDS = (0, 1, 2)
FAMILIES = ("denoising", "sparse", "variational", "vanilla")  # with the first seed alone
PEERS: dict[str, Callable[[int], Any]] = {
    "KNN": lambda seed: KNN(),
    "LOF": lambda seed: LOF(),
    "IForest": lambda seed: IForest(random_state=seed),
    "ECOD": lambda seed: ECOD(),
    "PyOD AutoEncoder": lambda seed: AutoEncoder(random_state=seed, verbose=0, device="cpu"),
    "PyOD VAE": lambda seed: VAE(random_state=seed, verbose=0, device="cpu"),
}
DEAR = ("PyOD AutoEncoder", "PyOD VAE")  # with the first seed alone


@cache
def tables(protocol: str) -> pd.DataFrame:
    """One line a method, set and seed: auroc and ap in per cent.

    ``protocol``: one-class or contaminated. What failed has no figures.
    """
    options = ("--protocol", protocol)
    found = [measured("tabular", *options, "--seeds", ",".join(map(str, SEEDS))).assign(method="auto")]
    taken = choose(Options(contaminated=protocol == "contaminated"), 0, 0)[0]
    found.append(found[0].query(f"seed == {SEEDS[0]}").assign(method=taken))  # the very same runs
    others = [name for name in FAMILIES if name != taken]
    found += [measured("tabular", *options, "--objective", name).assign(method=name) for name in others]
    found.append(pd.DataFrame(_peers(protocol)))
    rows = pd.concat(found, ignore_index=True)[["method", "set", "seed", "auroc", "ap"]]
    rows[["auroc", "ap"]] *= 100
    print(f"--- {protocol}, AUROC\n{by_set(rows, 'auroc')}\n--- {protocol}, AP\n{by_set(rows, 'ap')}")
    return rows


def by_set(rows: pd.DataFrame, figure: str) -> str:
    """Sets down, methods across, means of the seeds."""
    across = rows.pivot_table(figure, "set", "method", sort=False).round(1)
    return across.to_string()


def means(rows: pd.DataFrame) -> pd.DataFrame:
    """A line a method: auroc and ap, and the deviation of each over the seeds; none where a set failed."""
    mean = rows.groupby(["method", "seed"], sort=False)[["auroc", "ap"]].agg(
        lambda each: each.mean(skipna=False)
    )
    by_method = mean.groupby("method", sort=False)
    return by_method.mean().join(by_method.std().add_suffix("_spread"))


def first(rows: pd.DataFrame) -> "pd.Series[float]":
    """Mean AUROC of ``auto`` and of each objective with the first seed, on which all of them were run."""
    return means(rows[rows["seed"] == SEEDS[0]])["auroc"][["auto", *FAMILIES]]


def good(
    rows: pd.DataFrame, auto: tuple[float, float], objectives: Mapping[str, float], behind: float
) -> bool:
    """Goals: AUROC and AP of ``auto``, AUROC of each of ``objectives``, and of ``auto`` behind the best of all."""
    mean, one = means(rows).loc["auto"], first(rows)
    return bool(
        mean["auroc"] >= auto[0]
        and mean["ap"] >= auto[1]
        and all(one[name] >= least for name, least in objectives.items())
        and one["auto"] >= one[list(FAMILIES)].max(skipna=False) - behind
    )


def said(rows: pd.DataFrame) -> str:
    """Figures of ``auto`` with their spread, of each objective and of each peer."""
    table, one = means(rows), first(rows)
    auto = table.loc["auto"]
    own = ", ".join(f"{name} {one[name]:.1f}" for name in FAMILIES)
    peers = ", ".join(f"{name} {table['auroc'][name]:.1f}/{table['ap'][name]:.1f}" for name in PEERS)
    return (
        f"auto {auto['auroc']:.2f} ±{auto['auroc_spread']:.2f} / {auto['ap']:.2f} ±{auto['ap_spread']:.2f}; "
        f"{own} (auto with that seed {one['auto']:.1f}); {peers}"
    )


def _peers(protocol: str) -> Iterator[dict[str, object]]:
    shared = yardstick()
    for path in files("tabular"):
        frame = pd.read_parquet(path)
        for seed in SEEDS:
            train, test = shared.split(frame, protocol, seed)
            truth = test["label"].to_numpy().astype(int)
            scale = StandardScaler().fit(train.drop(columns="label"))
            known, new = (scale.transform(part.drop(columns="label")) for part in (train, test))
            for name, make in PEERS.items():
                if seed != SEEDS[0] and name in DEAR:
                    continue
                peer = make(seed).fit(known)
                # Of the rows it learnt from it knows a score in which none is its own neighbour.
                score = peer.decision_scores_ if protocol == "contaminated" else peer.decision_function(new)
                figures = {
                    "auroc": shared.metrics.auroc(truth, score),
                    "ap": shared.metrics.average_precision(truth, score),
                }
                yield {"method": name, "set": path.stem, "seed": seed, **figures}
        print(f"PyOD, {protocol}: {path.stem}", flush=True)
