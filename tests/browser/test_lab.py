"""The browser's harness: does it tell what a page shows, the bad as well as the good?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.colab import UNTIL_THE_NEXT_HAS_COME, ColabRoot
from tests.support.colab.browser import ensure_browser
from tests.support.colab.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator

# The harness itself; the template's test uses all of it.
pytestmark = pytest.mark.exhaustive
SCREENSHOTS = Path(__file__).resolve().parents[2] / ".cache/screenshots"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    ensure_browser()
    with ColabRoot.start() as colab, Lab(colab) as opened:
        yield opened


def write(path: Path, *cells: str) -> Path:
    """A notebook file with these code cells."""
    made = [
        {"id": f"c{n}", "cell_type": "code", "metadata": {}, "source": cell, "outputs": [], "execution_count": None}
        for n, cell in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": made}
    path.write_text(json.dumps(notebook))
    return path


def test_five_cells_run_green(lab: Lab, tmp_path: Path) -> None:
    cells = (
        "import sys, os\nprint(sys.executable, os.getpid())",
        "import numpy\nnumpy.arange(6).reshape(2, 3)",
        "import time\ntime.sleep(1)\n!echo from the shell",
        "import pandas\npandas.read_csv('sample_data/words.csv')",
        "assert 'numpy' in sys.modules\nos.getpid()",
    )
    run = lab.run_all(write(tmp_path / "five.ipynb", *cells))
    assert run.finished and run.dialogs == ()
    assert [(cell.source, cell.execution_count, cell.error) for cell in run.cells] == [
        (source, number, None) for number, source in enumerate(cells, start=1)
    ]
    kernel = lab.kernel()
    assert run.cells[0].text == f"/usr/bin/python3 {kernel.pid}\n"
    kernel.close()
    assert run.cells[2].text == "from the shell\n"
    assert "locked" in run.cells[3].text
    picture = run.screenshot(SCREENSHOTS / "five.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and len(picture) > 20_000
    saved = lab.notebook("five.ipynb")
    assert [cell["execution_count"] for cell in saved["cells"]] == [1, 2, 3, 4, 5]


def test_an_error_ends_the_run_and_is_told(lab: Lab, tmp_path: Path) -> None:
    fails = f"{UNTIL_THE_NEXT_HAS_COME}import nowhere"
    run = lab.run_all(write(tmp_path / "error.ipynb", "1", fails, "3"))
    assert run.finished and run.dialogs == ()
    assert [(cell.execution_count, cell.running) for cell in run.cells] == [(1, False), (2, False), (None, False)]
    assert run.cells[1].error == "ModuleNotFoundError: No module named 'nowhere'"


def test_a_crash_shows_its_dialog(lab: Lab, tmp_path: Path) -> None:
    run = lab.run_all(write(tmp_path / "crash.ipynb", "1", "import os\nos.kill(os.getpid(), 9)", "3"), timeout=30)
    assert [dialog.splitlines()[0] for dialog in run.dialogs] == ["Kernel Restarting"]
    assert "autorestarting" in run.states
    assert [cell.execution_count for cell in run.cells][1:] == [None, None]
