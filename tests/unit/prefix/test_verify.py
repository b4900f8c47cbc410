"""The proof of a stage that is still being filled: the engine rewrites records at its end."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from bootstrap.errors import VerificationError
from bootstrap.lock import Record
from bootstrap.prefix.cache import PackageCache
from bootstrap.prefix.verify import StageVerifier
from tests.support import records

if TYPE_CHECKING:
    from pathlib import Path


def record(name: str) -> Record:
    return records.record(name, "1", "0")


def install(stage: Path, name: str, path: str, content: str, *, original: str | None = None) -> None:
    """What the engine does for a package of one file."""
    records.install(stage, record(name), {path: content})
    if original:
        records.write_meta(stage, record(name), [records.path_entry(path, content, original_path=original)])


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    return tmp_path / "stage"


@pytest.fixture
def proof(stage: Path, tmp_path: Path) -> StageVerifier:
    return StageVerifier(stage, PackageCache(tmp_path / "cache"), {"one": "one >=1"})


def test_files_that_change_places_are_proven_in_their_last_one(stage: Path, proof: StageVerifier) -> None:
    one, two = record("one"), record("two")
    install(stage, "one", "share/same", "1")
    install(stage, "two", "__clobbers__/two/share/same", "22", original="share/same")
    proof.add(one)
    proof.add(two)
    assert proof.outdated() == []
    # Its end: the other one's file is to be in place.
    install(stage, "one", "__clobbers__/one/share/same", "1", original="share/same")
    install(stage, "two", "share/same", "22")
    assert proof.outdated() == [one, two]
    proof.add(one)
    proof.add(two)
    assert proof.outdated() == []
    proof.finish([one, two])
    files = proof.manifest([one, two], {}).files
    assert list(files["one-1-0"]) == ["__clobbers__/one/share/same", "conda-meta/one-1-0.json"]
    assert list(files["two-1-0"]) == ["share/same", "conda-meta/two-1-0.json"]
    assert None not in files["two-1-0"].values()


def test_a_fault_seen_while_files_changed_places_is_looked_at_again(stage: Path, proof: StageVerifier) -> None:
    one = record("one")
    install(stage, "one", "share/same", "1")
    (stage / "share/same").write_text("22")
    proof.add(one)
    with pytest.raises(VerificationError, match="don't match the lock"):
        proof.finish([one])
    install(stage, "one", "__clobbers__/one/share/same", "1", original="share/same")
    assert proof.outdated() == [one]
    proof.add(one)
    proof.finish([one])


def test_a_record_that_is_gone_is_outdated(stage: Path, proof: StageVerifier) -> None:
    one = record("one")
    install(stage, "one", "share/one", "1")
    proof.add(one)
    (stage / "conda-meta/one-1-0.json").unlink()
    assert proof.outdated() == [one]
    assert proof.add(one) is None
    with pytest.raises(VerificationError):
        proof.finish([one])


def test_what_only_the_package_knows_is_added_when_the_engine_has_ended(
    stage: Path, proof: StageVerifier, tmp_path: Path
) -> None:
    index = tmp_path / "cache/pkgs/one-1-0/info/index.json"
    index.parent.mkdir(parents=True)
    index_json = {"license": "MIT", "noarch": "python", "build_number": 7}
    index.write_text(json.dumps(index_json))
    install(stage, "one", "share/one", "1")
    before = (stage / "conda-meta/one-1-0.json").read_text()
    proof.add(record("one"))
    assert (stage / "conda-meta/one-1-0.json").read_text() == before
    texts = proof.finish([record("one")])
    data = json.loads(texts["one-1-0.json"])
    told = json.loads(before)
    (entry,) = told["paths_data"]["paths"]
    entry["sha256_in_prefix"] = entry["sha256"]
    assert data.items() >= {**index_json, **told, "requested_spec": "one >=1"}.items()


def test_the_umask_decides_on_scripts(stage: Path, proof: StageVerifier) -> None:
    entry = records.path_entry("bin/one", "1", path_type="unix_python_entry_point")
    install(stage, "one", "bin/one", "1")
    records.write_meta(stage, record("one"), [entry])
    (stage / "bin/one").chmod(0o775)
    proof.add(record("one"))
    umask = os.umask(0)
    os.umask(umask)
    assert (stage / "bin/one").stat().st_mode & 0o777 == 0o666 & ~umask | 0o111
