"""Hints name options in a shell and arguments in a notebook."""

from __future__ import annotations

import inspect

import pytest

import bootstrap
from bootstrap.card import Card
from bootstrap.errors import NotOursError
from bootstrap.hints import _FLAGS, _VALUES, in_cell


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
