"""Hints name options in a shell and arguments in a notebook."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from pathlib import Path

import pytest

import bootstrap
from bootstrap.card import Card
from bootstrap.errors import NotOursError
from bootstrap.hints import _FLAGS, _VALUES, command, in_cell
from tests.support.structure import PACKAGE


@pytest.mark.parametrize(
    ("shell", "cell"),
    [
        ("Pass `--adopt`, or another `--prefix`.", "Pass `adopt=True`, or another `prefix`."),
        ("Use `bootstrap restore -p '/a b' -f x.yml`.", 'Use `bootstrap.restore(prefix="/a b", lock="x.yml")`.'),
        ("`bootstrap guard on --prefix /env`", '`bootstrap.guard.on(prefix="/env")`'),
        ("`bootstrap explain hash-mismatch`", '`bootstrap.explain("hash-mismatch")`'),
        ("`bootstrap lock` and `pip --version`, `-v`", "`bootstrap lock` and `pip --version`, `-v`"),
        ("`bootstrap check --quick`", "`bootstrap check --quick`"),
    ],
)
def test_a_command_becomes_a_call(shell: str, cell: str) -> None:
    assert in_cell(shell) == cell


def test_a_command_is_quoted_for_a_shell() -> None:
    assert command("guard on", prefix="/a b", lock=None) == "bootstrap guard on --prefix '/a b'"
    assert command("check", "repair", "quick", prefix=Path("/e")) == "bootstrap check --prefix /e --repair --quick"
    assert (
        in_cell(f"`{command('restore', 'adopt', prefix='/a b')}`") == '`bootstrap.restore(prefix="/a b", adopt=True)`'
    )


def unquoted(source: str) -> list[int]:
    """The lines of f-strings that put a value behind an option of a command without quoting it."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        parts = node.values if isinstance(node, ast.JoinedStr) else []
        for before, value in itertools.pairwise(parts):
            if isinstance(before, ast.Constant) and isinstance(value, ast.FormattedValue):
                option = re.search(r"(?:bootstrap|conda) [a-z][^`]*--?[a-z]+[ =]$", str(before.value))
                lines += [node.lineno] if option and "quote" not in ast.unparse(value) else []
    return lines


def test_no_command_is_put_together_unquoted() -> None:
    """A folder's name may have blanks; `command` quotes it."""
    assert unquoted('f"Run `bootstrap check --prefix {prefix}`"') == [1]
    # conda quotes nothing in its history either.
    paths = [path for path in PACKAGE.rglob("*.py") if path.name != "transaction.py"]
    assert {path: lines for path in paths if (lines := unquoted(path.read_text("utf-8")))} == {}


def test_every_argument_exists() -> None:
    verbs = (bootstrap.run, bootstrap.restore, bootstrap.check, bootstrap.diagnose, bootstrap.undo)
    known = {name for verb in verbs for name in inspect.signature(verb).parameters}
    assert {name.replace("-", "_") for name in (*_FLAGS, *_VALUES)} <= known


def test_a_notebook_shows_python() -> None:
    error = NotOursError("It is conda's.")
    assert "`adopt=True`" in "\n".join(error._render_traceback_())
    assert "`--adopt`" in error.hint
    card = Card(title="x", next="`bootstrap undo` restores it")
    assert "bootstrap.undo()" in card._repr_html_()
    assert "`bootstrap undo`" in str(card)
