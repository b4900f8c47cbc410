"""A report for people: a rich renderable, and the same as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from bootstrap._util.listing import capped
from bootstrap.card import STYLES
from bootstrap.console import plain
from bootstrap.errors import EXIT_BROKEN, EXIT_DOUBTFUL, EXIT_OK

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bootstrap.health.model import Cause, Report

_EVIDENCE = 10


def exit_code(report: Report) -> int:
    """The exit code of the command line for a verdict."""
    return {"ok": EXIT_OK, "doubtful": EXIT_DOUBTFUL, "broken": EXIT_BROKEN}[report.verdict]


def render(report: Report, *, probes: bool = False) -> RenderableType:
    """The report for a terminal or a notebook.

    Args:
        report: What was found.
        probes: Also list every probe with its outcome and time.
    """
    head = Text.assemble((report.verdict, f"bold {STYLES[report.verdict]}"), f": {headline(report)}")
    parts: list[RenderableType] = [head]
    if len(report.causes) > 1:
        parts.append(_overview(report))
    parts += [_cause(cause) for cause in report.causes]
    if probes:
        parts.append(_probes(report))
    return Group(*parts, Text(foot(report), style="dim"))


def headline(report: Report) -> str:
    """What was examined, in a few words."""
    version = f"numpy {report.numpy_version}" if report.numpy_version else "numpy"
    return f"{version} in {report.prefix}{' and in this process' if report.live else ''}"


def foot(report: Report) -> str:
    """How much was examined."""
    asked = sum(probe.outcome != "skip" for probe in report.probes)
    more = "" if report.level == "full" else " (quick; a full check reads every file and imports everything)"
    return f"{report.files_checked} files compared, {asked} probes, {report.seconds:.1f} s{more}"


def _overview(report: Report) -> RenderableType:
    table = Table("", "cause", "owner", "since", box=None, header_style="dim", pad_edge=False)
    for cause in report.causes:
        table.add_row(Text(cause.severity, style=STYLES[cause.severity]), cause.id, cause.owner, cause.since)
    return table


def _cause(cause: Cause) -> RenderableType:
    style = STYLES[cause.severity]
    text = Text.assemble(("\n" + cause.severity, f"bold {style}"), f" [{cause.id}] ", (cause.summary, "bold"))
    for line in capped(cause.evidence, _EVIDENCE, "more lines"):
        text.append(f"\n  {line}", style="dim")
    for label in ("owner", "since", "by", "repair"):
        if value := getattr(cause, label):
            text.append(f"\n  {label}: {value}")
    return text


def _probes(report: Report) -> RenderableType:
    table = Table("probe", "outcome", "ms", box=None, header_style="dim")
    table.columns[2].justify = "right"
    for probe in report.probes:
        style = "" if probe.ok else "red"
        table.add_row(probe.name, probe.outcome, f"{probe.seconds * 1000:.0f}", style=style)
    return table


def to_text(report: Report, *, probes: bool = False, width: int = 120) -> str:
    """The report as plain text, without colours or control codes.

    Args:
        report: What was found.
        probes: Also list every probe with its outcome and time.
        width: Columns at which lines are broken.
    """
    return plain(render(report, probes=probes), width=width, soft_wrap=True)
