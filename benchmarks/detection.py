"""The README's table of detection: both modes of tables and series, beside PyOD in the same run.

The runs are those of the claims one-class, contaminated and series.
"""

from collections.abc import Iterator

import pandas as pd

from benchmarks import README, Claim, marked, series
from benchmarks._tables import PEERS, means, tables
from benchmarks._yardstick import ABSENT, labelled_sets

PROTOCOLS = ("one-class", "contaminated")
GOAL = (
    "auto ahead of each peer in mean AUROC and AP of 16 tables, one-class and contaminated, "
    "and in mean VUS-PR of 35 series, causal and offline"
)


def run() -> Claim:
    if labelled_sets() is None:
        return Claim("detection", False, ABSENT, GOAL)
    found = {protocol: means(tables(protocol)) for protocol in PROTOCOLS}
    own = {mode: series.own(mode) for mode in series.MODES}
    peers = series.peers()
    text = "\n".join([*_tables(found), "", *_series(own, peers)]) + "\n"
    print(text)
    README.write_text(marked(README.read_text(), "detection", text))
    behind = [*_ahead_of_auto(found), *_ahead_of_forecast(own, peers)]
    return Claim("detection", not behind, "; ".join(behind) or "ahead of each", GOAL)


def _tables(found: dict[str, pd.DataFrame]) -> Iterator[str]:
    yield "| 16 tables | one-class AUROC | AP | contaminated AUROC | AP |"
    yield "|---|---|---|---|---|"
    for method in found[PROTOCOLS[0]].sort_values("auroc", ascending=False).index:
        cells = [_cell(found[p].loc[method], figure) for p in PROTOCOLS for figure in ("auroc", "ap")]
        yield f"| {'**auto**' if method == 'auto' else method} | {' | '.join(cells)} |"


def _cell(row: "pd.Series[float]", figure: str) -> str:
    spread = row[f"{figure}_spread"]
    return f"{row[figure]:.1f}" + (f" ± {spread:.1f}" if pd.notna(spread) else "")


def _series(own: dict[str, pd.DataFrame], peers: dict[str, pd.DataFrame]) -> Iterator[str]:
    yield "| 35 series | VUS-PR causal | event recall | VUS-PR offline | event recall |"
    yield "|---|---|---|---|---|"
    kinds = {
        name.split(",")[0]: {mode: peers[f"{name.split(',')[0]}, {mode}"] for mode in own} for name in peers
    }
    for name, by_mode in {
        "**auto**": own,
        **{f"{kind} on windows": each for kind, each in kinds.items()},
    }.items():
        cells = [
            f"{table[figure].mean():.3f}"
            for table in by_mode.values()
            for figure in ("vus_pr", "event_recall")
        ]
        yield f"| {name} | {' | '.join(cells)} |"


def _ahead_of_auto(found: dict[str, pd.DataFrame]) -> Iterator[str]:
    for protocol, table in found.items():
        for figure in ("auroc", "ap"):
            best = table.loc[list(PEERS), figure]
            if not best.max(skipna=False) < table.loc["auto", figure]:
                yield f"{protocol}: {best.idxmax()} {figure} {best.max():.1f}, auto {table.loc['auto', figure]:.1f}"


def _ahead_of_forecast(own: dict[str, pd.DataFrame], peers: dict[str, pd.DataFrame]) -> Iterator[str]:
    for name, table in peers.items():
        ours = own[name.split(", ")[1]]["vus_pr"].mean()
        if not table["vus_pr"].mean() < ours:
            yield f"{name}: VUS-PR {table['vus_pr'].mean():.3f}, ours {ours:.3f}"
