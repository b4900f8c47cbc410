"""template.ipynb is sound as a file."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import pytest

from tests.support import ROOT

TEMPLATE = ROOT / "template.ipynb"


@pytest.fixture(scope="module")
def notebook() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    return loaded


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def codes(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_the_first_cell_is_one_line_that_installs_and_runs(notebook: dict[str, Any]) -> None:
    first = codes(notebook)[0]
    assert first["id"] == "bootstrap"
    line = source(first)
    assert "\n" not in line
    assert len(line) <= 100, "readable without scrolling"
    calls = [node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Call)]
    assert "bootstrap.run()" in [ast.unparse(call) for call in calls]
    assert "pip install -q condacolab-bootstrap" in line
    for page in ("README.md", "docs/index.md"):
        assert f"\n{line}\n" in (ROOT / page).read_text(encoding="utf-8"), "the pages show the same line"


def test_nothing_of_a_run_is_kept(notebook: dict[str, Any]) -> None:
    for cell in codes(notebook):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_cells_have_names_that_stay(notebook: dict[str, Any]) -> None:
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert notebook["metadata"]["colab"]["toc_visible"]


def test_every_setting_is_a_form_field_and_is_used(notebook: dict[str, Any]) -> None:
    settings = next(cell for cell in codes(notebook) if cell["id"] == "settings")
    fields = re.findall(r"^(\w+) = .+?  # @param (.+)$", source(settings), flags=re.MULTILINE)
    assigned = [line for line in source(settings).splitlines() if "=" in line.partition("#")[0]]
    assert len(fields) == len(assigned) >= 5
    rest = "\n".join(source(cell) for cell in codes(notebook) if cell["id"] != "settings")
    for name, form in fields:
        assert re.search(rf"\b{name}\b", rest), f"{name} changes nothing"
        json.loads(re.sub(r"(\w+):", r'"\1":', form[form.index("{") :]))


def test_code_cells_are_short(notebook: dict[str, Any]) -> None:
    for cell in codes(notebook):
        assert len(source(cell).splitlines()) <= 20, cell["id"]
