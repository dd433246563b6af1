"""Files given to a command at once: what ``evaluate`` learns from and is judged on, what ``add`` looks at."""

import gzip
import io
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .case import Case
from .rows import csv_bytes, good, parquet_bytes
from .world import World, as_json

TRAIN, TEST = range(1, 241), range(241, 301)


def table(numbers: range, **changes: Any) -> pd.DataFrame:
    draw = np.random.default_rng(numbers.start)
    load = draw.normal(50, 5, len(numbers))
    frame = pd.DataFrame({"load": load, "heat": load * 0.8 + draw.normal(0, 1, len(numbers)),
                          "mode": draw.choice(["day", "night"], len(numbers)),
                          "at": pd.date_range("2025-03-01", periods=len(numbers), freq="min", tz="UTC").astype("str"),
                          "bad": (np.arange(len(numbers)) % 10 == 0).astype(int)})  # fmt: skip
    frame.loc[frame["bad"] == 1, "heat"] += 60.0
    return frame.assign(**changes)


def as_csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def as_parquet(frame: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), stream)
    return stream.getvalue()


GOOD_TRAIN, GOOD_TEST = as_csv(table(TRAIN)), as_csv(table(TEST))


def evaluated(
    name: str, *says: str, train: bytes | None = GOOD_TRAIN, test: bytes | None = GOOD_TEST, code: int = 1,
    ends: str = ".csv", options: tuple[str, ...] = (), slow: bool = False,
) -> Case:  # fmt: skip
    """Two files; refused with these words, or measured with figures that are numbers."""

    def play(world: World) -> None:
        for part, content in (("train", train), ("test", test)):
            if content is not None:
                (world.folder / f"{part}{ends}").write_bytes(content)
        words = (
            "evaluate",
            "--train",
            f"train{ends}",
            "--test",
            f"test{ends}",
            "--label",
            "bad",
            "--objective",
            "vanilla",
        )
        done = world.run(*words, *options, "--json", code=code, says=says)
        found = as_json(done.out) if done.out.strip() else {}
        if code:
            world.must(bool(found.get("error")), f"no JSON: {done.out[:200]}")
            world.must(
                len(found.get("error", "")) < 2000, f"an error of {len(found.get('error', ''))} characters"
            )
        elif "--scores" in options:
            scores = pd.read_csv(world.folder / "scores.csv")
            fine = np.isfinite(scores["score"]).all() and scores["p_value"].between(0, 1).all()
            world.must(bool(fine) and len(scores) == found["rows_test"], "a row without a score")

    return Case("evaluate", name, ("-",), play, start="empty", slow=slow or not code)


def _with(column: str, value: Any, numbers: range = TEST) -> bytes:
    frame = table(numbers).astype({column: object})
    frame.loc[3, column] = value
    return as_csv(frame)


