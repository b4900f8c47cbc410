"""template.ipynb is sound as a file."""

from __future__ import annotations

import json
import re
from inspect import signature
from types import SimpleNamespace
from typing import Any

import pytest

from bootstrap.api import run
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


def test_the_first_cell_is_three_lines_that_install_and_run_below_its_form(notebook: dict[str, Any]) -> None:
    first = codes(notebook)[0]
    assert first["id"] == "bootstrap"
    lines = source(first).splitlines()
    form, lines = lines[:-3], lines[-3:]
    assert all("# @" in line for line in form)
    assert [lines[0], lines[-1]] == [
        "!pip install -qq condacolab-bootstrap",
        "import bootstrap; bootstrap.run(variant, lock or None)",
    ]
    alone = "\n".join(lines).replace("variant, lock or None", "")
    for page in ("README.md", "docs/index.md", "docs/notebook.md"):
        assert f"\n{alone}\n" in (ROOT / page).read_text(encoding="utf-8"), "the pages show the same cell"


def test_the_first_cells_form_is_what_run_takes(notebook: dict[str, Any]) -> None:
    """As it stands it is ``bootstrap.run()``; each field reaches the parameter of its name."""
    asked: list[dict[str, object]] = []
    form = source(codes(notebook)[0]).replace("!pip", "# pip").replace("import bootstrap; ", "")
    bootstrap = SimpleNamespace(run=lambda *given: asked.append(signature(run).bind(*given).arguments))
    names: dict[str, object] = {"_exit_code": 0, "bootstrap": bootstrap}
    exec(form, names)
    exec(form.replace('"auto"  #', '"cuda"  #').replace('lock = ""', 'lock = "my.yml"'), names)
    assert asked == [{"variant": "auto", "lock": None}, {"variant": "cuda", "lock": "my.yml"}]


def test_where_pip_fails_the_first_cell_ends_with_one_sentence(notebook: dict[str, Any]) -> None:
    """IPython sets ``_exit_code`` after each line with ``!``."""
    program = source(codes(notebook)[0]).replace("!pip", "# pip")
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
        assert max(map(len, source(cell).splitlines())) <= 105, f"{cell['id']}: readable without scrolling"
