"""Simulated card payments with known fraud, after the published method of the Fraud Detection Handbook.

Le Borgne, Siblini, Lebichot, Bontempi: Reproducible Machine Learning for Credit Card Fraud Detection,
chapter 3 (https://fraud-detection-handbook.github.io). Customers and terminals lie on a square of 100 by
100; a customer pays at terminals within a radius of 5, a Poisson number of times a day (mean 0 to 4), mostly
around noon, with normal amounts (mean 5 to 100, deviation half the mean). Fraud comes in three scenarios:

1. any amount above 220;
2. a terminal is compromised: everything paid there in the next 28 days is fraud;
3. a card's details leak: for 14 days a third of its payments are five times as large.

Terminals and cards are compromised at the handbook's rates. A day's payments are a pure function of seed and
date, so a feed can stop and go on at any moment.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import numpy as np
import pandas as pd

SIDE, RADIUS = 100.0, 5.0
NOON, SPREAD, DAY = 43_200.0, 20_000.0, 86_400.0  # seconds
LARGE = 220.0  # EUR
TERMINAL_RATE, TERMINAL_DAYS = 2 / 10_000, 28
LEAK_RATE, LEAK_DAYS, LEAK_SHARE, LEAK_FACTOR = 3 / 5_000, 14, 1 / 3, 5.0
PEOPLE, TERMINALS, LEAKS, PAYMENTS = range(4)  # which stream of random numbers


@dataclass(frozen=True)
class Population:
    """Who pays where: all that does not change from day to day.

    mean: (customers,) EUR; rate: (customers,) payments a day, 0 where no terminal is in reach;
    reach: per customer the terminals within the radius.
    """

    seed: int
    terminals: int
    mean: np.ndarray
    rate: np.ndarray
    reach: list[np.ndarray]


def populate(customers: int = 300, terminals: int = 1_000, seed: int = 0) -> Population:
    """Draw the customers and terminals.

    >>> len(populate(customers=20).reach)
    20
    """
    rng = np.random.default_rng([seed, PEOPLE])
    homes, shops = rng.uniform(0, SIDE, (customers, 2)), rng.uniform(0, SIDE, (terminals, 2))
    mean, rate = rng.uniform(5, 100, customers), rng.uniform(0, 4, customers)
    distance = np.linalg.norm(homes[:, None] - shops[None], axis=2)  # (customers, terminals)
    reach = [np.flatnonzero(row < RADIUS) for row in distance]
    return Population(seed, terminals, mean, np.where([len(r) for r in reach], rate, 0.0), reach)


def payments(population: Population, day: date) -> pd.DataFrame:
    """All payments of one day (UTC), in order of time.

    Returns:
        (payments, 6): ``booked_at`` (aware, whole seconds), ``customer``, ``terminal`` (whole numbers),
        ``amount`` (EUR, cents), ``is_fraud`` (0, 1), ``scenario`` (0 genuine, 1 to 3).

    >>> list(payments(populate(customers=20), date(2026, 1, 1)).columns)
    ['booked_at', 'customer', 'terminal', 'amount', 'is_fraud', 'scenario']
    """
    ordinal = day.toordinal()
    rng = np.random.default_rng([population.seed, PAYMENTS, ordinal])
    customer = np.repeat(np.arange(len(population.rate)), rng.poisson(population.rate))
    second = rng.normal(NOON, SPREAD, len(customer))
    inside = (second > 0) & (second < DAY)  # the handbook drops what falls outside the day
    customer, second = customer[inside], np.floor(second[inside])

    mean = population.mean[customer]
    amount = rng.normal(mean, mean / 2)
    amount = np.where(amount < 0, rng.uniform(0, 2 * mean), amount)
    pick = rng.random(len(customer))
    terminal = np.array([population.reach[c][int(u * len(population.reach[c]))]
                         for c, u in zip(customer, pick, strict=True)], dtype=int)  # fmt: skip
    leaked = np.isin(customer, leaked_cards(population, day)) & (rng.random(len(customer)) < LEAK_SHARE)

    scenario = np.select(
        [leaked, np.isin(terminal, compromised(population, day)), amount > LARGE], [3, 2, 1], 0
    )
    amount = np.maximum(np.round(np.where(leaked, amount * LEAK_FACTOR, amount), 2), 0.01)
    midnight = pd.Timestamp(datetime.combine(day, time(), UTC))
    frame = pd.DataFrame(
        {
            "booked_at": midnight + pd.to_timedelta(second, unit="s"),
            "customer": customer,
            "terminal": terminal,
            "amount": amount,
            "is_fraud": (scenario > 0).astype(int),
            "scenario": scenario,
        }
    )
    return frame.sort_values(["booked_at", "customer"], kind="stable").reset_index(drop=True)


def compromised(population: Population, day: date) -> np.ndarray:
    """Terminals at which every payment of this day is fraud (scenario 2)."""
    return _drawn(population, TERMINALS, population.terminals, TERMINAL_RATE, day, TERMINAL_DAYS)


def leaked_cards(population: Population, day: date) -> np.ndarray:
    """Customers whose card details are in wrong hands on this day (scenario 3)."""
    return _drawn(population, LEAKS, len(population.mean), LEAK_RATE, day, LEAK_DAYS)


def _drawn(population: Population, stream: int, size: int, rate: float, day: date, days: int) -> np.ndarray:
    last = day.toordinal()
    draws = [np.random.default_rng([population.seed, stream, d]) for d in range(last - days + 1, last + 1)]
    return np.unique(np.concatenate([g.choice(size, g.binomial(size, rate), replace=False) for g in draws]))