SCORES = ("--scores", "scores.csv")
REFUSED = [
    evaluated("a file that is not there", "train.csv", train=None),
    evaluated("an empty file", "train.csv", "cannot be read", train=b""),
    evaluated("an empty file to be judged on", "test.csv", "cannot be read", test=b""),
    evaluated("a header alone", "train.csv", train=b"load,heat,bad\n"),
    evaluated("a header alone to be judged on", "test.csv", test=GOOD_TEST.split(b"\n")[0] + b"\n"),
    evaluated("UTF-16", "train.csv", "cannot be read", train=GOOD_TRAIN.decode().encode("utf-16")),
    evaluated("a line of too many cells", "test.csv", "line", test=GOOD_TEST + b"1,2,3,4,5,6,7\n"),
    evaluated("a quote that stays open", "test.csv", "cannot be read", test=GOOD_TEST + b'"1,2\n'),
    evaluated("packed data that end early", "train.csv.gz", "cannot be read", train=gzip.compress(GOOD_TRAIN)[:300],
              test=gzip.compress(GOOD_TEST), ends=".csv.gz"),
    evaluated("packed data that are none", "train.csv.gz", "cannot be read", ends=".csv.gz"),
    evaluated("Parquet that is none", "train.parquet", "cannot be read", ends=".parquet"),
    evaluated("Parquet that is cut", "train.parquet", "cannot be read", train=as_parquet(table(TRAIN))[:500],
              test=as_parquet(table(TEST)), ends=".parquet"),
    evaluated("bytes of no format", "train.csv", train=b"\x00\xff\x00" * 1000),
    evaluated("no label", "test.csv has no column 'bad'", "load", test=as_csv(table(TEST).drop(columns="bad"))),
    evaluated("a label that is none", "label of row 3 is 'maybe'; expected 0 or 1", test=_with("bad", "maybe")),
    evaluated("a label that is missing", "label of row 3", "expected 0 or 1", test=_with("bad", None)),
    evaluated("a label of 2", "label of row 3 is 2", test=_with("bad", 2)),
    evaluated("a field that only the first file has", "lacks heat",
              test=as_csv(table(TEST).drop(columns="heat")), slow=True),
    evaluated("the label and nothing else", "no column can be a field", train=as_csv(table(TRAIN)[["bad"]]),
              test=as_csv(table(TEST)[["bad"]])),
    evaluated("identifiers and nothing else", "no column can be a field",
              train=as_csv(pd.DataFrame({"id": [f"x{n}" for n in range(240)], "bad": 0})),
              test=as_csv(pd.DataFrame({"id": [f"y{n}" for n in range(60)], "bad": 0}))),
    evaluated("one row to learn from", train=as_csv(table(TRAIN).head(1))),
    evaluated("a time that is not there", "when", options=("--kind", "sensor", "--time", "when")),
    evaluated("a sensor without a time", "time", options=("--kind", "sensor")),
    evaluated("times that are none", "at", options=("--kind", "sensor", "--time", "at"),
              train=as_csv(table(TRAIN, at="x")),
              test=as_csv(table(TEST, at="x"))),
    evaluated("an entity that is not there", "whose",
              options=("--entity", "whose", "--kind", "sensor", "--time", "at")),
    evaluated("a column to leave out that is not there", "nosuch", options=("--exclude", "nosuch")),
    evaluated("scores into a folder that is not there", "nowhere", options=("--scores", "nowhere/scores.csv"),
              slow=True),
    evaluated("a seed that is none", "seed", options=("--seed", "x"), code=2),
    evaluated("a sensor of words alone", "no column can be a field", options=("--kind", "sensor", "--time", "at"),
              train=as_csv(table(TRAIN)[["mode", "at", "bad"]]), test=as_csv(table(TEST)[["mode", "at", "bad"]])),
]  # fmt: skip

MEASURED = [
    evaluated("infinities", code=0, options=SCORES, train=_with("load", "inf", TRAIN), test=_with("load", "-inf")),
    evaluated("a number beyond all measure", code=0, options=SCORES, train=_with("load", 1e308, TRAIN),
              test=_with("load", -1e308)),
    evaluated("words among numbers", code=0, options=SCORES, train=_with("load", "broken", TRAIN),
              test=_with("heat", "broken")),
    evaluated("cells that are missing", code=0, options=SCORES, train=_with("load", None, TRAIN),
              test=_with("heat", None)),
    evaluated("a column without a value", code=0, options=SCORES, train=as_csv(table(TRAIN, load=None)),
              test=as_csv(table(TEST))),
    evaluated("a column that never changes", code=0, options=SCORES, train=as_csv(table(TRAIN, load=5)),
              test=as_csv(table(TEST, load=7))),
    evaluated("nothing that ever changes", code=0, options=SCORES,
              train=as_csv(table(TRAIN, load=5, heat=5, mode="a", at="b")),
              test=as_csv(table(TEST, load=5, heat=5, mode="a", at="b"))),
    evaluated("one class alone", code=0, options=SCORES, test=as_csv(table(TEST, bad=0))),
    evaluated("one row to be judged on", code=0, options=SCORES, test=as_csv(table(TEST).head(1))),
    evaluated("a column twice", code=0, options=SCORES, train=GOOD_TRAIN.replace(b"mode", b"load"),
              test=GOOD_TEST.replace(b"mode", b"load")),
    evaluated("categories that nobody saw", code=0, options=SCORES, test=as_csv(table(TEST, mode="dusk"))),
    evaluated("Latin-1", "train.csv", "cannot be read",
              train=as_csv(table(TRAIN)).replace(b"day", "täg".encode("latin-1"))),
    evaluated("nested columns", code=0, options=SCORES, ends=".parquet",
              train=as_parquet(table(TRAIN).assign(tags=[["a", "b"]] * len(TRAIN))),
              test=as_parquet(table(TEST).assign(tags=[["a"]] * len(TEST)))),
    evaluated("a whole number of 30 digits", code=0, options=SCORES, train=_with("load", 10**30, TRAIN),
              test=_with("load", 10**30)),
]  # fmt: skip


