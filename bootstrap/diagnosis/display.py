"""A diagnosis for people: on a terminal, in a notebook, as Markdown for a bug report."""

from __future__ import annotations

import platform
from html import escape
from typing import TYPE_CHECKING

from rich.text import Text

from bootstrap._util.listing import capped
from bootstrap._version import __version__
from bootstrap.card import STYLES, badge
from bootstrap.diagnosis import document as doc
from bootstrap.diagnosis.answer import Diagnosis
from bootstrap.diagnosis.model import NUMPY_NAME
from bootstrap.diagnosis.wording import advice, effect, headline, names, title, trial_lines, written_line

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from bootstrap.diagnosis.model import Finding

_LINES = 8
_COLUMNS = ("requirement", "verdict", NUMPY_NAME, "what it would do")


def render(diagnosis: Diagnosis, *, everything: bool = False) -> RenderableType:
    """The diagnosis for a terminal.

    Args:
        diagnosis: What was found.
        everything: All changes, breakages and reasons, not the first of them.
    """
    limit = None if everything else _LINES
    parts: list[RenderableType] = [_table(diagnosis, limit)]
    parts += [_company(finding, limit) for finding in _several(diagnosis)]
    parts += [Text(line, style=style) for line, style in _others(diagnosis, limit)]
    parts += [Text(line) for trial in diagnosis.trials for line in trial_lines(trial)]
    parts += [Text(written_line(written), style="green") for written in diagnosis.written]
    parts += [*doc.labelled("note", diagnosis.notes), *doc.labelled("next", advice(diagnosis))]
    parts.append(Text(f"{diagnosis.seconds:.1f} s; nothing was changed there", style="dim"))
    return doc.group(diagnosis.verdict, headline(diagnosis), title(diagnosis), *parts)


def _rows(diagnosis: Diagnosis) -> list[tuple[Finding, bool]]:
    """The findings of the table, and whether one is that of all together."""
    whole = [(diagnosis.together, True)] if len(diagnosis.alone) != 1 else []
    return [*((finding, False) for finding in diagnosis.alone), *whole]


def _several(diagnosis: Diagnosis) -> list[Finding]:
    """The findings that only several requirements have together."""
    return [f for f in (*diagnosis.culprits, *diagnosis.conflicts) if len(f.requirements) > 1]


def _table(diagnosis: Diagnosis, limit: int | None) -> Table:
    table = doc.plain_table()
    for name in _COLUMNS:
        table.add_column(name, no_wrap=name == _COLUMNS[0], overflow="fold" if name == _COLUMNS[-1] else "ellipsis")
    for finding, whole in _rows(diagnosis):
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
            lines += [(f"  {item}", "dim") for item in capped(items, limit, "more (-v shows all)")]
    return lines


def to_html(diagnosis: Diagnosis) -> str:
    """The diagnosis as a notebook shows it."""
    rows = [
        (
            "<b>all together</b>" if whole else f"<code>{escape(names(finding))}</code>",
            badge(finding.verdict, finding.verdict),
            escape(_subject(diagnosis, finding)),
            escape(effect(finding, limit=3)),
        )
        for finding, whole in _rows(diagnosis)
    ]
    lines = [
        f"<b>{'in conflict' if finding.failed else 'only together'}:</b> <code>{escape(names(finding))}</code><br>"
        f"{escape(effect(finding, limit=3))}"
        for finding in _several(diagnosis)
    ]
    lines += [escape(text).replace("\n", "<br>") for text, _ in _others(diagnosis, _LINES)]
    lines += [escape(line) for trial in diagnosis.trials for line in trial_lines(trial)]
    lines += [escape(written_line(written)) for written in diagnosis.written]
    lines += [*doc.labelled_html("note", diagnosis.notes), *doc.labelled_html("next", advice(diagnosis))]
    inner = doc.html_body(title(diagnosis), _COLUMNS, rows, lines)
    return doc.frame(diagnosis.verdict, headline(diagnosis), inner)


def to_markdown(diagnosis: Diagnosis) -> str:
    """The whole of it: verdict, table, paths, breakages, reasons."""
    lines = doc.markdown_head(diagnosis.verdict, headline(diagnosis), title(diagnosis))
    lines += [f"| {' | '.join(_COLUMNS)} |", "|---|---|---|---|"]
    for finding, whole in _rows(diagnosis):
        label = "**all together**" if whole else doc.code(names(finding))
        numpy = str(finding.subject) if finding.subject else "stays" if diagnosis.environment.numpy else "none"
        numpy = "?" if finding.failed else numpy
        lines.append(f"| {label} | {finding.verdict} | {doc.cell(numpy)} | {doc.cell(effect(finding, limit=3))} |")
    for finding in _several(diagnosis):
        kind = "In conflict" if finding.failed else "Only together"
        lines += ["", f"{kind}: {doc.code(names(finding))}: {doc.prose(effect(finding, limit=None))}"]
    together = diagnosis.together
    for head, items in (
        ("Replaced", [str(c) for c in together.changes]),
        ("No longer fit", [str(b) for b in together.breakages]),
        ("Why it can't be resolved", list(together.failed)),
        ("With numpy held", list(diagnosis.held.failed) if diagnosis.held else []),
    ):
        if items:
            lines += [
                "",
                f"<details><summary>{head}: {len(items)}</summary>",
                "",
                *doc.block(items),
                "</details>",
            ]
    for trial in diagnosis.trials:
        lines += ["", *doc.block(line.strip("\n") for line in trial_lines(trial))]
    notes = [*diagnosis.notes, *(written_line(w).strip() for w in diagnosis.written), *advice(diagnosis)]
    lines += ["", *(f"- {doc.prose(note)}" for note in notes)] if notes else []
    by = together.resolver or "no resolver"
    lines += ["", f"condacolab-bootstrap {__version__}, {by}, {platform.system()}, {diagnosis.seconds:.1f} s", ""]
    return "\n".join(lines)


doc.show(Diagnosis, render, to_html, to_markdown)
