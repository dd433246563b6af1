"""Bad input of every kind is told or put aside, and costs no good row; ``python -m benchmarks bad-input`` has them all.

Here each case comes through one of its sources, in turn. The bad cells come all at once, through every source and
into both databases; what trains a model is left to the benchmark.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import CASES, cells, queries
from .case import EVERY, Case
from .products import Postgres, Product, Sqlite, postgres_source, prepare
from .world import holds

ALONE = [(c, c.sources[n % len(c.sources)]) for n, c in enumerate(CASES)
         if not c.slow and c.group not in ("bad cells", "hostile text", "column names")]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpus")


@pytest.fixture(scope="module")
def sqlite(folder: Path) -> Sqlite:
    made = Sqlite(folder)
    prepare(made, folder)
    return made


@pytest.fixture(scope="module")
def postgresql(folder: Path) -> Iterator[Postgres]:
    made = Postgres()
    try:
        prepare(made, folder, train=False)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def tables() -> Iterator[str]:
    with postgres_source() as address:
        yield address


def watched(request: pytest.FixtureRequest, source: str) -> str:
    """The watched PostgreSQL database where one is needed; without a server the case is skipped."""
    if source != "postgresql":
        return ""
    request.getfixturevalue("postgres")
    return str(request.getfixturevalue("tables"))


@pytest.mark.parametrize(("case", "source"), ALONE, ids=[f"{c} [{s}]" for c, s in ALONE])
def test_bad_input_is_told_or_put_aside_and_costs_no_good_row(
    case: Case, source: str, sqlite: Sqlite, folder: Path, request: pytest.FixtureRequest
) -> None:
    assert holds(case, source, sqlite, folder, watched(request, source)) == []


@pytest.mark.parametrize("product", ["sqlite", "postgresql"])
@pytest.mark.parametrize("source", EVERY)
def test_each_bad_cell_costs_its_own_row_alone(
    source: str, product: str, folder: Path, request: pytest.FixtureRequest
) -> None:
    if product == "postgresql":
        request.getfixturevalue("postgres")
    made: Product = request.getfixturevalue(product)
    fitting = [each for each in cells.CELLS if source in each.sources]
    case = Case("bad cells", "all of them", EVERY, cells.all_at_once(fitting))
    assert holds(case, source, made, folder, watched(request, source)) == []


@pytest.mark.parametrize("source", EVERY)
def test_whatever_a_column_is_called_its_rows_come_in(
    source: str, sqlite: Sqlite, folder: Path, request: pytest.FixtureRequest
) -> None:
    case = Case("column names", "all of them", EVERY, queries.named(queries.NAMES), start="empty")
    assert holds(case, source, sqlite, folder, watched(request, source)) == []


def test_no_two_cases_have_one_name() -> None:
    assert [name for name, count in Counter(map(str, CASES)).items() if count > 1] == []
