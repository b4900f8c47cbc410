"""How long faults of server and network are tried again."""

from __future__ import annotations

import pytest

from bootstrap.errors import BootstrapError, ConnectionFailedError, ServerError
from bootstrap.prefix.retry import LONGEST_PAUSE, RETRY_BUDGET, UNHEARD_BUDGET, Retries


def pauses(retries: Retries, error: BootstrapError, *, attempt: float = 0.0) -> list[float]:
    """The pauses of a job whose every attempt fails, after that many seconds."""
    now, found = attempt, []
    while (pause := retries.pause_after(error, now)) is not None:
        found.append(pause)
        now += pause + attempt
    return found


def test_a_channel_that_was_never_heard_of_is_given_up_early() -> None:
    found = pauses(Retries(), ConnectionFailedError("no such host"))
    assert found == [1, 2, 4, 8]
    assert sum(found) <= UNHEARD_BUDGET < sum(found) + 16


@pytest.mark.parametrize(
    ("error", "heard"), [(ConnectionFailedError("cut"), True), (ServerError("503"), False)], ids=["bytes", "answer"]
)
def test_one_that_has_answered_gets_its_time(error: BootstrapError, heard: bool) -> None:
    retries = Retries()
    retries.heard = heard
    found = pauses(retries, error)
    assert found[:6] == [1, 2, 4, 8, 16, LONGEST_PAUSE]
    assert set(found[6:]) == {LONGEST_PAUSE}
    assert RETRY_BUDGET - LONGEST_PAUSE < sum(found) <= RETRY_BUDGET


def test_no_budget_is_one_attempt() -> None:
    assert pauses(Retries(0.0), ServerError("503")) == []


def test_the_time_of_the_attempts_counts_from_the_first_fault_on() -> None:
    assert pauses(Retries(), ConnectionFailedError("timed out"), attempt=8.0) == [1, 2]


def test_one_that_answers_late_gets_the_whole_time_after_all() -> None:
    retries = Retries()
    assert retries.pause_after(ConnectionFailedError("refused"), 0.0) == 1
    assert retries.pause_after(ServerError("503"), 100.0) == 2
    assert retries.pause_after(ConnectionFailedError("refused"), 150.0) == 4
