"""A diagnosis as Markdown, for a bug report."""

from __future__ import annotations

import platform
import re
from typing import TYPE_CHECKING

from bootstrap._version import __version__
from bootstrap.diagnosis.wording import advice, effect, headline, names, title, trial_lines, written_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootstrap.diagnosis.answer import Diagnosis

_MARKUP = re.compile(r"<(?=[A-Za-z/!?])|[\[`]|&(?=[#A-Za-z])")
_BACKTICKS = re.compile("`+")


def cell(text: str) -> str:
    """A text that may stand in a table."""
    return prose(text).replace("|", "\\|")


def prose(text: str) -> str:
    """A text on one line, in which nothing is HTML, a link or a picture."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def code(text: str) -> str:
    """A text as code, with as many backticks as it takes; it may stand in a table."""
    fence = "`" * (1 + max(map(len, _BACKTICKS.findall(text)), default=0))
    space = " " if "`" in text else ""
    return f"{fence}{space}{' '.join(text.split())}{space}{fence}".replace("|", "\\|")


def block(lines: Iterable[str]) -> list[str]:
    """Lines as they stand, which no line among them can end."""
    lines = list(lines)
    fence = "`" * max(3, 1 + max((len(run) for line in lines for run in _BACKTICKS.findall(line)), default=0))
    return [fence, *lines, fence]


def diagnosis_markdown(diagnosis: Diagnosis) -> str:
    """The whole of it: verdict, table, paths, breakages, reasons."""
    lines = [
        f"### {diagnosis.verdict}: {prose(headline(diagnosis))}",
        "",
        prose(title(diagnosis)),
        "",
        "| requirement | verdict | numpy | what it would do |",
        "|---|---|---|---|",
    ]
    rows = [*diagnosis.alone] + ([diagnosis.together] if len(diagnosis.alone) != 1 else [])
    for finding in rows:
        label = "**all together**" if finding is diagnosis.together else code(names(finding))
        numpy = str(finding.subject) if finding.subject else "stays" if diagnosis.environment.numpy else "none"
        numpy = "?" if finding.failed else numpy
        lines.append(f"| {label} | {finding.verdict} | {cell(numpy)} | {cell(effect(finding, limit=3))} |")
    for finding in (*diagnosis.culprits, *diagnosis.conflicts):
        if len(finding.requirements) > 1:
            kind = "In conflict" if finding.failed else "Only together"
            lines += ["", f"{kind}: {code(names(finding))}: {prose(effect(finding, limit=None))}"]
    together = diagnosis.together
    for head, items in (
        ("Replaced", [str(c) for c in together.changes]),
        ("No longer fit", [str(b) for b in together.breakages]),
        ("Why it can't be resolved", list(together.failed)),
        ("With numpy held", list(diagnosis.held.failed) if diagnosis.held else []),
    ):
        if items:
            lines += ["", f"<details><summary>{head}: {len(items)}</summary>", "", *block(items), "</details>"]
    for trial in diagnosis.trials:
        lines += ["", *block(line.strip("\n") for line in trial_lines(trial))]
    notes = [*diagnosis.notes, *(written_line(w).strip() for w in diagnosis.written), *advice(diagnosis)]
    lines += ["", *(f"- {prose(note)}" for note in notes)] if notes else []
    by = diagnosis.together.resolver or "no resolver"
    lines += ["", f"condacolab-bootstrap {__version__}, {by}, {platform.system()}, {diagnosis.seconds:.1f} s", ""]
    return "\n".join(lines)
