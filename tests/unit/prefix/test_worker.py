"""How long faults of server and network are tried again."""

from __future__ import annotations

from typing import Any

import pytest

from bootstrap.errors import BootstrapError, ConnectionFailedError, ServerError
from bootstrap.prefix import worker


class Clock:
    """Time that passes by sleeping only."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(worker.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(worker.time, "sleep", self._pass)

    def _pass(self, seconds: float) -> None:
        self.now += seconds


def tried(monkeypatch: pytest.MonkeyPatch, error: BootstrapError, events: list[dict[str, Any]]) -> float:
    """Seconds after which a job is given up whose every attempt ends with an error, after these events."""

    class Failing:
        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            pass

        def attempt(self, _work: object, on_event: Any, _stall: float) -> None:
            for event in events:
                on_event(event)
            raise error

    clock = Clock(monkeypatch)
    monkeypatch.setattr(worker, "Engine", Failing)
    with pytest.raises(type(error)):
        worker.run({}, Failing(), on_event=lambda _: None, on_retry=lambda *_: None)  # type: ignore[arg-type]
    return clock.now


def test_a_channel_that_was_never_heard_of_is_given_up_early(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 10 < tried(monkeypatch, ConnectionFailedError("no such host"), []) <= 20


@pytest.mark.parametrize(
    ("error", "events"),
    [
        (ConnectionFailedError("cut"), [{"event": "bytes", "done": 5}]),
        (ServerError("503"), []),
    ],
)
def test_one_that_has_answered_gets_its_time(
    monkeypatch: pytest.MonkeyPatch, error: BootstrapError, events: list[dict[str, Any]]
) -> None:
    assert 120 < tried(monkeypatch, error, events) <= worker.RETRY_BUDGET


def test_no_budget_is_one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_UNHEARD_BUDGET", 0.0)
    assert tried(monkeypatch, ConnectionFailedError("refused"), []) == 0
