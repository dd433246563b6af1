"""What every connector promises, checked on each of them."""

import json
from pathlib import Path

import pytest
from feeds import LEFT_OUT, OF, Row, drain, feed, require, rows_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.sources import SOURCES

EVERY = [kind for kinds in OF.values() for kind in kinds]
HOSTILE = ["", " ", "a,b", 'say "no"', "two\nlines", "two\r\nlines", "007", "1e5", "NA", "null", "nan", "1,5", "=1+1",
           "@x", "'; DROP TABLE feed; --", "<script>", "日本", "🙂", "é", "\ufeffbom", "%s %(x)s :y {z} ${PATH}", "\\",
           "x" * 100_000]  # fmt: skip


@pytest.fixture(params=EVERY)
def kind(request: pytest.FixtureRequest) -> str:
    require(request.param)
    return str(request.param)


def numbered(moments: list[int], start: int = 0) -> list[Row]:
    return [(start + i, moment, f"row {start + i}") for i, moment in enumerate(moments)]


def test_every_connector_is_in_the_suite_or_says_why_not() -> None:
    assert set(SOURCES) == set(OF) | set(LEFT_OUT)


def test_an_empty_source_gives_an_empty_batch(kind: str, tmp_path: Path) -> None:
    with feed(kind, tmp_path) as place:
        batch = place.source.read({})
        assert (batch.pulled, batch.more, rows_of([batch])) == (0, False, [])


def test_one_row_comes_once(kind: str, tmp_path: Path) -> None:
    with feed(kind, tmp_path) as place:
        place.put([(1, 1, "only")])
        batches, cursor = drain(place.source, {}, 50)
        again, _ = drain(place.source, cursor, 50)
        assert (rows_of(batches), rows_of(again)) == ([(1, 1, "only")], [])


moments = st.lists(st.integers(0, 4), max_size=12)


@pytest.mark.parametrize("kind_", EVERY)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=moments, later=moments, limit=st.integers(1, 7))
def test_no_row_is_lost_or_doubled_under_any_page_size(
    kind_: str, tmp_path: Path, first: list[int], later: list[int], limit: int
) -> None:
    require(kind_)
    later = sorted(
        m + max(first, default=0) for m in later
    )  # a later row may share the last value, not precede it
    with feed(kind_, tmp_path) as place:
        place.put(numbered(first))
        before, cursor = drain(place.source, {}, limit)
        place.put(numbered(later, start=len(first)))
        after, _ = drain(place.source, cursor, limit)
        assert sorted(rows_of(before)) == numbered(first)
        assert sorted(rows_of(after)) == numbered(later, start=len(first))


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_equal_rows_are_as_many_rows(kind: str, tmp_path: Path, limit: int) -> None:
    with feed(kind, tmp_path) as place:
        place.put([(1, 1, "twin")] * 3)
        before, cursor = drain(place.source, {}, limit)
        place.put([(1, 1, "twin")] * 2)
        after, _ = drain(place.source, cursor, limit)
        origins = [o for b in before + after if b.origin is not None for o in b.origin]
        assert (len(rows_of(before)), len(rows_of(after)), len(set(origins))) == (3, 2, 5)


@pytest.mark.parametrize("limit", [2, 50])
def test_a_crash_before_the_commit_brings_the_same_rows_again(kind: str, tmp_path: Path, limit: int) -> None:
    with feed(kind, tmp_path) as place:
        place.put(numbered([1, 1, 1, 2, 2, 3]))
        cursor: dict[str, object] = {}
        while True:
            batch, again = place.source.read(cursor, limit), place.source.read(cursor, limit)
            assert rows_of([batch]) == rows_of([again])
            assert (list(batch.origin), batch.cursor) == (list(again.origin), again.cursor)  # type: ignore[arg-type]
            if not batch.more:
                break
            cursor = batch.cursor


def test_a_cursor_survives_json(kind: str, tmp_path: Path) -> None:
    with feed(kind, tmp_path) as place:
        place.put(numbered([1, 2, 2]))
        cursor = place.source.read({}, 2).cursor
        assert json.loads(json.dumps(cursor)) == cursor


def test_reading_leaves_the_given_cursor_as_it_was(kind: str, tmp_path: Path) -> None:
    with feed(kind, tmp_path) as place:
        place.put(numbered([1, 2, 2, 3]))
        cursor = place.source.read({}, 2).cursor
        before = json.dumps(cursor)
        place.source.read(cursor, 2)
        assert json.dumps(cursor) == before


def test_origins_are_unique_and_one_a_row(kind: str, tmp_path: Path) -> None:
    with feed(kind, tmp_path) as place:
        place.put(numbered([1] * 5 + [2] * 5))
        batches, _ = drain(place.source, {}, 3)
        origins = [list(b.origin) for b in batches if b.origin is not None]
        assert [len(o) for o in origins] == [len(b.readings) for b in batches]
        assert len({o for part in origins for o in part}) == 10


def test_hostile_text_arrives_as_it_was(kind: str, tmp_path: Path) -> None:
    rows = [(i, 1, text) for i, text in enumerate(HOSTILE)]
    with feed(kind, tmp_path) as place:
        place.put(rows)
        batches, _ = drain(place.source, {}, 5)
        assert sorted(rows_of(batches)) == rows
