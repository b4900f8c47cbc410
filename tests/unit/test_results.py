"""What a verb returns shows itself as a card."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import bootstrap
from bootstrap import api, diagnosis, health
from bootstrap.card import Judged, Shown
from bootstrap.errors import HashMismatchError, UsageError
from bootstrap.packs import making
from bootstrap.prefix.transaction import Restored
from bootstrap.runtime import run_result, undo
from bootstrap.runtime.journal import Journal
from tests.support import ROOT, locks

LOADED = (diagnosis, health, making, run_result, undo)
"""What defines results: their classes are found among the subclasses."""
LOCK = ROOT / "conda-lock.yml"


def test_results_show_themselves(tmp_path: Path) -> None:
    lock = locks.write(tmp_path / "l.yml", locks.sound_lock())
    for found, word in (
        (api.status(lock, tmp_path / "env", cache=tmp_path), "absent"),
        (api.explain_lock(lock), "sound"),
        (api.explain_lock(lock, "numpy"), "numpy"),
        (api.explain("hash-mismatch"), "hash-mismatch"),
        (api.explain(), "errors"),
        (Restored(tmp_path / "my env", LOCK, "created", 5), "created"),
    ):
        assert repr(found) == str(found) == str(found.card)
        assert repr(found).startswith(f"{word}: ")
        assert f">{word}</strong>" in found._repr_html_()


def test_every_verb_returns_what_a_notebook_shows() -> None:
    """By its annotation, whose names are looked up where they are defined."""
    verbs = [getattr(bootstrap, name) for name in dir(bootstrap) if name not in ("__version__", "guard")]
    verbs += [getattr(bootstrap.guard, name) for name in dir(bootstrap.guard)]
    assert len(verbs) == 12
    kinds = {kind.__name__: kind for base in (Shown, Judged) for kind in base.__subclasses__()}
    for verb in verbs:
        for name in inspect.signature(verb).return_annotation.split(" | "):
            assert name in kinds, f"{verb.__name__} returns {name}"


def test_a_restore_ends_with_how_to_use_the_environment(tmp_path: Path) -> None:
    prefix = tmp_path / "my env"
    found = Restored(prefix, LOCK, "created", 5)
    assert f"conda activate '{prefix}'" in str(found)
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin/activate").touch()
    assert f"source '{prefix}/bin/activate' '{prefix}'" in str(found)


def test_an_error_is_explained_however_it_is_named() -> None:
    page = api.explain("hash-mismatch")
    for name in (43, "43", "HashMismatchError", HashMismatchError("x"), "bootstrap explain hash-mismatch"):
        assert api.explain(name) == page
    with pytest.raises(UsageError, match="Unknown error"):
        api.explain("nothing")


def test_an_undo_can_be_looked_at_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONDACOLAB_BOOTSTRAP_STATE", str(tmp_path / "state"))
    Journal().keep(tmp_path / "made", tmp_path / "untouched")
    (tmp_path / "made").touch()
    found = api.undo(dry_run=True)
    assert found.changed == (str(tmp_path / "made"),)
    assert str(found).startswith("dry run: ")
    assert (tmp_path / "made").exists()
    assert api.undo().changed == found.changed
