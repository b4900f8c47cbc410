"""``python -m benchmarks.check``: what a check costs on the full locked environment, and the tripwire per cell.

The environment is the one that `benchmarks.restore` installs: environment.yml, locked against the local channel.
"Cold" has the environment's files dropped from the page cache, file by file; nobody else's are touched.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from benchmarks.local import ROOT, local_source, lock_of
from bootstrap.lock import read_lock
from bootstrap.prefix.transaction import restore

if TYPE_CHECKING:
    from collections.abc import Callable

GOAL_LIVE_S = 3.0
GOAL_CELL_MS = 1.0
CELLS = 2000

# Timed in the process whose check it is; the package's own import counts.
_LIVE = f"""
import sys, time
sys.path += [{str(ROOT)!r}, {sysconfig.get_path("purelib")!r}]
import numpy, pandas, scipy.linalg
began = time.perf_counter()
import bootstrap
report = bootstrap.check(full={{full}})
print(time.perf_counter() - began, report.verdict, file=sys.stderr)
"""
_CELL = f"""
import sys, time
sys.path += [{str(ROOT)!r}, {sysconfig.get_path("purelib")!r}]
import numpy
from IPython.core.interactiveshell import InteractiveShell
from bootstrap.guard import tripwire
wire = tripwire.arm(InteractiveShell.instance(), sys.prefix)
took = []
for _ in range({CELLS}):
    began = time.perf_counter()
    wire.before_cell(None)
    wire.after_cell(None)
    took.append(time.perf_counter() - began)
took.sort()
print(took[{CELLS} // 2], took[{CELLS} * 99 // 100], file=sys.stderr)
"""


def drop(prefix: Path) -> None:
    """Takes an environment's files out of the page cache."""
    os.sync()
    for folder, _, names in os.walk(prefix):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                descriptor = os.open(path, os.O_RDONLY)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(descriptor)


def ask(prefix: Path, program: str) -> list[str]:
    """Runs a program in the environment and returns the words of its last line."""
    done = subprocess.run([prefix / "bin/python", "-c", program], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return done.stderr.strip().splitlines()[-1].split()


def live(prefix: Path, *, full: bool) -> float:
    """Seconds of ``bootstrap.check()`` in a process that has numpy, pandas and scipy loaded."""
    seconds, verdict = ask(prefix, _LIVE.format(full=full))
    if verdict != "ok":
        raise SystemExit(f"the environment is {verdict}: nothing to measure")
    return float(seconds)


def outside(prefix: Path, level: str) -> float:
    """Seconds of ``bootstrap check --prefix`` as a command."""
    command = [sys.executable, "-m", "bootstrap", "check", "--prefix", str(prefix), level, "--json", "--quiet"]
    began = os.times().elapsed
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode != 0:
        raise SystemExit(done.stdout + done.stderr)
    return os.times().elapsed - began


def main(argv: list[str] | None = None) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description=__doc__)
    parser.add_argument("--prefix", type=Path, help="a restored environment (default: made for this)")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--json", type=Path, help="also write every value to this file")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="bench-check-") as scratch:
        prefix = options.prefix
        if prefix is None:
            folder = Path(scratch)
            lock = lock_of(local_source().channel, folder)
            prefix = folder / "env"
            restore(read_lock(lock), prefix, cache=folder / "cache")
        results = measure(prefix.absolute(), options.rounds)
    show(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return 0


def measure(prefix: Path, rounds: int) -> dict[str, list[float]]:
    """Every value by the name of what was measured, in seconds."""
    cases: dict[str, Callable[[], float]] = {
        "check() in a process, quick, warm": lambda: live(prefix, full=False),
        "check() in a process, full, warm": lambda: live(prefix, full=True),
        "bootstrap check --quick, warm": lambda: outside(prefix, "--quick"),
        "bootstrap check --full, warm": lambda: outside(prefix, "--full"),
    }
    live(prefix, full=True)  # the first one compiles what nobody has imported before
    results: dict[str, list[float]] = {name: [] for name in cases}
    results |= {"check() in a process, quick, cold": [], "bootstrap check --full, cold": []}
    for _ in range(rounds):
        for name, case in cases.items():
            results[name].append(case())
        drop(prefix)
        results["check() in a process, quick, cold"].append(live(prefix, full=False))
        drop(prefix)
        results["bootstrap check --full, cold"].append(outside(prefix, "--full"))
    middle, late = zip(*(map(float, ask(prefix, _CELL)) for _ in range(rounds)), strict=True)
    return {**results, "tripwire per cell": list(middle), "tripwire per cell, 99th percentile": list(late)}


def show(results: dict[str, list[float]]) -> None:
    """The medians, and whether the goals are met."""
    console = Console(highlight=False)
    table = Table("", "median", "min", "max", box=None, header_style="dim")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, values in results.items():
        cell = name.startswith("tripwire")
        shown = [statistics.median(values), min(values), max(values)]
        table.add_row(name, *(f"{v * 1e3:.3f} ms" if cell else f"{v:.2f} s" for v in shown))
    console.print(table)
    quick = statistics.median(results["check() in a process, quick, warm"])
    cell = statistics.median(results["tripwire per cell, 99th percentile"]) * 1e3
    for text, value, limit, unit in (
        ("check() in a process within", quick, GOAL_LIVE_S, "s"),
        ("the tripwire within", cell, GOAL_CELL_MS, "ms"),
    ):
        console.print(f"{'met' if value <= limit else 'MISSED'}: {text} {limit:g} {unit} ({value:.3g} {unit})")


if __name__ == "__main__":
    sys.exit(main())
