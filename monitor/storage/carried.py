"""The rows before a batch: read from the database, or carried over from the batches before it."""

import pandas as pd
from sqlalchemy.orm import Session

from monitor.storage import past, readings

MOST = 500_000  # rows that are carried; beyond them only those of the newest batch's entities
REVISED = frozenset({"source_key", "revision"})  # what of a row tells whether a carried one was corrected


class Carried:
    """The newest rows of each entity that a run has met, so that none is read again for each batch.

    Rows are carried while they come in order and stand. Where one is late, or where one of an entity's rows was
    corrected, the entity is read from the database: it can tell what was known when.
    """

    def __init__(self) -> None:
        self._rows: pd.DataFrame | None = None
        self._through = self._depth = 0  # the last reading of the batches so far, and how far back was looked
        self._latest: pd.Timestamp | None = None  # event up to that reading
        self._fields = frozenset[str]()  # another champion may look at others

    def before(
        self,
        session: Session,
        table: readings.Table,
        batch: pd.DataFrame,
        after: int,
        depth: int,
        fields: frozenset[str],
    ) -> pd.DataFrame:
        """The context of ``batch`` for a history of ``depth`` rows; ``batch`` comes right behind reading ``after``."""
        if self._rows is None or (after, depth, fields) != (self._through, self._depth, self._fields):
            self._rows = past.known(session, table, batch.iloc[:0], depth, fields)
            self._latest = past.newest(session, table, after)
        last = int(batch["reading_id"].max())
        corrected = past.replaced(session, table, after, last)
        kept = self._standing(batch, corrected)
        named = batch[batch["entity"].notna()]
        spans = named.groupby("entity")["event_at"].agg(["min", "max"])
        newest = kept.groupby("entity")["event_at"].max().reindex(spans.index)
        own = spans.index[(newest <= spans["min"]).to_numpy()]
        fresh = past.known(session, table, named[~named["entity"].isin(own)], depth, fields)
        found = pd.concat([kept[kept["entity"].isin(own)], fresh], ignore_index=True)
        # of others there may be stored rows that happened later than all that was read
        ahead = spans.index[[self._latest is None or at >= self._latest for at in spans["max"]]]
        whole = own.union(ahead).difference(corrected["entity"].tolist())
        met = pd.concat([found, named[[name for name in found if name in named]]])
        self._rows = self._newest(
            met[met["entity"].isin(whole)], kept[~kept["entity"].isin(spans.index)], depth
        )
        self._through, self._depth, self._fields = last, depth, fields
        times = pd.concat([batch["event_at"], corrected["event_at"]])
        self._latest = max(filter(None, (self._latest, times.max())))
        return found

    def _standing(self, batch: pd.DataFrame, corrected: pd.DataFrame) -> pd.DataFrame:
        """The carried rows of entities that no correction up to the end of ``batch`` is about."""
        assert self._rows is not None
        keys = pd.concat([batch["source_key"][batch["revision"] > 1], corrected["source_key"]])
        stale = pd.concat([self._rows["entity"][self._rows["source_key"].isin(keys)], corrected["entity"]])
        return self._rows[~self._rows["entity"].isin(stale)]

    @staticmethod
    def _newest(met: pd.DataFrame, others: pd.DataFrame, depth: int) -> pd.DataFrame:
        """What the next batch may need: of the entities met, and as far as there is room of the others."""
        corrected = met["entity"][met["superseded_by"].notna()]
        met = met[~met["entity"].isin(corrected)].sort_values(["event_at", "reading_id"])
        met = met.groupby("entity").tail(depth)
        return pd.concat([others, met] if len(others) + len(met) <= MOST else [met], ignore_index=True)
