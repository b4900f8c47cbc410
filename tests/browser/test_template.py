"""template.ipynb as a user runs it: opened in JupyterLab in a real browser, "Run All Cells" once."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.colab.conftest import Material
from tests.support import ROOT
from tests.support.colab import ColabRoot
from tests.support.colab.browser import ensure_browser
from tests.support.colab.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.colab.lab import Run

TEMPLATE = ROOT / "template.ipynb"
SCREENSHOTS = ROOT / ".cache/screenshots"
PICTURE = "BOOTSTRAP_PICTURE"
"""Where to put a picture for the documentation, besides the ignored folder."""


SLIDER = re.compile(r"^(trials|steps) = \d+(?=  # @param \{type:\"slider\", min:(\d+))", re.MULTILINE)


def shortest(folder: Path) -> Path:
    """The template as who is in a hurry leaves its form: both sliders that cost time at their smallest value."""
    notebook = json.loads(TEMPLATE.read_text())
    changed = 0
    for cell in notebook["cells"]:
        source, count = SLIDER.subn(r"\1 = \2", "".join(cell["source"]))
        cell["source"], changed = source.splitlines(keepends=True), changed + count
    assert changed == 2
    target = folder / TEMPLATE.name
    target.write_text(json.dumps(notebook))
    return target


@pytest.fixture(scope="module")
def finished(material: Material, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Run]]:
    """The template, run to its end. The lock lies where a notebook's own would: beside it."""
    ensure_browser()
    notebook = TEMPLATE if os.environ.get(PICTURE) else shortest(tmp_path_factory.mktemp("notebook"))
    with ColabRoot.start(binds=material.binds, size="12g") as colab:
        colab.path("/content/conda-lock.yml").write_text((material.locks / "full.yml").read_text())
        with Lab(colab) as lab:
            yield lab, lab.run_all(notebook, timeout=800)


def test_every_cell_is_green_and_no_dialog_was_shown(finished: tuple[Lab, Run]) -> None:
    _, run = finished
    run.screenshot(SCREENSHOTS / "template-end.png")
    run.screenshot(SCREENSHOTS / "template.png", scrolled=0)
    for number in range(1, 6):
        run.screenshot(SCREENSHOTS / f"template-{number}.png", scrolled=number * 800)
    if target := os.environ.get(PICTURE):
        run.screenshot(Path(target), scrolled=0)
    assert run.finished
    assert [(cell.source[:60], cell.error) for cell in run.cells if cell.error] == []
    assert [cell.text for cell in run.cells if "bootstrap note" in cell.text] == [], "nothing has changed under it"
    assert run.dialogs == ()
    assert all(cell.execution_count is not None for cell in run.cells)
    assert "autorestarting" not in run.states


def test_the_cells_ran_in_the_locked_environment(finished: tuple[Lab, Run]) -> None:
    lab, run = finished
    assert run.cells[0].text.startswith("ready: "), "and nothing above it, as pip's warnings"
    assert "in /opt/conda" in run.cells[1].text
    kernel = lab.kernel()
    assert kernel.restarts == 0
    assert kernel.execute("import sys; print(sys.prefix)").stdout == "/opt/conda\n"
    kernel.close()


def test_outputs_are_readable_in_each_theme_and_on_a_phone(finished: tuple[Lab, Run]) -> None:
    _, run = finished
    for name, dark, phone in [
        ("dark", True, False),
        ("phone", False, True),
        ("phone-dark", True, True),
        ("light", False, False),
    ]:
        run.dress(dark=dark, phone=phone)
        run.screenshot(SCREENSHOTS / f"{name}.png", scrolled=0)
        assert run.unreadable() == [], name


def test_outputs_are_saved_with_the_notebook(finished: tuple[Lab, Run]) -> None:
    lab, _ = finished
    saved = lab.notebook(TEMPLATE.name)
    code = [cell for cell in saved["cells"] if cell["cell_type"] == "code"]
    committed = [c for c in json.loads(TEMPLATE.read_text())["cells"] if c["cell_type"] == "code"]
    assert len(code) == len(committed)
    shown = ["".join(o.get("data", {}).get("text/html", "")) for cell in code for o in cell["outputs"]]
    assert sum("<svg" in html for html in shown) >= 4
