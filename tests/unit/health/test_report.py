"""Verdicts, exit codes, JSON and text."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from bootstrap.errors import EXIT_BROKEN, EXIT_DOUBTFUL, EXIT_OK
from bootstrap.health import Cause, ProbeResult, Report
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
    assert (one.verdict, one.ok, one.exit_code) == (verdict, verdict == "ok", code)


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
    text = str(report("broken"))
    assert text.splitlines()[:6] == [
        "broken: numpy 2.0 in /p",
        "",
        "broken: One that is broken. [cause-broken]",
        "  owner  numpy 2",
        "  line 0",
        "  line 1",
    ]
    assert "  and 4 more lines\n  next: Mend it.\n\n7 files compared, 1 probes, 1.5 s" in text
    assert "overview" not in text and "blas" not in text


def test_several_causes_begin_with_a_table_of_them() -> None:
    lines = str(report("broken", "doubtful")).splitlines()
    assert lines[2:5] == [
        "          cause           owner    since",
        "broken    cause-broken    numpy 2",
        "doubtful  cause-doubtful  numpy 2",
    ]


def test_with_everything_all_evidence_and_the_probes_are_told() -> None:
    text = str(report("broken").in_full)
    assert "line 13" in text and "more lines" not in text
    assert "probe  outcome   ms\nblas   fail     500\n" in text


def test_html_is_escaped_and_folds_long_evidence() -> None:
    one = Cause(
        "x", "broken", "<script>", ("a & b",) * 20, ("/f",), "numpy 2", "Run `x`.", since="2026-01-01", by="pip"
    )
    html = Report("/p/bin/python", "/p", "2.0", (one,), live=True)._repr_html_()
    assert "<script>" not in html
    assert "<summary" in html and "10 more lines" in html
    assert all(
        words in html for words in ("numpy 2.0 in /p and in this process", "2026-01-01", "pip", ">broken</strong>")
    )
