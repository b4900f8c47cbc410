"""conda-lock's hash of what a lock was solved from: what changes it, and what doesn't."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bootstrap.errors import SpecificationError
from bootstrap.lock.reader import read_lock
from bootstrap.maintain.content_hash import accepted_hashes
from bootstrap.maintain.variant import VARIANTS, LockVariant
from tests.support import ROOT

pytest.importorskip("conda_lock.content_hash")

SPECIFICATION, MACHINE = "environment.yml", "virtual-packages.yml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / SPECIFICATION).write_text(
        "channels: [conda-forge]\nplatforms: [linux-64]\ndependencies:\n  - python >=3.12\n  - numpy >=2.0,<3\n"
    )
    shutil.copy(ROOT / MACHINE, tmp_path / MACHINE)
    return tmp_path


def hashes(folder: Path, **options) -> frozenset[str]:
    return accepted_hashes(folder / SPECIFICATION, folder / MACHINE, platform="linux-64", **options)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_the_committed_locks_have_one_of_theirs(variant: LockVariant) -> None:
    machine = ROOT / variant.virtual_packages_name
    accepted = accepted_hashes(ROOT / SPECIFICATION, machine, platform="linux-64")
    assert read_lock(ROOT / variant.lock_name).content_hash["linux-64"] in accepted


@pytest.mark.parametrize(
    ("name", "change", "same"),
    [
        (SPECIFICATION, lambda t: f"# A comment.\n{t}", True),
        (SPECIFICATION, lambda t: t.replace("numpy >=2.0,<3", "'numpy >=2.0,<3'"), True),
        (SPECIFICATION, lambda t: t.replace("numpy >=2.0", "numpy >=2.1"), False),
        (SPECIFICATION, lambda t: f"{t}  - rich\n", False),
        (SPECIFICATION, lambda t: t.replace("conda-forge", "bioconda"), False),
        (MACHINE, lambda t: f"# A comment.\n{t}", True),
        (MACHINE, lambda t: t.replace('"2.35"', '"2.17"'), False),
    ],
)
def test_content_counts_and_text_does_not(folder: Path, name: str, change: Callable[[str], str], same: bool) -> None:
    before = hashes(folder)
    text = (folder / name).read_text()
    assert change(text) != text
    (folder / name).write_text(change(text))
    assert (not before.isdisjoint(hashes(folder))) is same


def test_channels_in_place_of_its_own_count(folder: Path) -> None:
    assert hashes(folder).isdisjoint(hashes(folder, channels=["https://example.org/c"]))
    assert not hashes(folder).isdisjoint(hashes(folder, channels=["conda-forge"]))


@pytest.mark.parametrize("name", [SPECIFICATION, MACHINE])
def test_a_file_that_is_not_there_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(SpecificationError) as caught:
        hashes(folder)
    assert name in caught.value.evidence[0]


def test_what_conda_lock_can_not_read(folder: Path) -> None:
    (folder / SPECIFICATION).write_text("dependencies: 3\n")
    with pytest.raises(SpecificationError):
        hashes(folder)
