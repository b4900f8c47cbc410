"""Days as resolvers read them, and the interpreter that is meant."""

from __future__ import annotations

import pytest

from bootstrap.diagnosis.session import SessionOptions, open_session, read_moment
from bootstrap.diagnosis.target import release
from bootstrap.errors import AsOfError
from bootstrap.progress import NullProgress


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-11-15", "2025-11-15T23:59:59Z"),
        ("2025-11-15T12:00:00Z", "2025-11-15T12:00:00+00:00"),
        ("2025-11-15T12:00:00+02:00", "2025-11-15T12:00:00+02:00"),
        ("2025-11-15T12:00", "2025-11-15T12:00:00+00:00"),
    ],
)
def test_a_day_means_its_end(text: str, moment: str) -> None:
    assert read_moment(text) == moment


@pytest.mark.parametrize("text", ["yesterday", "2025-02-30", "15.11.2025", ""])
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(AsOfError) as caught, open_session(SessionOptions(as_of=text), progress=NullProgress()):
        pass
    assert caught.value.evidence[0].startswith(f"{text}: ")


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("24.1.2", (24, 1, 2)), ("24.1b2", (24, 1)), ("2.0.0rc1", (2, 0, 0)), ("2.0.dev0", (2, 0)), ("x", ())],
)
def test_a_version_as_numbers(version: str, numbers: tuple[int, ...]) -> None:
    assert release(version) == numbers
