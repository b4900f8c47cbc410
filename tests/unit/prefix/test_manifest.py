"""The manifest: what of a prefix is as the last restore left it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootstrap.prefix.manifest import (
    MANIFEST_FILE,
    Manifest,
    changed_links,
    fingerprint,
    read_manifest,
    suspects,
    write_manifest,
)
from bootstrap.prefix.records import read_records
from tests.support.records import install, path_entry, record, write_meta

NUMPY = record("numpy", "2.3.4")
FILES = ("lib/umath.so", "lib/link", "lib", f"conda-meta/{NUMPY.stem}.json")


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    install(tmp_path, NUMPY, {"lib/umath.so": "code"})
    (tmp_path / "lib/link").symlink_to("umath.so")
    write_meta(tmp_path, NUMPY, [path_entry("lib/umath.so", "code"), {"_path": "lib/link", "path_type": "softlink"}])
    os.utime(tmp_path / "lib/umath.so", (1, 1))
    return tmp_path


def manifest(prefix: Path) -> Manifest:
    files = {path: fingerprint(f"{prefix}/{path}") for path in FILES}
    return Manifest({"path": "x.yml"}, {NUMPY.stem: NUMPY.sha256 or ""}, {NUMPY.stem: files})


def test_it_is_read_as_it_was_written(prefix: Path) -> None:
    state = manifest(prefix)
    write_manifest(prefix, state)
    assert read_manifest(prefix) == state
    assert not MANIFEST_FILE.endswith(".json"), "conda reads every conda-meta/*.json as a record"
    assert sorted(path.name for path in (prefix / "conda-meta").iterdir()) == [MANIFEST_FILE, f"{NUMPY.stem}.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 99}', '{"schema": 2, "lock": {}}', '{"schema": 1}'])
def test_what_can_not_be_read_is_none(prefix: Path, text: str) -> None:
    assert read_manifest(prefix) is None
    (prefix / "conda-meta" / MANIFEST_FILE).write_text(text)
    assert read_manifest(prefix) is None


def test_nothing_is_suspect_where_nothing_changed(prefix: Path) -> None:
    assert suspects(prefix, manifest(prefix)) == set()


@pytest.mark.parametrize(
    "how", ["edited", "touched", "chmod", "replaced", "deleted", "retargeted", "no link", "record"]
)
def test_any_change_makes_its_record_suspect(prefix: Path, how: str) -> None:
    state = manifest(prefix)
    file, link = prefix / "lib/umath.so", prefix / "lib/link"
    if how == "edited":
        file.write_text("edoc")
    elif how == "touched":
        os.utime(file, (2, 2))
    elif how == "chmod":
        file.chmod(0o755)
    elif how == "replaced":  # by its like: only the inode tells
        file.with_name("new").write_text("code")
        os.utime(file.with_name("new"), (1, 1))
        file.with_name("new").replace(file)
    elif how == "deleted":
        file.unlink()
    elif how == "retargeted":
        link.unlink()
        link.symlink_to("/elsewhere")
    elif how == "no link":
        link.unlink()
        link.write_text("code")
    else:
        write_meta(prefix, NUMPY, [])
    assert suspects(prefix, state) == {NUMPY.stem}


def test_what_was_not_there_when_it_was_written_is_suspect(prefix: Path) -> None:
    state = Manifest({}, {}, {NUMPY.stem: {"nowhere": None}})
    assert suspects(prefix, state) == {NUMPY.stem}


def test_a_link_that_leads_elsewhere_is_told_with_both_targets(prefix: Path) -> None:
    state = manifest(prefix)
    (installed,), _ = read_records(prefix)
    assert changed_links(prefix, state, installed) == []
    (prefix / "lib/link").unlink()
    (prefix / "lib/link").symlink_to("/elsewhere")
    (fault,) = changed_links(prefix, state, installed)
    assert (fault.path, fault.owner, fault.reason) == ("lib/link", "numpy 2.3.4", "target")
    assert fault.detail == "/elsewhere instead of umath.so"
    assert changed_links(prefix, Manifest({}, {}, {}), installed) == [], "nothing is known of it"


def test_a_folder_is_one_whatever_is_in_it(prefix: Path) -> None:
    assert fingerprint(str(prefix / "lib")) == "/"
    assert fingerprint(str(prefix / "lib/link")) == "-> umath.so"
    assert fingerprint(str(prefix / "nowhere")) is None
