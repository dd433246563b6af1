"""Quarantined rows as a person reads them: where, what, and what is wrong with it."""

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from monitor.sources.base import Batch
from monitor.sources.quality.text import Mask, cell_text, is_missing

LONGEST, SHORT, SHOWN = 16_384, 80, 40  # characters of a row, of a cell in a long row, of a value in a reason
CELL = 1000  # characters of a cell that are kept
ALTERED = re.compile(r"… \(\d+ characters\)$|\u2400|\\ud[89a-f]")  # what _clean leaves of a cell it changed


def rejections(
    batch: Batch, frame: pd.DataFrame, key: pa.Array | None, faults: list[tuple[str, Mask, str]], good: Mask
) -> pd.DataFrame:
    """origin, raw, reason of what the source rejected and of what the gate turned away."""
    columns = ["origin", "raw", "reason"]
    turned = np.flatnonzero(~good)
    if not len(turned):
        return batch.rejected[columns].astype("str").reset_index(drop=True)
    reasons: dict[int, list[str]] = {int(i): [] for i in turned}
    for name, rows, expected in faults:
        for i, value in zip(np.flatnonzero(rows), frame[name][rows], strict=True):
            reasons[int(i)].append(f"{name}: got {_shown(value)}, expected {expected}")
    origins = _origins(batch, key, turned)
    raws = [_raw(record) for record in frame.iloc[turned].to_dict("records")]
    new = pd.DataFrame({"origin": origins, "raw": raws, "reason": ["; ".join(r) for r in reasons.values()]})
    return pd.concat([batch.rejected[columns], new], ignore_index=True).astype("str")


def _origins(batch: Batch, key: pa.Array | None, rows: Any) -> list[str]:
    if batch.origin is not None and len(batch.origin):
        return [str(o) for o in batch.origin.iloc[rows]]
    if key is not None:
        return [_clean(str(k), SHORT) if k is not None else "" for k in key.take(pa.array(rows)).to_pylist()]
    return [""] * len(rows)


def _raw(record: dict[Any, Any]) -> str:
    """The source's row as JSON, long cells shortened; always valid JSON."""
    for longest in (CELL, SHORT, 8):
        cells = {_clean(str(k), SHORT): _plain(v, longest) for k, v in record.items()}
        text = json.dumps(cells, ensure_ascii=False)
        if len(text) <= LONGEST:
            return text
    return json.dumps({"columns": len(record), "first": dict(list(cells.items())[:100])}, ensure_ascii=False)


def restored(raw: str) -> dict[str, Any] | None:
    """The cells of a quarantined row; None where it never had cells, or some were not kept as they were.

    >>> restored('{"id": 7, "at": "soon"}'), restored('{"note": "x… (70000 characters)"}'), restored("1;2;3")
    ({'id': 7, 'at': 'soon'}, None, None)
    """
    try:
        cells = json.loads(raw)
    except ValueError:
        return None
    if not isinstance(cells, dict) or set(cells) == {"columns", "first"}:
        return None
    texts = [*cells, *(v for v in cells.values() if isinstance(v, str))]
    return None if any(ALTERED.search(t) for t in texts) else cells


def _plain(value: Any, longest: int) -> Any:
    if is_missing(value):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer) and abs(int(value)) < 2**63:
        return int(value)
    if isinstance(value, float | np.floating) and np.isfinite(value):
        return float(value)
    return _clean(cell_text(value) or "", longest)


def _shown(value: Any) -> str:
    if is_missing(value):
        return "nothing"
    return repr(_clean(cell_text(value) or "", SHOWN))


def _clean(text: str, longest: int) -> str:
    """Short, and such as any database stores: no NUL, no broken characters."""
    kept = text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"
    return kept.replace("\0", "\u2400").encode("utf-8", "backslashreplace").decode()
