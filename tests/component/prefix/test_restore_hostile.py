"""Archives with the locked hash, made to write, read or delete outside of the prefix; in both formats."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap import errors
from tests.support import one_of
from tests.support.tiny_site import Site, fails, snapshot, then_succeeds

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = (".conda", ".tar.bz2")
Member = tuple[tarfile.TarInfo, bytes]


def file(path: str, data: bytes = b"x", mode: int = 0o644) -> Member:
    info = tarfile.TarInfo(path)
    info.size, info.mode = len(data), mode
    return info, data


def link(path: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Member:
    info = tarfile.TarInfo(path)
    info.type, info.linkname = kind, target
    return info, b""


def entry(path: str, data: bytes = b"x", **more: Any) -> dict[str, Any]:
    facts = {"sha256": hashlib.sha256(data).hexdigest(), "size_in_bytes": len(data)}
    return {"_path": path, "path_type": "hardlink", **facts, **more}


def soft(path: str) -> dict[str, Any]:
    return {"_path": path, "path_type": "softlink"}


def cases(
    outside: str,
) -> dict[str, tuple[type[errors.BootstrapError], list[tuple[list[Member], list[dict[str, Any]]]]]]:
    """By what they do: the error, and members and paths of one package or more."""
    unsafe, corrupt, conflict = errors.UnsafePackageError, errors.ArchiveCorruptError, errors.PackageConflictError
    return {
        "a path up": (unsafe, [([file("share/x")], [entry("../pkg0-1.0-0/share/x")])]),
        "a path to a file of the machine": (unsafe, [([file("share/x")], [entry(f"{outside}/victim", b"mine")])]),
        "records as a link": (unsafe, [([link("conda-meta", outside)], [soft("conda-meta")])]),
        "conda-meta/pinned": (unsafe, [([file("conda-meta/pinned")], [entry("conda-meta/pinned")])]),
        "another hash": (unsafe, [([file("share/x")], [entry("share/x", b"y")])]),
        "a link with a placeholder": (
            unsafe,
            [
                (
                    [link("x", f"{outside}/victim")],
                    [entry("x", b"mine", prefix_placeholder="/opt/p", file_mode="text")],
                )
            ],
        ),
        "a member below its own link": (
            corrupt,
            [([link("d", outside), file("d/new")], [soft("d"), entry("d/new")])],
        ),
        "a hard link": (
            corrupt,
            [([link("h", f"{outside}/victim", tarfile.LNKTYPE)], [entry("h", b"mine")])],
        ),
        "a link, and another's file below": (
            conflict,
            [([link("d", outside)], [soft("d")]), ([file("d/new")], [entry("d/new")])],
        ),
        "a file, and another's folder": (
            conflict,
            [([file("d")], [entry("d")]), ([file("d/new")], [entry("d/new")])],
        ),
    }


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    place = tmp_path / "outside"
    place.mkdir()
    (place / "victim").write_text("mine")
    return place


@pytest.mark.parametrize("site", ["update"], indirect=True)
@pytest.mark.parametrize("suffix", one_of(*FORMATS))
@pytest.mark.parametrize("case", list(cases("")))
def test_refused(site: Site, outside: Path, case: str, suffix: str) -> None:
    error, packages = cases(str(outside))[case]
    for number, (members, paths) in enumerate(packages):
        site.channel.add_raw(f"pkg{number}", members, paths, suffix)
    before = snapshot(outside)
    lock = site.lock(packages=["python", "numpy", *(f"pkg{number}" for number in range(len(packages)))])
    said = fails(site, error, lock)
    assert any("pkg" in line for line in said.evidence), "by name"
    assert snapshot(outside) == before
    assert sorted(os.listdir(site.root)) == ["before.yml", "cache", "channel", "conda-lock.yml", "env", "outside"]


@pytest.mark.parametrize("suffix", one_of(*FORMATS))
def test_no_mode_is_for_everybody(site: Site, suffix: str) -> None:
    site.channel.add_raw("pkg0", [file("bin/su", mode=0o6777)], [entry("bin/su")], suffix)
    umask = os.umask(0)
    try:
        then_succeeds(site, site.lock())
    finally:
        os.umask(umask)
    for place in (site.prefix, site.cache):
        for folder, folders, files in os.walk(place):
            for name in [".", *folders, *files]:
                info = os.lstat(os.path.join(folder, name))
                assert stat.S_ISLNK(info.st_mode) or not info.st_mode & 0o6002, (folder, name)


@pytest.mark.parametrize("path", one_of("../precious", "{outside}/victim", "conda-meta/pinned", "linked/victim"))
def test_a_record_that_was_edited(site: Site, outside: Path, path: str) -> None:
    """What it names is neither read as the package's, nor put back, nor removed."""
    with_it, without = site.lock(), site.lock("without.yml", packages=["python", "numpy"])
    site.restore(with_it)
    (site.prefix.parent / "precious").write_text("mine")
    (site.prefix / "conda-meta/pinned").write_text("numpy 2.3.4\n")
    (site.prefix / "linked").symlink_to(outside)
    meta = site.prefix / "conda-meta/libfoo-4.5-h1_0.json"
    data = json.loads(meta.read_text())
    data["paths_data"]["paths"].append({"_path": path.format(outside=outside), "path_type": "hardlink"})
    meta.write_text(json.dumps(data))
    before = snapshot(site.root / "outside") | snapshot(site.prefix)
    # What lies behind a link and stays as it is concerns nobody.
    for lock in (without, with_it) if path != "linked/victim" else (without,):
        fails(site, errors.InTheWayError, lock)
    assert snapshot(site.root / "outside") | snapshot(site.prefix) == before
    assert (site.prefix.parent / "precious").read_text() == "mine"


def test_a_folder_that_became_a_link(site: Site) -> None:
    """Its content lies elsewhere, where nothing is removed."""
    site.restore(site.lock())
    mine, folder = site.root / "mine", site.prefix / "share/weights"
    folder.rename(mine)
    folder.symlink_to(mine)
    before = snapshot(mine)
    error = fails(site, errors.InTheWayError, site.lock("without.yml", packages=["python", "numpy"]))
    assert str(folder) in error.evidence[0]
    assert snapshot(mine) == before
