"""The payments' database: a table that a bank might have, and a view with what a row model needs to see."""

import os
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from monitor.demo.payments import Population, payments, populate

HISTORY, BEFORE = (
    timedelta(days=30),
    timedelta(days=30),
)  # the view shows a payment once a mean stands behind it
OWN = 4  # the scenario that is not the handbook's:
TESTS, STRIKES = 5, 3  # a card-testing burst: small payments to see whether the card lives, then large ones

SCHEMA = """
create table payments (
  transaction_id integer primary key,
  booked_at text not null,
  customer_id text not null,
  terminal_id text not null,
  amount real not null,
  is_fraud integer not null,
  scenario integer not null
);
create index payments_of_a_card on payments (customer_id, booked_at, amount);
create index payments_in_time on payments (booked_at, transaction_id);
create view card_payments as
select transaction_id, booked_at, customer_id, terminal_id, amount,
  round(coalesce(amount / (select avg(q.amount) from payments q where q.customer_id = p.customer_id
    and q.booked_at >= datetime(p.booked_at, '-30 days') and q.booked_at < p.booked_at), 1), 3)
    as amount_vs_usual, -- 1 where there is nothing to compare with
  (select count(*) from payments q where q.customer_id = p.customer_id
    and q.booked_at >= datetime(p.booked_at, '-1 day') and q.booked_at < p.booked_at) as payments_24h,
  min(86400, coalesce(strftime('%s', booked_at) - strftime('%s', (select max(q.booked_at) from payments q
    where q.customer_id = p.customer_id and q.booked_at < p.booked_at)), 86400))
    as seconds_since_last, -- a day stands for longer: only haste is of interest
  is_fraud
from payments p where booked_at >= (select datetime(min(booked_at), '+30 days') from payments);
"""


class PaymentsFeed:
    """One SQLite file; its newest payment says what is still to be booked: nothing twice, nothing missing."""

    name = "payments"
    fault_ticks = 1

    def __init__(self, folder: Path, population: Population | None = None) -> None:
        self.path = folder / "payments.db"
        self.population = population or populate()

    def create(self, now: datetime) -> None:
        """Book sixty days up to now, of which the view shows thirty; a file that is there stays as it is."""
        if self.path.exists():
            return
        part = self.path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with closing(sqlite3.connect(part)) as ledger:
            ledger.execute("pragma journal_mode=wal")  # readers do not hold up the feed
            ledger.executescript(SCHEMA)
            self._book(ledger, self._between(now - HISTORY - BEFORE, now))
        os.replace(part, self.path)

    def tick(self, now: datetime, fault: bool) -> int:
        """Book what the simulation has between the newest payment and now; ``fault`` adds a burst.

        Returns:
            rows written.
        """
        now = now.replace(microsecond=0)
        with closing(sqlite3.connect(self.path, timeout=30)) as ledger:
            since = self._newest(ledger)
            due = self._between(since, now)
            if fault:
                burst = self._burst(max(since, now - timedelta(seconds=5)), now)
                due = pd.concat([due, burst]).sort_values("booked_at", kind="stable")
            return self._book(ledger, due)

    def _between(self, after: datetime, until: datetime) -> pd.DataFrame:
        days = range(after.toordinal(), until.toordinal() + 1)
        due = pd.concat([payments(self.population, date.fromordinal(d)) for d in days], ignore_index=True)
        return due[(due["booked_at"] > after) & (due["booked_at"] <= until)]

    def _burst(self, after: datetime, until: datetime) -> pd.DataFrame:
        """Eight payments with one card within seconds, at terminals far from its home.

        Times rise from ``after`` to ``until``: a pull goes on after the newest booking it has seen, so a
        payment booked into the past would be missed by any keyset cursor.
        """
        rng = np.random.default_rng([self.population.seed, int(until.timestamp())])
        payers = np.flatnonzero(self.population.rate >= 1)
        customer = int(rng.choice(payers))
        far = np.setdiff1d(np.arange(self.population.terminals), self.population.reach[customer])
        size = TESTS + STRIKES
        steps = [after + (until - after) * (n + 1) / size for n in range(size)]
        return pd.DataFrame(
            {
                "booked_at": pd.to_datetime(steps).ceil("s"),
                "customer": customer,
                "terminal": rng.choice(far, size),
                "amount": np.round(np.r_[rng.uniform(0.5, 2, TESTS), rng.uniform(600, 1_500, STRIKES)], 2),
                "is_fraud": 1,
                "scenario": OWN,
            }
        )

    def _book(self, ledger: sqlite3.Connection, due: pd.DataFrame) -> int:
        rows = [
            (f"{p.booked_at:%Y-%m-%d %H:%M:%S}", f"C{p.customer:04d}", f"T{p.terminal:04d}",
             p.amount, p.is_fraud, p.scenario)
            for p in due.itertuples()
        ]  # fmt: skip
        with ledger:
            ledger.executemany(
                "insert into payments (booked_at, customer_id, terminal_id, amount, is_fraud, scenario)"
                " values (?, ?, ?, ?, ?, ?)",
                rows,
            )
        return len(rows)

    def _newest(self, ledger: sqlite3.Connection) -> datetime:
        (text,) = ledger.execute("select max(booked_at) from payments").fetchone()
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
