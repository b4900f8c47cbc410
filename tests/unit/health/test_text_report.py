"""Verdicts, exit codes, JSON and text."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from bootstrap.errors import EXIT_BROKEN, EXIT_DOUBTFUL, EXIT_OK
from bootstrap.health import Cause, ProbeResult, Report, exit_code, to_text
from bootstrap.health.model import FileFault, FileReason


def report(*severities: str) -> Report:
    causes = tuple(
        Cause(
            f"cause-{s}",
            s,
            f"One that is {s}.",
            tuple(f"line {i}" for i in range(14)),
            ("/p/f",),
            "numpy 2",
            "Mend it.",
        )  # type: ignore[arg-type]
        for s in severities
    )
    return Report("/p/bin/python", "/p", "2.0", causes, (ProbeResult("blas", "fail", 0.5, ("off",)),), 1.5, 7)


@pytest.mark.parametrize("reason", get_args(FileReason))
def test_each_fault_of_a_file_has_its_words(reason: FileReason) -> None:
    assert str(FileFault("/p/f", "numpy 2", reason, "so")).endswith(" (so)")


@pytest.mark.parametrize(
    ("severities", "verdict", "code"),
    [
        ((), "ok", EXIT_OK),
        (("note",), "ok", EXIT_OK),
        (("note", "doubtful"), "doubtful", EXIT_DOUBTFUL),
        (("doubtful", "broken", "note"), "broken", EXIT_BROKEN),
    ],
)
def test_verdict(severities: tuple[str, ...], verdict: str, code: int) -> None:
    one = report(*severities)
    assert (one.verdict, one.ok, exit_code(one)) == (verdict, verdict == "ok", code)


def test_dictionary() -> None:
    data = json.loads(json.dumps(report("broken").to_dict()))
    assert data["schema"] == 1
    assert set(data) == {
        "schema", "verdict", "ok", "python", "prefix", "numpy", "seconds", "files_checked", "level", "live",
        "manager", "lock", "causes", "probes",
    }  # fmt: skip
    assert set(data["causes"][0]) == {
        "id", "severity", "summary", "evidence", "files", "owner", "repair", "actions", "since", "by",
    }  # fmt: skip
    assert data["probes"] == [{"name": "blas", "outcome": "fail", "seconds": 0.5, "problems": ["off"]}]


def test_text() -> None:
    text = to_text(report("broken"), probes=True)
    assert "\x1b" not in text
    for words in (
        "broken: numpy 2.0 in /p",
        "[cause-broken]",
        "owner: numpy 2",
        "repair: Mend it.",
        "4 more lines",
        "blas",
    ):
        assert words in text