def added(
    name: str,
    content: bytes | None,
    *says: str,
    code: int = 1,
    ends: str = "csv",
    words: tuple[str, ...] = (),
) -> Case:
    def play(world: World) -> None:
        if content is not None:
            (world.folder / f"given.{ends}").write_bytes(content)
        done = world.run("add", *(words or (f"given.{ends}",)), code=code, says=says)
        world.must(not world.ask("SELECT * FROM monitors"), "something was added")
        if not code:
            (world.folder / "m.yaml").write_text(done.out)
            world.run("check", "m.yaml")

    return Case("add", name, ("-",), play, start="empty")


def wide(**changes: Any) -> bytes:
    return csv_bytes([good(n, **changes) for n in range(1, 60)])


ADDED = [
    added("a file that is not there", None, "given.csv"),
    added("an empty file", b"", "no rows to look at"),
    added("a header alone", b"a,b\n", "no rows to look at"),
    added("values where the header should be", b"1,2\n3,4\n", "given.csv"),
    added("bytes of no format", b"\x00\xff" * 500, "given.csv"),
    added("UTF-16", wide().decode().encode("utf-16"), "UTF-16"),
    added("a zip archive", b"PK\x03\x04" + b"\x00" * 60, "zip"),
    added("Parquet that is none", wide(), "Parquet", ends="parquet"),
    added("Parquet that is cut", parquet_bytes([good(n) for n in range(1, 60)], {})[:900], "Parquet", ends="parquet"),
    added("a folder", None, "is a folder; expected a file or a glob", words=(".",)),
    added("a glob without a match", None, words=("*.csv",)),
    added("an address of the web", None, "http", words=("https://example.org/a.csv",)),
    added("an address that nobody knows", None, "nosuch", words=("nosuch://x/a.csv",)),
    added("a name that is none", wide(), "is not a name", code=2, words=("given.csv", "--name", "My Own")),
    added("a database with a password written out", None, "put it into the environment", code=2,
          words=("postgresql://ana:hunter2@db/x",)),
    added("a database that is not there", None, "unable to open", words=("sqlite:////nowhere/at/all.db",)),
    added("a variable that is not set", None, "NOT_THERE is not set", words=("sqlite:///${NOT_THERE}",)),
    added("a table option for a file", wide(), "is no address of a database", code=2,
          words=("given.csv", "--table", "x")),
    added("a table of bad cells", wide(load="n/a", amount="1,5", seen="31.02.2025"), code=0),
    added("bad lines among good ones", wide() + b"1,2\n\"x\n" + b"\x00\n" * 3, code=0),
    added("names that are YAML", b"- a,{b: c},\"#d\",\"e: f\",'g,!!h,&i,*j,%k\n" + b"1,2,3,4,5,6,7,8,9\n" * 40, code=0),
    added("names that are reserved", b"reading_id,entity,event_at,n\n" + b"1,2,2025-03-01,4\n" * 40, code=0),
    added("one row", b"a,b\n1,2\n", code=0),
    added("a column of ten thousand letters", b"a" * 10_000 + b",b\n" + b"1,2\n" * 30, code=0),
]  # fmt: skip
CASES = [*REFUSED, *MEASURED, *ADDED]
