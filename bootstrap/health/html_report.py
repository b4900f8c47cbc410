"""A report as a card in a notebook.

Colours come from the notebook itself (text inherits, grounds are see-through), so that it is readable in a light
and in a dark theme; the verdict is told in words, never by colour alone. No scripts, no style sheets: notebooks
strip them, or carry them over to other cells.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bootstrap._util.listing import capped
from bootstrap.card import COLOURS, badge
from bootstrap.health.model import Report
from bootstrap.health.text_report import foot, headline, render, to_text

if TYPE_CHECKING:
    from bootstrap.health.model import Cause

_BOX = "font:13px/1.5 system-ui,sans-serif;color:inherit;max-width:60em;margin:4px 0;"
_MONO = "font:12px/1.5 ui-monospace,monospace;overflow-wrap:anywhere;"
_SHOWN = 12


def to_html(report: Report) -> str:
    """The card."""
    colour = COLOURS[report.verdict]
    frame = f"border:1px solid {colour};border-left:5px solid {colour};border-radius:6px;padding:8px 12px"
    parts = [
        f'<section role="region" aria-label="numpy check: {report.verdict}" style="{_BOX}{frame}">',
        f"<div>{badge(report.verdict, report.verdict)} <strong>{escape(headline(report))}</strong></div>",
    ]
    parts += [_cause(cause) for cause in report.causes]
    parts.append(f'<div style="opacity:.75;margin-top:6px">{escape(foot(report))}</div></section>')
    return "".join(parts)


def _cause(cause: Cause) -> str:
    rows = [
        (label, value) for label, value in (("owner", cause.owner), ("since", cause.since), ("by", cause.by)) if value
    ]
    facts = "".join(
        f'<span style="margin-right:1.2em"><span style="opacity:.75">{label}:</span> {escape(value)}</span>'
        for label, value in rows
    )
    lines = [escape(line) for line in capped(cause.evidence, _SHOWN, "more lines")]
    evidence = (
        f'<details style="margin-top:2px"><summary style="cursor:pointer">evidence ({len(cause.evidence)})</summary>'
        f'<div style="{_MONO}opacity:.9">{"<br>".join(lines)}</div></details>'
        if lines
        else ""
    )
    repair = f'<strong>repair:</strong> <span style="{_MONO}">{escape(cause.repair)}</span>' if cause.repair else ""
    return (
        '<div style="border-top:1px solid rgba(128,128,128,.35);margin-top:8px;padding-top:6px">'
        f"<div>{badge(cause.severity, cause.severity)} <strong>{escape(cause.summary)}</strong> "
        f'<span style="opacity:.75">[{escape(cause.id)}]</span></div>'
        f"<div>{facts}</div><div>{repair}</div>{evidence}</div>"
    )


Report.shown_by(
    terminal=lambda report, *, everything: render(report, probes=everything),
    text=lambda report: to_text(report).rstrip(),
    html=to_html,
)
