"""``python -m tests.component.diagnoses.table`` asks diagnose and its peers, and writes docs/diagnose-cases.md."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.component.diagnoses import peers
from tests.component.diagnoses.cases import CASES, Case
from tests.component.diagnoses.judge import complaints, judge
from tests.component.diagnosis.home import make_home
from tests.support import ROOT

PAGE = ROOT / "docs" / "diagnose-cases.md"
OURS = "bootstrap diagnose"

HEAD = """\
# Cases for diagnose, and who is right

Each case is a requirements file or a notebook, put to `bootstrap diagnose` and to what people use instead, in a real
environment with numpy 2.0.2, on an index of small packages that require an older numpy, a newer one, or none. What is
right was decided by hand: *broken* where numpy would get another version or go, *ok* where it surely stays,
*doubtful* where only running tells, or where something other than numpy would no longer fit. A figure is how many of
the cases are answered rightly. `python -m tests.component.diagnoses.table` writes this page from
`tests/component/diagnoses/cases.py`.

The cases were written along with `diagnose`, and what it got wrong was mended: of anyone else's, it will not be right
about all.

- `bootstrap diagnose`: right if the verdict and the culprits are, exactly: the requirements that move numpy, or the
  first cell that does. Of the peers only the verdict is asked.
- `pip dry run`: `pip install --dry-run --report -`; `uv dry run`: `uv pip install --dry-run`. *Broken* if the plan
  has another numpy, *doubtful* if they end with an error.
- `uv pip compile`: the same, of the versions that it writes. It doesn't look at what is installed.
- `johnnydep`, for each requirement: *broken* if a bound in its tree shuts the installed numpy out.
- `pip check`, `pipdeptree --warn fail`: asked afterwards, of a copy into which uv has installed it. *Broken* if
  they report numpy, *doubtful* if they report something else.
- No peer takes a notebook: each gets the commands that `grep '^[!%]pip3* install'` finds, one after the other. Where
  that finds nothing, the answer counts as *ok*. A dry run changes nothing, so no command stands on the one before.

"""


def ask(only: list[str]) -> list[dict[str, object]]:
    """Who is right about each case, or each of some kinds."""
    home = make_home()

    def one(case: Case) -> dict[str, object]:
        with tempfile.TemporaryDirectory(prefix="case-") as name:
            work = Path(name, "work")
            work.mkdir()
            wrong = complaints(case, judge(home, case, work))
            right = {name: answer == case.verdict for name, answer in peers.ask(home, case, work).items()}
        others = ", ".join(name for name in right if right[name]) or "none"
        print(f"{case}: {'; '.join(wrong) or 'right'}; peers: {others}", flush=True)
        return {"kind": case.kind, OURS: not wrong, **right}

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, [case for case in CASES if not only or case.kind in only]))


def page(answers: list[dict[str, object]]) -> str:
    """The page's text."""
    names = [OURS, *peers.PEERS]
    lines = [f"| case | number | {' | '.join(names)} |", f"|---|--:|{'--:|' * len(names)}"]
    kinds = list(dict.fromkeys(case.kind for case in CASES))
    for kind in [*kinds, "**all**"]:
        members = [answer for answer in answers if kind in (answer["kind"], "**all**")]
        counts = [sum(bool(answer[name]) for answer in members) for name in names]
        lines.append(f"| {kind} | {len(members)} | {' | '.join(map(str, counts))} |")
    return HEAD + "\n".join(lines) + "\n"


def main() -> int:
    """Runs, or takes the answers of an earlier run, and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.component.diagnoses.table", description=__doc__)
    parser.add_argument("--answers", type=Path, help="JSON of an earlier run, or where to write it")
    parser.add_argument("--only", action="append", metavar="KIND", default=[], help="ask this kind again")
    options = parser.parse_args()
    answers = json.loads(options.answers.read_text()) if options.answers and options.answers.exists() else []
    if not answers or options.only:
        with tempfile.TemporaryDirectory(prefix="cache-") as cache:
            os.environ["BOOTSTRAP_CACHE"] = cache
            answers = [a for a in answers if a["kind"] not in options.only] + ask(options.only)
        if options.answers:
            options.answers.write_text(json.dumps(answers, indent=1))
    if {answer["kind"] for answer in answers} == {case.kind for case in CASES}:
        PAGE.write_text(page(answers))
    return 0 if all(answer[OURS] for answer in answers) else 1


if __name__ == "__main__":
    sys.exit(main())
