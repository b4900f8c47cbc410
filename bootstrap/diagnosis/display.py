"""A diagnosis for people: on a terminal, as plain text, in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from bootstrap.console import plain
from bootstrap.diagnosis.answer import Diagnosis
from bootstrap.diagnosis.markdown import diagnosis_markdown
from bootstrap.diagnosis.model import NUMPY_NAME
from bootstrap.diagnosis.wording import advice, badge, effect, headline, names, title, trial_lines, written_line
from bootstrap.text import shown

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bootstrap.diagnosis.model import Finding

STYLES = {"ok": "green", "doubtful": "yellow", "broken": "red"}
_LINES = 8
_CELL = 'style="text-align:left;vertical-align:top;padding:2px 12px 2px 0"'


def render(diagnosis: Diagnosis, *, everything: bool = False) -> RenderableType:
    """The diagnosis for a terminal.

    Args:
        diagnosis: What was found.
        everything: All changes, breakages and reasons, not the first of them.
    """
    limit = None if everything else _LINES
    verdict = diagnosis.verdict
    parts: list[RenderableType] = [
        Text.assemble((verdict, f"bold {STYLES[verdict]}"), ": ", (headline(diagnosis), "bold")),
        Text(title(diagnosis), style="dim"),
        Text(),
        _table(diagnosis, limit),
    ]
    several = [f for f in (*diagnosis.culprits, *diagnosis.conflicts) if len(f.requirements) > 1]
    parts += [_company(finding, limit) for finding in several]
    parts += [Text(line, style=style) for line, style in _others(diagnosis, limit)]
    parts += [Text(line) for trial in diagnosis.trials for line in trial_lines(trial)]
    parts += [Text(written_line(written), style="green") for written in diagnosis.written]
    parts += [Text.assemble(("note: ", "bold"), note) for note in diagnosis.notes]
    parts += [Text.assemble(("next: ", "bold"), line) for line in advice(diagnosis)]
    parts.append(Text(f"{diagnosis.seconds:.1f} s; nothing was changed there", style="dim"))
    return Group(*parts)


def _table(diagnosis: Diagnosis, limit: int | None) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("requirement", no_wrap=True)
    table.add_column("verdict")
    table.add_column(NUMPY_NAME)
    table.add_column("what it would do", overflow="fold")
    rows = list(diagnosis.alone)
    if len(rows) != 1:
        rows.append(diagnosis.together)
    for finding in rows:
        whole = finding is diagnosis.together and len(diagnosis.alone) != 1
        label = Text("all together", style="bold") if whole else Text(names(finding))
        verdict = Text(finding.verdict, style=STYLES[finding.verdict])
        table.add_row(label, verdict, _subject(diagnosis, finding), effect(finding, limit=2 if limit else None))
    return table


def _subject(diagnosis: Diagnosis, finding: Finding) -> str:
    if finding.failed:
        return "?"
    if finding.subject is None:
        new = next((c for c in finding.added if c.name == NUMPY_NAME), None)
        return f"none -> {new.after}" if new else diagnosis.environment.numpy or "none"
    if finding.subject.kind == "rewritten":
        return f"{finding.subject.after}, rewritten"
    return f"{finding.subject.before} -> {finding.subject.after or 'none'}"


def _company(finding: Finding, limit: int | None) -> Text:
    if finding.failed:
        text = Text.assemble(("\nin conflict: ", "bold yellow"), (names(finding), "bold"))
        for line in finding.failed[:limit]:
            text.append(f"\n  {line}", style="dim")
        return text
    text = Text.assemble(("\nonly together: ", "bold red"), (names(finding), "bold"))
    text.append(f"\n  {effect(finding, limit=limit)}")
    return text


def _others(diagnosis: Diagnosis, limit: int | None) -> list[tuple[str, str]]:
    """What all together would change or break beside numpy."""
    together = diagnosis.together
    changes = [str(c) for c in together.changes if c.name != NUMPY_NAME]
    lines: list[tuple[str, str]] = []
    for head, items, style in (
        ("would also replace:", changes, ""),
        ("would no longer fit:", [str(b) for b in together.breakages], "yellow"),
        ("why it can't be resolved:", [] if diagnosis.conflicts else list(together.failed), ""),
        (
            f"with numpy {diagnosis.environment.numpy} held, it can't be resolved:",
            list(diagnosis.held.failed) if diagnosis.held else [],
            "",
        ),
    ):
        if items:
            lines.append((f"\n{head}", style))
            lines += [(f"  {item}", "dim") for item in items[:limit]]
            if limit is not None and len(items) > limit:
                lines.append((f"  and {len(items) - limit} more (-v shows all)", "dim"))
    return lines


def to_html(diagnosis: Diagnosis) -> str:
    """The diagnosis as a notebook shows it."""
    verdict = diagnosis.verdict
    rows = []
    shown = [*diagnosis.alone] + ([diagnosis.together] if len(diagnosis.alone) != 1 else [])
    for finding in shown:
        label = "<b>all together</b>" if finding is diagnosis.together else f"<code>{escape(names(finding))}</code>"
        rows.append(
            f"<tr><td {_CELL}>{label}</td><td {_CELL}>{badge(finding.verdict)}</td>"
            f"<td {_CELL}>{escape(_subject(diagnosis, finding))}</td>"
            f"<td {_CELL}>{escape(effect(finding, limit=3))}</td></tr>"
        )
    head = "".join(f"<th {_CELL}>{name}</th>" for name in ("requirement", "verdict", NUMPY_NAME, "what it would do"))
    lines = []
    for finding in (*diagnosis.culprits, *diagnosis.conflicts):
        if len(finding.requirements) > 1:
            kind = "in conflict" if finding.failed else "only together"
            lines.append(
                f"<b>{kind}:</b> <code>{escape(names(finding))}</code><br>{escape(effect(finding, limit=3))}"
            )
    lines += [escape(text).replace("\n", "<br>") for text, _ in _others(diagnosis, _LINES)]
    lines += [escape(line) for trial in diagnosis.trials for line in trial_lines(trial)]
    lines += [escape(written_line(written)) for written in diagnosis.written]
    lines += [f"<b>note:</b> {escape(note)}" for note in diagnosis.notes]
    lines += [f"<b>next:</b> {escape(line)}" for line in advice(diagnosis)]
    return (
        f'<div style="font-family:sans-serif;line-height:1.5">{badge(verdict)} <b>{escape(headline(diagnosis))}</b>'
        f'<div style="opacity:.7">{escape(title(diagnosis))}</div>'
        f'<table style="border-collapse:collapse;margin:6px 0"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
        f"{'<br>'.join(lines)}</div>"
    )


Diagnosis.shown_by(
    terminal=render,
    text=lambda diagnosis: plain(render(diagnosis)).rstrip(),
    html=lambda diagnosis: shown(to_html(diagnosis)),
    markdown=lambda diagnosis: shown(diagnosis_markdown(diagnosis)),
)
