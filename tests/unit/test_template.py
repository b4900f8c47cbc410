"""template.ipynb is sound as a file."""

from __future__ import annotations

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


def test_the_first_cell_is_three_lines_that_install_and_run(notebook: dict[str, Any]) -> None:
    first = codes(notebook)[0]
    assert first["id"] == "bootstrap"
    text = source(first)
    lines = text.splitlines()
    assert [lines[0], lines[-1]] == ["!pip install -q condacolab-bootstrap", "import bootstrap; bootstrap.run()"]
    assert len(lines) == 3
    assert max(map(len, lines)) <= 110, "readable without scrolling"
    for page in ("README.md", "docs/index.md", "docs/notebook.md"):
        assert f"\n{text}\n" in (ROOT / page).read_text(encoding="utf-8"), "the pages show the same cell"


def test_where_pip_fails_the_first_cell_ends_with_one_sentence(notebook: dict[str, Any]) -> None:
    """IPython sets ``_exit_code`` after each line with ``!``."""
    program = "\n".join(source(codes(notebook)[0]).splitlines()[1:])
    with pytest.raises(AssertionError, match=r"^Install it another way: https://\S+#install$"):
        exec(program, {"_exit_code": 1})


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
