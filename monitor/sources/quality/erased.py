"""Rows of erased entities are left out before they are stored, and turned-away rows of theirs lose their content."""

import dataclasses
from collections.abc import Callable

import pandas as pd

from monitor.domain.erasure import CONTENT, names
from monitor.sources.quality.admission import Admitted

Among = Callable[[set[str]], set[str]]  # those of some names that were erased


def leave_out(admitted: Admitted, among: Among) -> tuple[Admitted, int]:
    """The batch without their rows and labels, and how many rows those were."""
    gone = among(set(admitted.rows["entity"].dropna()))
    theirs = admitted.rows["entity"].isin(list(gone))
    keys = set(admitted.rows.loc[theirs, "source_key"]) - set(admitted.rows.loc[~theirs, "source_key"])
    kept = dataclasses.replace(
        admitted,
        rows=admitted.rows[~theirs].reset_index(drop=True),
        labels=admitted.labels[~admitted.labels["source_key"].isin(list(keys))].reset_index(drop=True),
    )
    return kept, int(theirs.sum())


def blanked(rejected: pd.DataFrame, among: Among) -> pd.DataFrame:
    """origin, raw, reason of rows that could not be used; where one names an erased entity nothing but that is kept."""
    named = [
        set().union(*map(names, row)) for row in rejected[["origin", "raw", "reason"]].itertuples(index=False)
    ]
    gone = among(set().union(*named))
    theirs = [bool(each & gone) for each in named]
    kept = rejected.copy()
    kept.loc[theirs, ["origin", "raw"]] = ""
    kept.loc[theirs, "reason"] = CONTENT
    return kept
