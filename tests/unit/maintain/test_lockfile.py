from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from bootstrap.errors import LockNotWritableError
from bootstrap.lock.reader import read_lock
from bootstrap.maintain.lockfile import annotate, make_folder, place
from bootstrap.maintain.variant import CPU, CUDA
from tests.support.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "ab" * 32
TEXT = f"# conda-lock's head\n#\n\nversion: 1\npackage:\n- name: a\n  hash:\n    md5: x\n    sha256: {DIGEST}\n"


def test_the_head_is_ours_and_the_size_stands_beside_the_hash() -> None:
    text = annotate(TEXT, variant=CUDA, sizes={DIGEST: 12345})
    assert "conda-lock's head" not in text
    assert text.startswith("# The locked environment, for NVIDIA GPU.")
    assert f"\n    sha256: {DIGEST}  # size: 12345\n" in text


def test_an_unknown_size_gets_no_comment() -> None:
    assert f"\n    sha256: {DIGEST}\n" in annotate(TEXT, variant=CPU, sizes={})


def test_a_hash_that_yaml_has_to_quote() -> None:
    digits = "1" * 64
    text = annotate(TEXT.replace(DIGEST, f"'{digits}'"), variant=CPU, sizes={digits: 7})
    assert f"    sha256: '{digits}'  # size: 7\n" in text
    assert yaml.safe_load(text)["package"][0]["hash"]["sha256"] == digits


def test_annotating_twice_is_annotating_once() -> None:
    once = annotate(TEXT, variant=CPU, sizes={DIGEST: 1})
    assert annotate(once, variant=CPU, sizes={DIGEST: 1}) == once
    assert annotate(once, variant=CPU, sizes={DIGEST: 2}) == annotate(TEXT, variant=CPU, sizes={DIGEST: 2})


@pytest.mark.parametrize("variant", [CPU, CUDA])
def test_the_committed_locks_are_as_this_writes_them(variant) -> None:
    path = ROOT / variant.lock_name
    sizes = {r.sha256: r.size for r in read_lock(path).records if r.sha256 and r.size is not None}
    assert annotate(path.read_text(), variant=variant, sizes=sizes) == path.read_text()


def test_all_files_or_none(tmp_path: Path) -> None:
    first = tmp_path / "first.yml"
    first.write_text("old")
    with pytest.raises(LockNotWritableError):
        place({first: "new", tmp_path / "no such folder" / "second.yml": "new"})
    assert first.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["first.yml"]
    place({first: "new", tmp_path / "second.yml": "new"})
    assert first.read_text() == (tmp_path / "second.yml").read_text() == "new"


def test_a_folder_is_made_once_and_must_be_one(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").write_text("")
    with pytest.raises(LockNotWritableError):
        make_folder(tmp_path / "file")
