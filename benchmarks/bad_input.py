"""Bad input of every kind, through every source it can come by: told clearly, or put aside with its reason.

The corpus is ``tests/corpus``. Every case goes through each of its sources into SQLite, and through one of them, in
turn, into PostgreSQL (``MONITOR_TEST_POSTGRES_URL`` says where that is).
"""

import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks import Claim
from tests.corpus import CASES
from tests.corpus.case import Case
from tests.corpus.products import Postgres, Product, Sqlite, postgres_source, prepare
from tests.corpus.world import holds

LEAST = 150
GOAL = (
    f"at least {LEAST} cases: each told or put aside, no good row lost, no score that is none, no traceback"
)


def run() -> Claim:
    warnings.simplefilter("error")  # as in the tests: what a library warns of is a fault too
    runs, broken = Counter[tuple[str, str]](), set[str]()
    with tempfile.TemporaryDirectory() as folder, postgres_source() as tables:
        for product, place in ((Sqlite(Path(folder)), "each"), (Postgres(), "one")):
            try:
                prepare(product, Path(folder))
                for case, source in _ways(place):
                    runs[case.group, source] += 1
                    if problems := holds(case, source, product, Path(folder), tables):
                        broken.add(str(case))
                        _tell(case, source, product, problems)
            finally:
                product.close()
    print(_table(runs))
    good, ways = len(CASES) - len(broken), sum(runs.values())
    figure = f"{good} of {len(CASES)} cases, in {ways:,} ways through CSV, Parquet, SQLite and PostgreSQL"
    return Claim("bad-input", not broken and len(CASES) >= LEAST, figure, GOAL)


def _ways(place: str) -> Iterator[tuple[Case, str]]:
    for n, case in enumerate(CASES):
        for source in case.sources if place == "each" else [case.sources[n % len(case.sources)]]:
            if place == "each" or source != "-":
                yield case, source


def _tell(case: Case, source: str, product: Product, problems: list[str]) -> None:
    print(
        f"{case} [{source}, into {product.name}]",
        *(f"    {p[:400]}" for p in problems[:3]),
        sep="\n",
        flush=True,
    )


def _table(runs: Counter[tuple[str, str]]) -> str:
    """How often each class went through each source."""
    cases = Counter(case.group for case in CASES)
    sources = ["csv", "parquet", "sqlite", "postgresql", "-"]
    lines = [f"{'class':<20} {'cases':>5}  " + "".join(f"{s:>11}" for s in sources)]
    for group, number in cases.items():
        lines.append(f"{group:<20} {number:>5}  " + "".join(f"{runs[group, s] or '':>11}" for s in sources))
    return "\n".join(lines)
