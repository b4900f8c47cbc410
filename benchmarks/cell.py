"""``python -m benchmarks.cell``: a notebook's first cell on the tests' stand-in for Colab, by stage.

Every round takes a new machine: the first cell, with its pip; the first answer from the environment; then the same
cell once more in the kernel that has moved. Printed and written are medians, in seconds since the cell was sent.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from benchmarks import report
from benchmarks.local import ROOT
from tests.colab.conftest import cell, find_material
from tests.support.colab import ColabRoot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.support.colab import Kernel

TRACE = "/content/profile.json"
PIP = "pip and all else in the cell"
INSTALL = "install"
"""Names of stages as `bootstrap.profile` records them: what is pip's, and what is fetched, unpacked and linked."""


@dataclass(frozen=True)
class Run:
    """One cell."""

    answered: float
    """Seconds from the cell's sending to the answer of the next one."""
    stages: tuple[tuple[str, float, float], ...]
    """Name, seconds from the cell's sending to its begin, and its own seconds; stages overlap."""

    @property
    def ours(self) -> float:
        """Seconds in all, without pip's and without those in which packages came."""
        return self.answered - sum(took for name, _, took in self.stages if name.endswith((PIP, INSTALL)))


def run_cell(machine: ColabRoot, kernel: Kernel, lock: str) -> Run:
    """Sends the cell and another one behind it, as Run all does."""
    sent = time.monotonic()
    ids = [kernel.send(cell(lock, profile=TRACE)), kernel.send("import sys; sys.prefix")]
    first, second = kernel.collect(ids, timeout=600)
    first.require()
    if second.require().text != "'/opt/conda'":
        raise RuntimeError(f"the second cell ran in {second.text}")
    answered = next(m.time for m in second.messages if m.type == "execute_reply")
    events = json.loads(machine.path(TRACE).read_bytes())["traceEvents"]
    # Another namespace, the same clock.
    stages = tuple(
        (f"{event['args']['process']}: {event['name']}", event["ts"] / 1e6 - sent, event["dur"] / 1e6)
        for event in events
        if event.get("cat") == "stage"
    )
    return Run(answered - sent, stages)


def measure(rounds: int, lock: str, console: Console) -> dict[str, list[Run]]:
    """The runs by scenario: ``first`` and ``again``."""
    runs: dict[str, list[Run]] = {"first": [], "again": []}
    binds = find_material().binds
    for number in range(rounds):
        with ColabRoot.start(binds=binds) as machine:
            kernel = machine.kernel()
            for scenario, found in runs.items():
                found.append(run_cell(machine, kernel, lock))
                console.print(f"round {number + 1} {scenario}: {found[-1].answered:.2f} s", highlight=False)
    return runs


def medians(runs: Sequence[Run]) -> dict[str, Any]:
    """Medians of the runs' figures."""
    names = [name for name, _, _ in runs[0].stages]
    return {
        "answered": _median(run.answered for run in runs),
        "ours": _median(run.ours for run in runs),
        "stages": [
            {
                "stage": name,
                "began": _median(began for run in runs for n, began, _ in run.stages if n == name),
                "took": _median(took for run in runs for n, _, took in run.stages if n == name),
            }
            for name in dict.fromkeys(names)
        ],
    }


def _median(values: Iterable[float]) -> float:
    return round(statistics.median(values), 3)


def table(scenario: str, found: dict[str, Any]) -> Table:
    """One scenario's medians."""
    made = Table(title=f"the cell, {scenario}: seconds", title_justify="left")
    made.add_column("stage (they overlap)")
    made.add_column("began", justify="right")
    made.add_column("took", justify="right")
    for stage in found["stages"]:
        made.add_row(stage["stage"], f"{stage['began']:.2f}", f"{stage['took']:.2f}")
    made.add_section()
    made.add_row("the next cell's answer", f"{found['answered']:.2f}", "")
    made.add_row("without pip, and without fetching, unpacking and linking", "", f"{found['ours']:.2f}")
    return made


def main(argv: list[str] | None = None) -> int:
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cell", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--lock", choices=["full", "small"], default="full", help="default: %(default)s")
    parser.add_argument("--json", type=Path, help="the result's file (default: one in benchmarks/results/)")
    arguments = parser.parse_args(argv)
    console = Console()
    runs = measure(arguments.rounds, arguments.lock, Console(stderr=True))
    found = {scenario: medians(each) for scenario, each in runs.items()}
    for scenario, each in found.items():
        console.print(table(scenario, each))
    out = arguments.json or ROOT / "benchmarks/results" / f"cell-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    data = {
        "facts": report.machine(),
        "medians": found,
        "runs": {s: [vars(r) for r in each] for s, each in runs.items()},
    }
    out.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    console.print(f"written to {out}", highlight=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
