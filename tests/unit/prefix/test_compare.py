"""Does a prefix hold what a lock says?"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap.prefix.compare import Comparison, compare_prefix
from bootstrap.prefix.file_check import AlteredFile
from bootstrap.prefix.manifest import Manifest, fingerprint, write_manifest
from bootstrap.prefix.records import read_records
from tests.support.records import install, path_entry, record, write_meta

SITE = "lib/python3.13/site-packages"
NUMPY, TOOL = record("numpy", "2.3.4"), record("tool", "1.0")
FILES = {
    NUMPY.name: {f"{SITE}/numpy/__init__.py": "v = 1\n", f"{SITE}/numpy-2.3.4.dist-info/METADATA": "Name: numpy\n"},
    TOOL.name: {"bin/tool": "#!/bin/sh\n"},
}


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    for package in (NUMPY, TOOL):
        install(tmp_path, package, FILES[package.name])
    return tmp_path


def keep_ledger(prefix: Path, **lock: str) -> None:
    """What a restore writes at its end."""
    files = {}
    for package in read_records(prefix)[0]:
        owned = [*(file.path for file in package.files), f"conda-meta/{package.meta.name}"]
        files[package.stem] = {path: fingerprint(f"{prefix}/{path}") for path in owned}
    write_manifest(
        prefix,
        Manifest({"prefix": lock["made"]} if lock else {}, {r.stem: r.sha256 or "" for r in (NUMPY, TOOL)}, files),
    )


def test_an_environment_that_was_moved(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    script = path_entry("bin/tool", "", path_type="unix_python_entry_point")
    text = f"#!{prefix}/bin/python3.13\n"
    (prefix / "bin/tool").write_text(text)
    write_meta(prefix, TOOL, [{**script, "size_in_bytes": len(text), "sha256": None}])
    assert compared(prefix, NUMPY, TOOL).agrees
    moved = tmp_path_factory.mktemp("moved") / "env"
    prefix.rename(moved)
    prefix.symlink_to(moved)
    assert compared(moved, NUMPY, TOOL).agrees, "the old name leads to it"
    prefix.unlink()
    said = [AlteredFile("bin/tool", "tool 1.0", "prefix", f"made for {prefix}")]
    assert list(compared(moved, NUMPY, TOOL).altered) == said
    keep_ledger(moved, made=str(prefix))
    for hash_all in (True, False):
        assert list(compared(moved, NUMPY, TOOL, hash_all=hash_all).altered) == said
    keep_ledger(moved, made=str(moved))
    assert compared(moved, NUMPY, TOOL, hash_all=False).agrees
    moved.rename(prefix)


def compared(prefix: Path, *locked, hash_all: bool = True) -> Comparison:
    return compare_prefix(prefix, locked or (NUMPY, TOOL), hash_all=hash_all)


def differing(found: Comparison) -> list[str]:
    """The parts of a comparison in which something differs."""
    assert found.agrees is found.to_dict()["agrees"]
    return [
        part
        for part in ("missing", "extra", "changed", "altered", "overlaid", "unreadable")
        if found.to_dict()[part] or getattr(found, part)
    ]


def test_what_is_as_locked_agrees(prefix: Path) -> None:
    assert differing(compared(prefix)) == []
    assert compared(prefix).agrees
    assert compared(prefix).hashed_all


@pytest.mark.parametrize(
    ("locked", "part"),
    [
        ([NUMPY], "extra"),
        ([NUMPY, TOOL, record("new")], "missing"),
        ([NUMPY, record("tool", "2.0")], "changed"),
        ([NUMPY, record("tool", "1.0", "h0_1")], "changed"),
        ([NUMPY, replace(TOOL, sha256="0" * 64)], "changed"),
    ],
)
def test_records(prefix: Path, locked: list, part: str) -> None:
    assert differing(compared(prefix, *locked)) == [part]
    keep_ledger(prefix)
    assert differing(compared(prefix, *locked, hash_all=False)) == [part]


@pytest.mark.parametrize(
    ("locked", "kind"),
    [
        (record("tool", "2.0"), "version"),
        (record("tool", "1.0", "h0_1"), "build"),
        (replace(TOOL, sha256="0" * 64), "archive"),
    ],
)
def test_what_differs_first(prefix: Path, locked, kind: str) -> None:
    (change,) = compared(prefix, NUMPY, locked).changed
    assert change.kind == kind


def test_another_record_of_the_same_name_is_superfluous(prefix: Path) -> None:
    install(prefix, record("tool", "0.9"), {})
    found = compared(prefix)
    assert [str(r) for r in found.extra] == ["tool 0.9"]
    assert not found.agrees


def test_a_file_that_is_not_as_installed(prefix: Path) -> None:
    (prefix / "bin/tool").write_text("#!/bin/zz\n")
    (fault,) = compared(prefix).altered
    assert (fault.path, fault.owner, fault.package, fault.reason) == ("bin/tool", "tool 1.0", "tool", "sha256")


def test_another_distribution_of_the_name(prefix: Path) -> None:
    (prefix / SITE / "numpy-1.26.4.dist-info").mkdir()
    (fault,) = compared(prefix).overlaid
    assert (fault.path, fault.owner) == (f"{SITE}/numpy-1.26.4.dist-info", "numpy 2.3.4")


def test_a_record_that_can_not_be_read_is_missing_too(prefix: Path) -> None:
    (prefix / f"conda-meta/{TOOL.stem}.json").write_text("{")
    assert differing(compared(prefix)) == ["missing", "unreadable"]


def test_a_link_that_leads_elsewhere(prefix: Path) -> None:
    link = prefix / "bin/tool-link"
    link.symlink_to("tool")
    write_meta(prefix, TOOL, [{"_path": "bin/tool-link", "path_type": "softlink"}])
    keep_ledger(prefix)
    assert compared(prefix).agrees
    link.unlink()
    link.symlink_to("/elsewhere")
    for hash_all in (True, False):
        assert [f.reason for f in compared(prefix, hash_all=hash_all).altered] == ["target"]


class TestByTheLedger:
    def test_a_record_that_it_does_not_know_is_read(self, prefix: Path) -> None:
        keep_ledger(prefix)
        new = record("new")
        install(prefix, new, {"share/new": "new"})
        (prefix / "share/new").write_text("old")
        assert differing(compared(prefix, NUMPY, TOOL, new, hash_all=False)) == ["altered"]

    def test_what_it_shows_unchanged_is_not_read(self, prefix: Path) -> None:
        keep_ledger(prefix)
        tool = prefix / "bin/tool"
        before = tool.stat()
        with tool.open("r+") as file:  # of the same size, time, mode and inode
            file.write("#!/bin/zz")
        os.utime(tool, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert compared(prefix, hash_all=False) == Comparison(hashed_all=False)
        assert differing(compared(prefix)) == ["altered"]

    def test_what_it_shows_changed_is(self, prefix: Path) -> None:
        keep_ledger(prefix)
        (prefix / "bin/tool").write_text("#!/bin/zz\n")
        assert differing(compared(prefix, hash_all=False)) == ["altered"]
        assert not compared(prefix, hash_all=False).hashed_all

    def test_a_touched_file_of_the_same_content_agrees(self, prefix: Path) -> None:
        keep_ledger(prefix)
        (prefix / "bin/tool").touch()
        assert compared(prefix, hash_all=False).agrees

    def test_a_record_that_came_or_went_is_seen(self, prefix: Path) -> None:
        keep_ledger(prefix)
        install(prefix, record("new"), {})
        assert differing(compared(prefix, hash_all=False)) == ["extra"]
        (prefix / f"conda-meta/{record('new').stem}.json").unlink()
        (prefix / f"conda-meta/{TOOL.stem}.json").unlink()
        assert differing(compared(prefix, hash_all=False)) == ["missing"]

    def test_another_distribution_of_the_name_is_seen(self, prefix: Path) -> None:
        keep_ledger(prefix)
        (prefix / SITE / "numpy-1.26.4.dist-info").mkdir()
        assert differing(compared(prefix, hash_all=False)) == ["overlaid"]

    def test_without_one_everything_is_read(self, prefix: Path) -> None:
        (prefix / "bin/tool").write_text("#!/bin/zz\n")
        found = compared(prefix, hash_all=False)
        assert differing(found) == ["altered"]
        assert found.hashed_all
