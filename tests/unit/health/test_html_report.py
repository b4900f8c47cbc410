"""A report as a card in a notebook."""

from __future__ import annotations

from bootstrap.health import Cause, Report
from bootstrap.health.html_report import to_html


def report(*causes: Cause, live: bool = False) -> Report:
    return Report("/p/bin/python", "/p", "2.0", causes, (), 0.1, 3, live=live)


def test_it_is_escaped_and_says_the_verdict_in_words() -> None:
    one = Cause(
        "x", "broken", "<script>", ("a & b",) * 20, ("/f",), "numpy 2", "Run `x`.", since="2026-01-01", by="pip"
    )
    html = to_html(report(one))
    assert "<script>" not in html
    assert 'aria-label="numpy check: broken"' in html
    assert "evidence (20)" in html and "8 more lines" in html
    assert "2026-01-01" in html and "pip" in html
    assert to_html(report()).count("ok") == 2


def test_a_report_shows_itself() -> None:
    one = report(Cause("c", "doubtful", "It is so.", repair="Do."), live=True)
    assert repr(one).startswith("doubtful: numpy 2.0 in /p and in this process")
    assert one._repr_html_() == to_html(one)
