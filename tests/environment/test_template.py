"""template.ipynb, run from end to end in the restored environment."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT
from tests.support.whole import Environment

TEMPLATE = ROOT / "template.ipynb"

RUN = """
import json, sys
import nbformat
from nbclient import NotebookClient

book = nbformat.read(sys.argv[1], nbformat.NO_CONVERT)
nbformat.validate(book)
# The first cell moves a kernel into the environment; this one is there already.
book.cells = [cell for cell in book.cells if cell.id != "bootstrap"]
# Other values than the form begins with: each must reach what it names.
[form] = [cell for cell in book.cells if cell.id == "settings"]
form.source = "\\n".join(line.replace("layers = 2 ", "layers = 3 ").replace("heads = 4 ", "heads = 2 ").replace(
    "dropout = 0.1 ", "dropout = 0.2 ") for line in form.source.splitlines())
book.cells.append(nbformat.v4.new_code_cell("print(model.network)\\nprint(model.hparams.settings)", id="shape"))
try:
    NotebookClient(book, timeout=600, kernel_name="python3", allow_errors=True).execute()
finally:
    nbformat.write(book, sys.argv[2])
"""


def codes(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it is installed: from its wheel."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, ROOT]
    subprocess.run(command, check=True)
    return folder


@pytest.mark.exhaustive  # in make test the page runs it: tests/browser
def test_it_runs_from_end_to_end(environment: Environment, site: Path, tmp_path: Path) -> None:
    work = tmp_path / "content"
    work.mkdir()
    executed = tmp_path / "executed.ipynb"
    done = subprocess.run(
        [environment.python, "-c", RUN, TEMPLATE, executed],
        cwd=work,
        env={
            "HOME": str(tmp_path),
            "PATH": f"{environment.prefix}/bin:/usr/bin:/bin",
            "PYTHONPATH": str(site),
            "PYTHONDONTWRITEBYTECODE": "1",
            "JUPYTER_PATH": str(tmp_path / "none"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    cells = {cell["id"]: cell for cell in codes(json.loads(executed.read_text(encoding="utf-8")))}
    for name, cell in cells.items():
        errors = [out for out in cell["outputs"] if out["output_type"] == "error"]
        assert not errors, (name, errors[0]["evalue"])
        noise = [out for out in cell["outputs"] if out.get("name") == "stderr"]
        assert not noise, (name, noise)
    assert str(environment.prefix) in text(cells["versions"])
    for name in ("shapes", "gradients", "stability", "parameters", "memory", "speed"):
        html = rich(cells[name])
        assert "<svg" in html, name
        assert "currentColor" in html, name
    assert "6 checks, all passed" in text(cells["summary"])
    for name in ("search-history", "search-slice", "train"):
        assert "<svg" in rich(cells[name]), name
    assert (work / "checkpoints/best.ckpt").is_file()
    losses = re.search(r"validation loss (\S+) nats a character; guessing by frequency (\S+)", text(cells["train"]))
    assert losses
    assert float(losses[1]) < float(losses[2]) - 0.3, "it has learned"
    assert "The Rays of Light " in text(cells["reload"])
    assert "all passed" in text(cells["own"])
    assert "(0-2): 3 x TransformerEncoderLayer" in text(cells["shape"])
    assert "Dropout(p=0.2" in text(cells["shape"])
    assert "'heads': 2, 'layers': 3, 'dropout': 0.2" in text(cells["shape"])
    # Each figure once: nothing is shown by matplotlib's own backend beside ours.
    assert not [out for cell in cells.values() for out in cell["outputs"] if "image/png" in out.get("data", {})]


def text(cell: dict[str, Any]) -> str:
    """What is printed or shown as plain text."""
    plain = ["".join(out.get("text", "") or out.get("data", {}).get("text/plain", "")) for out in cell["outputs"]]
    return "\n".join(plain)


def rich(cell: dict[str, Any]) -> str:
    """What is shown as HTML."""
    return "".join("".join(out.get("data", {}).get("text/html", "")) for out in cell["outputs"])
