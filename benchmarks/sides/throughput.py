"""The two sides of the throughput claim; prints JSON: seconds, parts, memory (MiB)."""

import json
import resource
import subprocess
import sys
import time

import pandas as pd
import sqlalchemy as sa

from monitor.app import open_context
from monitor.domain.field import Field, Schema
from monitor.domain.monitor import Document
from monitor.jobs.apply import apply
from monitor.jobs.context import Context
from monitor.scheduling import run_now
from monitor.storage import bulk, readings, schema
from monitor.storage.database import Database
from monitor.storage.types import UtcDateTime

PART = 50_000


def main(side: str, files: dict[str, str]) -> None:
    found = {"bare": bare, "product": product, "learn": learn}[side](files)
    found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


def bare(files: dict[str, str]) -> dict[str, object]:
    """Parse the file as pandas does, write its rows and as many scores under the same keys, in the same pages."""
    context = open_context()
    numbers = tuple(Field(name=f"f{n}", type="number") for n in range(10))
    table = readings.table("readings_bare", Schema(fields=numbers))
    narrow = sa.Table(
        "scores_bare", sa.MetaData(),
        *[sa.Column(name, sa.BigInteger, primary_key=True) for name in ("reading_id", "version_id")],
        sa.Column("score", sa.Double), sa.Column("p_value", sa.Double), sa.Column("scored_at", UtcDateTime),
        sqlite_with_rowid=False,
    )  # fmt: skip
    for made in (table, narrow):
        made.create(context.database.engine)
    start, now = time.perf_counter(), pd.Timestamp(context.now())
    for first, rows in enumerate(pd.read_csv(files["second"], chunksize=PART, parse_dates=["at"])):
        ids = rows["id"]
        rows = rows.rename(columns={"at": "event_at"}).assign(
            reading_id=ids, source_key=ids.astype(str), revision=1, content_hash=ids.map("{:032x}".format),
            ingested_at=now, superseded_at=pd.NaT, entity=None, run_id=first,
        )  # fmt: skip
        scores = pd.DataFrame(
            {"reading_id": ids, "version_id": 1, "score": rows["f0"], "p_value": 0.5, "scored_at": now}
        )
        with context.database.write() as session:
            bulk.write(session, table, rows[[c.name for c in table.columns]])
        with context.database.write() as session:
            bulk.write(session, narrow, scores)
    seconds = time.perf_counter() - start
    for made in (table, narrow):
        made.drop(context.database.engine)
    return {"seconds": seconds, "parts": {}}


def product(files: dict[str, str]) -> dict[str, object]:
    """Pull and score as the jobs do, in a process that never trains."""
    command = [sys.executable, "-m", "benchmarks.sides.throughput", "learn", json.dumps(files)]
    subprocess.run(command, check=True, capture_output=True)
    context = open_context()
    apply(context, document(files["second"]), "bench", overwrite=True)
    parts = {}
    for job in ("pull", "score"):
        start = time.perf_counter()
        done = run_now(context, job, "bench", "bench")
        parts[job] = round(time.perf_counter() - start, 1)
        print(done["message"], file=sys.stderr)
    return {"seconds": sum(parts.values()), "parts": parts}


def learn(files: dict[str, str]) -> dict[str, object]:
    """A champion on the first file."""
    schema.upgrade(Database(open_context().settings.url))
    context: Context = open_context()
    apply(context, document(files["first"]), "bench")
    for job in ("pull", "train", "score"):
        run_now(context, job, "bench", "bench")
    return {"seconds": 0.0, "parts": {}}


def document(path: str) -> Document:
    return Document.model_validate(
        {
            "monitors": [
                {
                    "name": "bench", "kind": "tabular", "key": ["id"], "time": "at",
                    "source": {"kind": "files", "path": path}, "model": {"objective": "vanilla"},
                    "alerts": {"p_value": 0.0001},
                }
            ]
        }
    )  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
