"""Pages that repeat what the code says."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from bootstrap import cli, errors
from tests.support import ROOT


def generator(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("name", "page"), [("generate_errors", "errors.md"), ("generate_commands", "commands.md")])
def test_pages_made_from_the_code_are_current(name: str, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOOTSTRAP_PREFIX", raising=False)
    made = generator(name).page()
    assert (ROOT / "docs" / page).read_text() == made, f"run: python docs/{name}.py"


def test_every_error_has_its_section_and_names_it() -> None:
    sections = re.findall(r"^## (.+)$", (ROOT / "docs/errors.md").read_text(), flags=re.MULTILINE)
    kinds = errors.every_error()
    assert len(kinds) > 30
    assert sections == [kind.error_id() for kind in kinds]
    assert len(set(sections)) == len(sections)
    for kind in kinds:
        assert kind("x").page == f"docs/errors.md#{kind.error_id()}"
        assert kind.hint, kind


def test_troubleshooting_belongs_to_errors() -> None:
    known = {kind.error_id() for kind in errors.every_error()}
    folder = ROOT / "docs/troubleshooting"
    assert {path.stem for path in folder.glob("*.md")} <= known
    told = yaml.safe_load((folder / "errors.yml").read_text(encoding="utf-8"))
    assert set(told) == known
    assert {frozenset(parts) for parts in told.values()} == {frozenset({"cause", "look", "example"})}


def test_commands_that_errors_name_are_right() -> None:
    text = " ".join((ROOT / "docs/errors.md").read_text(encoding="utf-8").split())
    # One word alone names the command; the wrong one is an example of wrong usage.
    found = {each for each in re.findall(r"`(bootstrap [a-z-]+ [^`]*)`", text) if "--prefx" not in each}
    assert len(found) > 30
    grammar = cli.parser()
    for command in found:
        grammar.parse_args(shlex.split(command)[1:])


def test_every_command_has_its_section() -> None:
    text = (ROOT / "docs/commands.md").read_text()
    commands = next(a for a in cli.parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
    assert re.findall("^## bootstrap (.+)$", text, flags=re.MULTILINE) == list(commands)
    assert "%(" not in text, "argparse's placeholders are filled in"


PAGES = [p.relative_to(ROOT) for p in sorted((ROOT / "docs").rglob("*.md")) if p.parent.name != "troubleshooting"]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_page_is_in_the_navigation(page: Path) -> None:
    assert f": {page.relative_to('docs')}\n" in (ROOT / "mkdocs.yml").read_text()


@pytest.mark.parametrize("page", [*map(Path, ("README.md", "CONTRIBUTING.md", "SECURITY.md")), *PAGES], ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"
