"""From the outbox to the channels: each change at least once, in order per channel, with one key for repeats."""

import random
import threading
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

from monitor.domain.errors import MonitorError
from monitor.domain.run import Outcome, Run
from monitor.jobs.context import Context
from monitor.notifiers import open_notifier
from monitor.notifiers.base import DeliveryFailed, Message
from monitor.storage import channels, outbox
from monitor.storage.crash import fail_point
from monitor.storage.database import CONNECTIONS
from monitor.storage.outbox import Due

ATTEMPTS = 12  # then the notification is dead and shown as such
CLAIMED = 120.0  # seconds after which a claimed notification is due again: its sender died
FIRST_WAIT, LONGEST_WAIT = 10.0, 3600.0  # seconds between attempts, doubling
ROUND = 500  # notifications of a channel that a run sends before it ends
MOST = CONNECTIONS - 2  # channels that are served at once; two are for the run itself and its heartbeat
LOOK = 0.5  # seconds between two looks for channels that became due


def notify(context: Context, run: Run) -> Outcome:
    """Send what is due, and what becomes due meanwhile; a thread a channel, so that a slow one holds up no other."""
    totals, served = Counter[str](), Counter[str]()
    stop = threading.Event()
    with ThreadPoolExecutor(MOST, thread_name_prefix="channel") as pool:
        serving: dict[Future[Counter[str]], str] = {}
        try:
            while True:
                for channel in set(_due(context)) - set(serving.values()):
                    if served[channel] < ROUND:
                        serving[pool.submit(_serve, context, run, channel, stop)] = channel
                if not serving:
                    break
                for ended in wait(serving, timeout=LOOK, return_when=FIRST_COMPLETED).done:
                    came = ended.result()
                    served[serving.pop(ended)] += came.total()
                    totals += came
        finally:
            stop.set()  # whatever ended the run, each thread ends with the message it is at
    message = f"{totals['sent']} sent, {totals['failed']} to be tried again, {totals['dead']} given up"
    return Outcome(message, {name: totals[name] for name in ("sent", "failed", "dead")})


def _due(context: Context) -> list[str]:
    with context.database.read() as session:
        return outbox.channels_due(session, context.now())


def _serve(context: Context, run: Run, channel: str, stop: threading.Event) -> Counter[str]:
    """One channel's messages in their order, until none is due."""
    came = Counter[str]()
    while not stop.is_set() and came.total() < ROUND:
        with context.write(run) as session:
            claimed = outbox.claim(session, channel, context.now(), CLAIMED)
        if claimed is None:
            break
        came[_deliver(context, run, claimed)] += 1
    return came


def _deliver(context: Context, run: Run, due: Due) -> str:
    """Send outside of any transaction; a crash between sending and marking gives one repeat with the same key."""
    try:
        with context.database.read() as session:
            config, facts = channels.get(session, due.channel), channels.change(session, due.change_id)
        open_notifier(config).send(_message(context, due, facts))
    except MonitorError as fault:
        return _failed(context, run, due, fault)
    except Exception as fault:  # whatever it is, it must not hold up the notifications behind it for ever
        unexpected = MonitorError(f"unexpected fault: {type(fault).__name__}: {fault}", permanent=False)
        return _failed(context, run, due, unexpected)
    fail_point("notify.sent")
    with context.write(run) as session:
        outbox.settle(session, due, "sent", None, context.now())
    return "sent"


def _failed(context: Context, run: Run, due: Due, fault: MonitorError) -> str:
    dead = fault.permanent or due.attempts >= ATTEMPTS
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (due.attempts - 1)) * random.uniform(0.8, 1.2)  # noqa: S311  jitter
    if isinstance(fault, DeliveryFailed) and fault.retry_after:
        wait = max(wait, fault.retry_after)
    again = context.now() + timedelta(seconds=wait)
    with context.write(run) as session:
        outbox.settle(session, due, "dead" if dead else "pending", str(fault), again)
    return "dead" if dead else "failed"


def _message(context: Context, due: Due, facts: dict[str, Any]) -> Message:
    base = context.settings.public_url.rstrip("/")
    subject = f"{facts['severity'].capitalize()}: {facts['monitor']}" + (
        f", {facts['entity']}" if facts["entity"] else ""
    )
    return Message(
        subject=subject,
        text=facts["why"],
        severity=facts["severity"],
        url=f"{base}/alerts?alert={facts['alert']}" if base else "",
        payload=facts,
        idempotency_key=due.idempotency_key,
    )
