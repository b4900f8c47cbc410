"""``python -m tests.faults.table``: runs every fault, counts who notices what, and writes docs/faults.md."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.faults import peers, running, trial
from tests.faults.library import FAULTS
from tests.faults.trial import Outcome
from tests.support import ROOT

PAGE = ROOT / "docs" / "faults.md"

HEAD = """\
# Faults of numpy, and who notices them

Every fault below is really injected into a copy of a real environment (a conda prefix restored from a lock, a virtual
environment with wheels, or a running process). Then `bootstrap check` and the usual alternatives examine it. The
figures count the variants that each notices. For `bootstrap check` the test requires more: the right cause, package
and files, and a repair after which the environment is healthy. [check.md](check.md) explains the causes. This page is
written by `python -m tests.faults.table`.

- `_center`: `from numpy._core.umath import _center`. `import numpy`: the import and one array. Both run in a new
  process, and for faults of a running process in that process too.
- `conda doctor`: its rules for packages (broken links, files or link targets whose content differs from the record,
  missing dependencies). It doesn't see what conda didn't install.
- `numpy.test('fast')` is not included: it needs packages that numpy doesn't install (pytest, hypothesis), takes more
  than five minutes, and runs in a process of its own, which can't see the kernel's state.

"""


def run_all(only: list[str]) -> list[Outcome]:
    """Every fault's outcome; or those of some kinds."""
    outcomes = []
    everything = [fault for fault in (*FAULTS, *running.FAULTS) if not only or fault.kind in only]
    for number, fault in enumerate(everything, 1):
        with tempfile.TemporaryDirectory(prefix="fault-") as folder:
            try:
                outcome = trial.run(fault, Path(folder), ask_peers=True)
            except Exception as error:
                lost = f"repair: {type(error).__name__}: {error}"
                outcome = Outcome(fault.kind, fault.variant, "", complaints=[lost])
        outcomes.append(outcome)
        print(f"{number}/{len(everything)} {fault}: {'; '.join(outcome.complaints) or 'caught'}", flush=True)
    return outcomes


def page(outcomes: list[Outcome]) -> str:
    """The page's text."""
    names = list(peers.PEERS)
    lines = [
        f"| fault | causes named | variants | bootstrap check | {' | '.join(names)} | any of them |",
        f"|---|---|--:|--:|{'--:|' * len(names)}--:|",
    ]
    kinds = dict.fromkeys(outcome.kind for outcome in outcomes)
    lines += [_row(kind, [o for o in outcomes if o.kind == kind], names) for kind in kinds]
    lines.append(_row("**all**", outcomes, names, total=True))
    return HEAD + "\n".join(lines) + "\n"


def renewed(text: str, outcomes: list[Outcome]) -> str:
    """The page with the rows of these outcomes' kinds written anew, and the sums with them."""
    head, _, rest = text.partition("|---")
    fresh = page(outcomes).partition("|---")[2].splitlines()[1:-1]
    kept = {line.split(" | ")[0]: line for line in rest.splitlines()[1:-1]}
    rows = list({**kept, **{line.split(" | ")[0]: line for line in fresh}}.values())
    sums = [sum(column) for column in zip(*(map(int, row.strip("| ").split(" | ")[2:]) for row in rows), strict=True)]
    rule = rest.splitlines()[0]
    return f"{head}|---{rule}\n" + "\n".join([*rows, f"| **all** |  | {' | '.join(map(str, sums))} |", ""])


def _row(kind: str, members: list[Outcome], names: list[str], *, total: bool = False) -> str:
    causes = dict.fromkeys(cause for o in members for cause, severity in o.causes if severity != "note")
    counts = [sum(o.peers.get(name, False) for o in members) for name in names]
    told = "" if total else ", ".join(f"`{cause}`" for cause in list(causes)[:3])
    caught, any_of = sum(o.caught for o in members), sum(o.noticed_by_peers for o in members)
    figures = " | ".join(str(count) for count in (len(members), caught, *counts, any_of))
    return f"| {kind} | {told} | {figures} |"


def main() -> int:
    """Runs, or takes the outcomes of an earlier run, and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.table", description=__doc__)
    parser.add_argument("--outcomes", type=Path, help="JSON of an earlier run; written there if it isn't there yet")
    parser.add_argument("--only", action="append", metavar="KIND", default=[], help="run this kind; keep other rows")
    options = parser.parse_args()
    if options.outcomes and options.outcomes.exists():
        outcomes = [Outcome(**item) for item in json.loads(options.outcomes.read_text())]
    else:
        outcomes = run_all(options.only)
        if options.outcomes:
            options.outcomes.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    PAGE.write_text(renewed(PAGE.read_text(), outcomes) if options.only else page(outcomes))
    missed = [outcome for outcome in outcomes if not outcome.caught]
    for outcome in missed:
        print(f"not caught: {outcome.where} {outcome.kind} ({outcome.variant}): {outcome.complaints}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
