"""What ``diagnose`` says of a case, as the command line says it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.support import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.component.diagnoses.cases import Case
    from tests.component.diagnosis.home import Home


def lay_out(case: Case, folder: Path) -> Path:
    """Writes a case's files; the one to be judged."""
    for name, text in case.files.items():
        (folder / ("mine/setup.py" if name == "setup.py" else name)).parent.mkdir(exist_ok=True)
        (folder / ("mine/setup.py" if name == "setup.py" else name)).write_text(text)
    if not case.cells:
        (folder / "requirements.txt").write_text("\n".join(case.asked) + "\n")
        return folder / "requirements.txt"
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} for cell in case.cells]
    (folder / "case.ipynb").write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    )
    return folder / "case.ipynb"


def judge(home: Home, case: Case, folder: Path) -> dict[str, Any]:
    """The JSON document on a case, with the ``blamed`` as `Case` has them."""
    options = [f"--pip-option={option}" for option in case.options]
    command = [
        sys.executable,
        "-m",
        "bootstrap",
        "diagnose",
        lay_out(case, folder),
        "--python",
        home.python,
        "--json",
    ]
    done = subprocess.run(
        [*map(str, command), "--quiet", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(home.index)},
    )
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    if case.cells:
        left = found.get("left_at_cell")
        found["blamed"] = () if left is None else (str(left),)
    else:
        found["blamed"] = tuple(r["requirement"] for c in found["culprits"] for r in c["requirements"])
    return found


def complaints(case: Case, found: dict[str, Any]) -> list[str]:
    """What isn't right about an answer."""
    wrong = []
    if found.get("verdict") != case.verdict:
        wrong.append(f"{found.get('verdict') or found.get('error')}, right is {case.verdict}")
    if set(found["blamed"]) != set(case.blamed):
        wrong.append(f"blames {found['blamed']}, right is {case.blamed}")
    return wrong
