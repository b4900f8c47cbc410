"""How progress and errors are shown."""

from __future__ import annotations

import io
import json

import pytest

from bootstrap import console
from bootstrap.console import JsonProgress, PlainProgress, TerminalProgress, megabytes, progress_for, show_error
from bootstrap.errors import MissingHashError
from bootstrap.progress import NullProgress, Step


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(console.time, "monotonic", found.monotonic)
    return found


def fetching(packages: int, megabytes_done: int) -> Step:
    return Step("fetching", packages, 10, bytes_done=megabytes_done * 10**6, bytes_total=100 * 10**6)


def test_plain_lines_come_seldom_and_say_what_is_left(clock: Clock) -> None:
    out = io.StringIO()
    progress = PlainProgress(out)
    for second in range(12):
        clock.now = 100.0 + second
        progress.step(fetching(second // 2, second * 5))
    progress.step(Step("verifying"))
    progress.note("The server is at fault. Retrying in 2 s.")
    lines = out.getvalue().splitlines()
    assert lines == [
        "fetching, 0/10 packages",
        "fetching, 2/10 packages, 25 MB of 100 MB, 15 s left",
        "fetching, 5/10 packages, 50 MB of 100 MB, 10 s left",
        "verifying",
        "The server is at fault. Retrying in 2 s.",
    ]


def test_json_lines_have_the_step_and_the_seconds_left(clock: Clock) -> None:
    out = io.StringIO()
    progress = JsonProgress(out)
    progress.step(fetching(0, 0))
    clock.now += 10
    progress.step(fetching(5, 50))
    progress.note("hm")
    first, second, third = map(json.loads, out.getvalue().splitlines())
    assert (first["event"], first["stage"], first["seconds_left"]) == ("step", "fetching", None)
    assert (second["done"], second["total"], second["bytes_done"]) == (5, 10, 50_000_000)
    assert second["seconds_left"] == 10.0
    assert third == {"event": "note", "message": "hm"}


def test_seconds_left_go_by_packages_where_bytes_are_unknown(clock: Clock) -> None:
    out = io.StringIO()
    progress = JsonProgress(out)
    progress.step(Step("linking", 0, 40))
    clock.now += 4
    progress.step(Step("linking", 10, 40))
    assert json.loads(out.getvalue().splitlines()[1])["seconds_left"] == 12.0


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_that_is_gone_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    out = Terminal()
    progress = progress_for(out)
    assert isinstance(progress, TerminalProgress)
    progress.step(fetching(3, 30))
    progress.note("waiting")
    progress.close()
    shown = out.getvalue()
    assert "fetching" in shown
    assert "30 MB of 100 MB" in shown
    assert "waiting" in shown
    assert shown.rstrip().endswith(("\x1b[2K", "\x1b[?25h")) or "\x1b[2K" in shown.split("waiting")[1]


def test_the_display_fits_the_place() -> None:
    assert isinstance(progress_for(io.StringIO()), PlainProgress)
    assert isinstance(progress_for(io.StringIO(), quiet=True), NullProgress)
    assert isinstance(progress_for(Terminal(), as_json=True), JsonProgress)


@pytest.mark.parametrize(
    ("count", "text"), [(900, "1 kB"), (1_500_000, "2 MB"), (527_100_000, "527 MB"), (4_167_900_000, "4.17 GB")]
)
def test_megabytes(count: int, text: str) -> None:
    assert megabytes(count) == text


def test_an_error_shows_message_evidence_and_what_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    show_error(
        MissingHashError("The lock has a record without a valid sha256.", evidence=["l.yml:12: [numpy] 2.3.4"]), out
    )
    assert out.getvalue().splitlines() == [
        "error: The lock has a record without a valid sha256.",
        "  l.yml:12: [numpy] 2.3.4",
        "  next: Lock again against a channel whose repodata has sha256; nothing is downloaded unverified.",
        "  more: bootstrap explain missing-hash",
    ]


@pytest.mark.parametrize(("variable", "coloured"), [("FORCE_COLOR", True), ("NO_COLOR", False)])
def test_colour_follows_the_environment(monkeypatch: pytest.MonkeyPatch, variable: str, coloured: bool) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "1")
    out = io.StringIO()
    show_error(MissingHashError("x"), out)
    assert ("\x1b[" in out.getvalue()) is coloured
