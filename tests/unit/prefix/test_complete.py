"""The proof of a stage that is still being filled: the engine rewrites records at its end."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap.errors import VerificationError
from bootstrap.lock import Record
from bootstrap.prefix.cache import PackageCache
from bootstrap.prefix.complete import Proof

if TYPE_CHECKING:
    from pathlib import Path

SHA = "0" * 64


def record(name: str) -> Record:
    url = f"https://conda.anaconda.org/conda-forge/noarch/{name}-1-0.conda"
    return Record(name, "1", "conda", "linux-64", url, sha256=SHA, md5=None)


def install(stage: Path, name: str, path: str, content: str, *, original: str | None = None) -> None:
    """What the engine does for a package of one file."""
    (stage / path).parent.mkdir(parents=True, exist_ok=True)
    (stage / path).write_text(content)
    describe(stage, name, path, content, original=original)


def describe(stage: Path, name: str, path: str, content: str, *, original: str | None = None) -> None:
    """The engine's record of it; the engine writes a new file each time."""
    entry: dict[str, Any] = {
        "_path": path,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(content.encode()).hexdigest(),
        "size_in_bytes": len(content),
    }
    entry |= {"original_path": original} if original else {}
    data = {
        "name": name,
        "version": "1",
        "build": "0",
        "sha256": SHA,
        "files": [path],
        "paths_data": {"paths": [entry]},
    }
    meta = stage / f"conda-meta/{name}-1-0.json"
    meta.parent.mkdir(exist_ok=True)
    beside = meta.with_suffix(".engine")
    beside.write_text(json.dumps(data, indent=2))
    beside.replace(meta)


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    return tmp_path / "stage"


@pytest.fixture
def proof(stage: Path, tmp_path: Path) -> Proof:
    return Proof(stage, PackageCache(tmp_path / "cache"))


def test_files_that_change_places_are_proven_in_their_last_one(stage: Path, proof: Proof) -> None:
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
    proof.conclude([one, two])
    files = proof.ledger([one, two], {}).files
    assert list(files["one-1-0"]) == ["__clobbers__/one/share/same", "conda-meta/one-1-0.json"]
    assert list(files["two-1-0"]) == ["share/same", "conda-meta/two-1-0.json"]
    assert None not in files["two-1-0"].values()


def test_a_fault_seen_while_files_changed_places_is_looked_at_again(stage: Path, proof: Proof) -> None:
    one = record("one")
    install(stage, "one", "share/same", "1")
    (stage / "share/same").write_text("22")
    proof.add(one)
    with pytest.raises(VerificationError, match="not what the lock says"):
        proof.conclude([one])
    install(stage, "one", "__clobbers__/one/share/same", "1", original="share/same")
    assert proof.outdated() == [one]
    proof.add(one)
    proof.conclude([one])


def test_a_record_that_is_gone_is_outdated(stage: Path, proof: Proof) -> None:
    one = record("one")
    install(stage, "one", "share/one", "1")
    proof.add(one)
    (stage / "conda-meta/one-1-0.json").unlink()
    assert proof.outdated() == [one]
    assert proof.add(one) is None
    with pytest.raises(VerificationError):
        proof.conclude([one])


def test_what_only_the_package_knows_is_added_when_the_engine_has_ended(
    stage: Path, proof: Proof, tmp_path: Path
) -> None:
    index = tmp_path / "cache/pkgs/one-1-0/info/index.json"
    index.parent.mkdir(parents=True)
    index.write_text(json.dumps({"license": "MIT", "noarch": "python", "build_number": 7}))
    install(stage, "one", "share/one", "1")
    before = (stage / "conda-meta/one-1-0.json").read_text()
    proof.add(record("one"))
    assert (stage / "conda-meta/one-1-0.json").read_text() == before
    texts = proof.conclude([record("one")])
    data = json.loads(texts["one-1-0.json"])
    assert {"license": "MIT", "noarch": "python", "build_number": 7, **json.loads(before)} == data
