"""Which lock and which prefix are meant where none is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootstrap import api, locate
from bootstrap.errors import LockNotFoundError, NotAnEnvironmentError, PrefixNotFoundError
from bootstrap.lock.model import LOCK_NAMES
from bootstrap.prefix import manifest
from bootstrap.runtime import machine
from bootstrap.runtime.journal import Journal
from tests.support import ROOT


def test_a_lock_here_comes_before_the_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert locate.find_lock(variant="cpu") == ROOT / "conda-lock.yml"
    assert locate.find_lock(variant="cuda") == ROOT / "conda-lock-cuda.yml"
    (tmp_path / "conda-lock.yml").write_text("")
    assert locate.find_lock(variant="cpu") == tmp_path / "conda-lock.yml"
    assert locate.find_lock(tmp_path / "other.yml") == tmp_path / "other.yml"


def test_no_lock_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(LOCK_NAMES, "cpu", "none.yml")
    with pytest.raises(LockNotFoundError) as caught:
        locate.find_lock(variant="cpu")
    assert len(caught.value.evidence) == 3


@pytest.mark.parametrize(
    ("driver", "variant", "why"),
    [
        (None, "cpu", "no NVIDIA driver"),
        ((12, 4), "cpu", "supports CUDA 12.4, the GPU variant needs 12.8"),
        ((12, 8), "cuda", "12.8"),
        ((13, 0), "cuda", "13.0"),
    ],
)
def test_variant_follows_the_driver(
    monkeypatch: pytest.MonkeyPatch, driver: tuple[int, int] | None, variant: str, why: str
) -> None:
    monkeypatch.setattr(machine, "driver_cuda_version", lambda: driver)
    found = machine.choose_variant()
    assert found.name == variant
    assert why in found.reason


def test_the_driver_needed_is_the_one_that_the_lock_is_solved_for() -> None:
    text = (ROOT / "virtual-packages-cuda.yml").read_text()
    assert f'__cuda: "{".".join(map(str, machine.CUDA_NEEDED))}"' in text


def test_the_prefix_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (locate.PREFIX_ENV_VAR, "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONDACOLAB_BOOTSTRAP_STATE", str(tmp_path / "state"))
    assert locate.default_prefix() == Path("/opt/conda")

    base, ours = tmp_path / "base", tmp_path / "ours"
    monkeypatch.setenv("CONDA_PREFIX", str(base))
    assert locate.default_prefix() == base
    assert locate.default_prefix(to_make=True) == Path("/opt/conda"), "what another program made is only looked at"
    journal = Journal()
    journal.keep(tmp_path / "env")
    journal.note(prefix=str(tmp_path / "env"))
    assert locate.default_prefix() == tmp_path / "env"
    monkeypatch.setattr(manifest, "read_manifest", lambda prefix: prefix == ours or None)
    monkeypatch.setenv("CONDA_PREFIX", str(ours))
    assert locate.default_prefix() == locate.default_prefix(to_make=True) == ours

    monkeypatch.setenv(locate.PREFIX_ENV_VAR, "/srv/env")
    assert locate.default_prefix() == Path("/srv/env")


def test_check_of_no_environment(tmp_path: Path) -> None:
    with pytest.raises(PrefixNotFoundError):
        api.check(tmp_path / "none")
    with pytest.raises(NotAnEnvironmentError):
        api.check(tmp_path)


def test_status_is_ready_for_json(tmp_path: Path) -> None:
    found = api.status(ROOT / "conda-lock.yml", tmp_path / "env", cache=tmp_path / "cache")
    assert not found.agrees
    assert json.loads(json.dumps(found.to_dict()))["packages"] == found.packages > 300


def test_explain_counts_what_is_there() -> None:
    found = api.explain_lock(ROOT / "conda-lock.yml", "libzlib")
    assert found.version("numpy")
    assert found.bytes_known > 400e6
    assert found.why is not None
    assert found.why.path[-1] == "libzlib"
    assert found.why.path[0] in {r.name for r in found.roots}
    by_name = {r.name: r for r in found.records}
    for upper, lower in zip(found.why.path, found.why.path[1:], strict=False):
        assert lower in by_name[upper].depends
    assert json.loads(json.dumps(found.to_dict()))["why"]["needed_by"]
