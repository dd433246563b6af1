"""A simulated boiler for csv.yaml: python examples/boiler.py > examples/boiler.csv

Four days of one-minute samples with a daily rhythm; on the last day the flow sensor is stuck for an hour.
"""

import csv
import math
import random
import sys
from datetime import datetime, timedelta

START, MINUTES, STUCK = datetime(2026, 3, 1), 4 * 24 * 60, range(5_000, 5_060)  # noqa: DTZ001  local, as loggers write


def main() -> None:
    draw = random.Random(7)  # noqa: S311  not a secret
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(["timestamp", "supply", "return", "flow", "burner"])
    flow = 0.0
    for n in range(MINUTES):
        load = 0.6 + 0.3 * math.sin(2 * math.pi * n / 1440) + draw.gauss(0, 0.02)
        supply, burner = 45 + 30 * load + draw.gauss(0, 0.3), "high" if load > 0.7 else "low"
        flow = flow if n in STUCK else 4 + 8 * load + draw.gauss(0, 0.1)
        at = START + timedelta(minutes=n)
        rows.writerow(
            [at.isoformat(" "), f"{supply:.2f}", f"{supply - 60 * load / flow:.2f}", f"{flow:.3f}", burner]
        )


if __name__ == "__main__":
    main()
