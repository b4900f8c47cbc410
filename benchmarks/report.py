"""The benchmark's result as tables and as JSON."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from benchmarks.measure import SAMPLING_SHARE
from benchmarks.stats import MEGABYTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.stats import Goal, Sample, Summary

MEMORY = (
    f"peak memory: sum of PSS over the process tree, sampled for at most {SAMPLING_SHARE:.0%} of the time; "
    "CPU: user + system of the tree by wait4; written: new files, each inode once"
)


def machine() -> dict[str, Any]:
    """The facts about this machine that a time depends on."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "load_before": os.getloadavg(),
        "versions": {
            "python": platform.python_version(),
            **{name: _distribution(name) for name in ("condacolab-bootstrap", "py-rattler", "uv", "pip")},
            **{tool: _first_line(tool, "--version") for tool in ("zstd", "tar")},
        },
        "commit": _first_line("git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _distribution(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _first_line(*command: str) -> str:
    if not shutil.which(command[0]):
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip().partition("\n")[0]


def tables(summaries: Mapping[str, Mapping[tuple[str, str], Summary]]) -> Iterable[Table]:
    """One table for each medium."""
    for medium, runs in summaries.items():
        table = Table(title=medium)
        table.add_column("", no_wrap=True)
        for name in ("wall s", "min-max", "x floor", "CPU s", "peak MB", "files", "MB written"):
            table.add_column(name, justify="right")
        for (contender, scenario), run in runs.items():
            table.add_row(
                f"{contender} {scenario}",
                f"{run.wall:.2f}",
                f"{run.wall_min:.2f}-{run.wall_max:.2f}",
                "" if run.ratio is None else f"{run.ratio:.2f}",
                f"{run.cpu:.2f}",
                f"{run.peak / MEGABYTE:.0f}",
                f"{run.files:.0f}",
                f"{run.bytes / MEGABYTE:.0f}",
            )
        yield table


def goal_table(goals: Iterable[Goal]) -> Table:
    """The goals, each met or not."""
    table = Table(title="goals")
    for name in ("goal", "medium", "measured", "at most", ""):
        table.add_column(name)
    for goal in goals:
        verdict = "[green]met" if goal.met else "[red]not met"
        measured = f"{goal.value:.0f}" if goal.unit == "MB" else f"{goal.value:.2f}"
        table.add_row(goal.text, goal.medium, f"{measured} {goal.unit}", f"{goal.limit:g} {goal.unit}", verdict)
    return table


def as_data(
    *,
    facts: Mapping[str, Any],
    samples: Sequence[Sample],
    summaries: Mapping[str, Mapping[tuple[str, str], Summary]],
    goals: Iterable[Goal],
    failures: Mapping[str, str],
) -> dict[str, Any]:
    """All of it, JSON-ready: facts, every single run, medians, goals."""
    return {
        "facts": {**facts, "command": sys.argv, "measures": MEMORY},
        "goals": [{**asdict(goal), "met": goal.met} for goal in goals],
        "medians": [
            {"medium": medium, "contender": contender, "scenario": scenario, **asdict(summary)}
            for medium, runs in summaries.items()
            for (contender, scenario), summary in runs.items()
        ],
        "runs": [asdict(sample) for sample in samples],
        "failures": dict(failures),
    }
