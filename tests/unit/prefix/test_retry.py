"""How long faults of server and network are tried again."""

from __future__ import annotations

import pytest

from bootstrap.errors import BootstrapError, ConnectionFailedError, ServerError
from bootstrap.prefix.retry import LONGEST_PAUSE, RETRY_BUDGET, UNHEARD_BUDGET, Pace, Retries


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


def test_a_server_that_asks_for_more_time_than_there_is_is_not_waited_for() -> None:
    error = ServerError("busy")
    error.retry_after = 5.0
    retries = Retries(60.0)
    assert retries.pause_after(error, 100.0) == 5.0
    error.retry_after = 31536000.0
    assert retries.pause_after(error, 106.0) is None


def test_time_in_which_nothing_went_forward_counts() -> None:
    error = ServerError("silent")
    assert Retries(60.0).pause_after(error, 100.0, since=50.0) == 1.0
    assert Retries(60.0).pause_after(error, 111.0, since=50.0) is None


def test_a_trickle_is_no_progress() -> None:
    pace = Pace(10.0, now=0.0)
    for second in range(1, 10):
        pace.hear({"event": "bytes", "done": second * 100}, float(second))
        assert not pace.trickles(float(second))
    assert pace.trickles(10.0) == "900 bytes in 10 s"
    pace.hear({"event": "bytes", "done": 50_000}, 10.0)
    assert pace.since == 10.0
    pace.hear({"event": "cached"}, 12.0)
    assert pace.since == 12.0
