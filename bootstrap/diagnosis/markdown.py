"""A diagnosis as Markdown, for a bug report."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from bootstrap import __version__
from bootstrap.diagnosis.wording import advice, effect, headline, names, title, trial_lines, written_line

if TYPE_CHECKING:
    from bootstrap.diagnosis.answer import Diagnosis


def cell(text: str) -> str:
    """A text that may stand in a table."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """A text as code, with as many backticks as it takes."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


def diagnosis_markdown(diagnosis: Diagnosis) -> str:
    """The whole of it: verdict, table, paths, breakages, reasons."""
    lines = [
        f"### {diagnosis.verdict}: {headline(diagnosis)}",
        "",
        title(diagnosis),
        "",
        "| requirement | verdict | numpy | what it would do |",
        "|---|---|---|---|",
    ]
    rows = [*diagnosis.alone] + ([diagnosis.together] if len(diagnosis.alone) != 1 else [])
    for finding in rows:
        label = "**all together**" if finding is diagnosis.together else code(cell(names(finding)))
        numpy = str(finding.subject) if finding.subject else "stays" if diagnosis.environment.numpy else "none"
        numpy = "?" if finding.failed else numpy
        lines.append(f"| {label} | {finding.verdict} | {cell(numpy)} | {cell(effect(finding, limit=3))} |")
    for finding in (*diagnosis.culprits, *diagnosis.conflicts):
        if len(finding.requirements) > 1:
            kind = "In conflict" if finding.failed else "Only together"
            lines += ["", f"{kind}: {code(names(finding))}: {effect(finding, limit=None)}"]
    together = diagnosis.together
    for head, items in (
        ("Replaced", [str(c) for c in together.changes]),
        ("No longer fit", [str(b) for b in together.breakages]),
        ("Why it can't be resolved", list(together.failed)),
        ("With numpy held", list(diagnosis.held.failed) if diagnosis.held else []),
    ):
        if items:
            lines += ["", f"<details><summary>{head}: {len(items)}</summary>", "", "```", *items, "```", "</details>"]
    for trial in diagnosis.trials:
        lines += ["", "```", *(line.strip("\n") for line in trial_lines(trial)), "```"]
    notes = [*diagnosis.notes, *(written_line(w).strip() for w in diagnosis.written), *advice(diagnosis)]
    lines += ["", *(f"- {note}" for note in notes)] if notes else []
    by = diagnosis.together.resolver or "no resolver"
    lines += ["", f"condacolab-bootstrap {__version__}, {by}, {platform.system()}, {diagnosis.seconds:.1f} s", ""]
    return "\n".join(lines)
