import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import seed

from monitor.storage.database import Database


@pytest.fixture(autouse=True)
def _own_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit makes each page ``__main__``; a later test that spawns a process would start that page in it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database that tests of this folder only read."""
    path = tmp_path_factory.mktemp("seeded") / "monitor.db"
    database = Database(f"sqlite:///{path}")
    seed.fill(database)
    database.close()
    return str(database.url)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Database]:
    """A database of one test's own."""
    database = Database(f"sqlite:///{tmp_path / 'monitor.db'}")
    seed.fill(database)
    yield database
    database.close()
