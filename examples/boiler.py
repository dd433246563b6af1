"""A simulated boiler for csv.yaml: python examples/boiler.py [LAST DAY] > examples/boiler.csv

Four days of one-minute samples with a daily rhythm, until yesterday unless told otherwise; on the last day the pump
fails for half an hour.
"""

import csv
import math
import random
import sys
from datetime import datetime, timedelta

DAYS, FAULT = 4, range(5_500, 5_530)  # the fault in minutes since the start


def main(last: str | None) -> None:
    # local times without a zone, as many loggers write them
    day = datetime.fromisoformat(last) if last else datetime.now() - timedelta(days=1)  # noqa: DTZ005  loggers write local time
    start = datetime(day.year, day.month, day.day) - timedelta(days=DAYS - 1)  # noqa: DTZ001  as above
    draw = random.Random(7)  # noqa: S311  not a secret
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(["timestamp", "supply", "return", "flow", "burner"])
    for n in range(DAYS * 24 * 60):
        load = 0.6 + 0.3 * math.sin(2 * math.pi * n / 1440) + draw.gauss(0, 0.02)
        supply, burner = 45 + 30 * load + draw.gauss(0, 0.3), "high" if load > 0.7 else "low"
        flow = (4 + 8 * load) * (0.4 if n in FAULT else 1.0) + draw.gauss(0, 0.1)
        at = start + timedelta(minutes=n)
        rows.writerow(
            [at.isoformat(" "), f"{supply:.2f}", f"{supply - 60 * load / flow:.2f}", f"{flow:.3f}", burner]
        )


if __name__ == "__main__":
    main(*sys.argv[1:2] or [None])
