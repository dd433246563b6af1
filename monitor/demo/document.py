"""The demo's ``monitors.yaml``, commented for a reader."""

from json import dumps
from pathlib import Path

TEXT = """\
# The demo's three monitors. Change them, then: monitor plan FILE, monitor apply FILE
monitors:
  # Real telemetry of NASA's Space Shuttle (nine unnamed channels), replayed as a live feed. The published
  # rows have no clock and their order was lost, so the times are made up.
  - name: shuttle
    description: Real Space Shuttle telemetry, replayed; the rows carry no clock, so the times are made up.
    kind: tabular
    source: {{kind: files, path: {telemetry}, format: csv}}
    time: time
    label: anomaly              # known truth, never shown to the model
    schedule: {{pull: 5s, train: "0 2 * * *"}}
    alerts: {{budget: 20/day, gap: 1m}}
    queue: ops

  # Card payments, simulated after the Fraud Detection Handbook: no real customer is in there.
  - name: payments
    description: Simulated card payments with known fraud, by the Fraud Detection Handbook's method.
    kind: tabular
    source:
      kind: sql
      url: {ledger}
      query: select * from card_payments
      cursor: [booked_at, transaction_id]
    key: [transaction_id]
    time: booked_at
    entity: customer_id
    fields:
      exclude: [terminal_id]    # a number without order or meaning; kept for the reader of an alert
      unit: {{amount_vs_usual: ×, seconds_since_last: s}}
    label: is_fraud
    value: amount
    currency: EUR
    model: {{history: false}}    # the view computes what it shows of a card's past
    schedule: {{pull: 5s, train: "15 2 * * *"}}
    alerts: {{budget: 5/day}}
    queue: fraud

  # This very machine, live. It is learning until it has rows enough to train on.
  - name: host
    description: This machine's processor, memory, disk and network, live.
    kind: sensor
    source: {{kind: host, interval: 5s}}
    fields:
      unit:
        cpu_percent: "%"
        memory_percent: "%"
        swap_percent: "%"
        disk_percent: "%"
        disk_read_mb_s: MB/s
        disk_write_mb_s: MB/s
        net_recv_mb_s: MB/s
        net_sent_mb_s: MB/s
    schedule: {{pull: 10s, train: "30 2 * * *"}}
    alerts: {{budget: 5/day}}
    queue: ops
"""


def demo_document(feeds: Path) -> str:
    """The text of ``monitors.yaml`` for feeds in this folder.

    >>> "card_payments" in demo_document(Path("feeds"))
    True
    """
    root = feeds.absolute()
    return TEXT.format(
        telemetry=dumps(str(root / "shuttle.csv")), ledger=dumps(f"sqlite:///{root / 'payments.db'}")
    )
