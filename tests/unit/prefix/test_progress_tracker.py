"""The engine's events as steps of progress: never too many, and always the last."""

from __future__ import annotations

import time

import pytest

from bootstrap.prefix.progress_tracker import ProgressTracker
from bootstrap.progress import NullProgress, Step
from tests.support.records import record


class Told(NullProgress):
    """Keeps the steps."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def step(self, step: Step) -> None:
        self.steps.append(step)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which stands still unless a test moves it."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.mark.usefixtures("clock")
def test_hundreds_of_packages_in_a_moment_are_three_steps() -> None:
    told, names = Told(), [f"p{i}" for i in range(300)]
    follow = ProgressTracker(told, [record(name) for name in names])
    follow.on_event({"event": "transaction", "operations": len(names)})
    for name in names:
        follow.on_event({"event": "fetching", "name": name})
        follow.on_event({"event": "cached", "name": name})
    for name in names:
        follow.on_event({"event": "linked", "name": name})
    assert [(s.stage, s.done, s.total) for s in told.steps] == [
        ("fetching", 0, 300),
        ("linking", 0, 300),
        ("linking", 300, 300),
    ]
    assert follow.linked == set(names)


def test_bytes_are_told_as_time_passes(clock: list[float]) -> None:
    told = Told()
    follow = ProgressTracker(told, [record("a"), record("b")])
    follow.on_event({"event": "transaction", "operations": 2})
    for done in range(1, 11):
        clock[0] += 1 / 32
        follow.on_event({"event": "bytes", "done": done})
    assert [s.bytes_done for s in told.steps] == [0, 2, 4, 6, 8, 10]
    assert {s.bytes_total for s in told.steps} == {20}
    assert follow.bytes_done == 10


@pytest.mark.usefixtures("clock")
def test_nothing_to_fetch_is_linking_from_the_start() -> None:
    told = Told()
    follow = ProgressTracker(told, [])
    follow.on_event({"event": "transaction", "operations": 1})
    follow.on_event({"event": "linked", "name": "a"})
    assert [(s.stage, s.done, s.total) for s in told.steps] == [("linking", 0, 1), ("linking", 1, 1)]
