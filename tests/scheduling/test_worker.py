import pytest

from monitor.jobs.running import Stopped
from monitor.scheduling import worker


def test_a_worker_that_is_stopped_while_it_starts_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stopped() -> None:
        raise Stopped

    monkeypatch.setattr(worker.Stop, "on_signals", lambda _: None)
    monkeypatch.setattr(worker, "end_with_parent", lambda: None)
    monkeypatch.setattr(worker, "open_context", stopped)
    assert worker.main("data") == 0
