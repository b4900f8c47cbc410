"""What an unpacked package may hold; nothing here is linked."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from bootstrap.prefix.admission import Admission, RefusedError, compare_hashes

RECORD = {"name": "pkg", "version": "1.0", "build": "0"}
LONG = "/opt/" + "placeholder" * 9


def entry(path: str, data: bytes = b"x", **more: Any) -> dict[str, Any]:
    """A true line of paths.json."""
    facts = {"sha256": hashlib.sha256(data).hexdigest(), "size_in_bytes": len(data)}
    return {"_path": path, "path_type": "hardlink", **facts, **more}


def link(path: str) -> dict[str, Any]:
    return {"_path": path, "path_type": "softlink"}


def unpacked(
    folder: Path,
    paths: Any,
    files: dict[str, bytes | str] | None = None,
    *,
    index: dict[str, Any] | None = None,
    points: Any = None,
    name: str = "pkg",
) -> str:
    """An unpacked package; content is bytes, or the target of a link."""
    content: dict[str, bytes | str] = {"share/x": b"x"} if files is None else dict(files)
    content["info/index.json"] = json.dumps({**RECORD, "name": name, **(index or {})}).encode()
    if paths is not None:
        content["info/paths.json"] = paths if isinstance(paths, bytes) else json.dumps({"paths": paths}).encode()
    if points is not None:
        content["info/link.json"] = json.dumps({"noarch": {"type": "python", "entry_points": points}}).encode()
    for path, data in content.items():
        place = folder / name / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(data, str):
            place.symlink_to(data)
        else:
            place.write_bytes(data)
    return str(folder / name)


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    place = tmp_path / "stage"
    (place / "conda-meta").mkdir(parents=True)
    return place


def admission(stage: Path, **kept: list[str]) -> Admission:
    return Admission(str(stage), "3.13.1", kept)


def refused(gate: Admission, package: str, **record: str) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        for hashes in gate.admit({**RECORD, **record}, package, closely=True):
            compare_hashes(package, hashes)
    return caught.value


PYTHON = {"noarch": "python"}
AT_FAULT: dict[str, tuple[dict[str, Any], str]] = {
    "up": ({"paths": [entry("../pkg-1.0-0/share/x")]}, "leads out"),
    "up again": ({"paths": [entry("a/../../x")], "files": {"a/x": b"x", "x": b"x"}}, "leads out"),
    "up in noarch": ({"paths": [entry("python-scripts/../../x")], "index": PYTHON}, "leads out"),
    "absolute": ({"paths": [entry("/etc/passwd")]}, "absolute"),
    "empty": ({"paths": [{"_path": ""}]}, "empty"),
    "backslashes": ({"paths": [entry("..\\x")], "files": {"..\\x": b"x"}}, "not a plain"),
    "records": (
        {"paths": [entry("conda-meta/pinned")], "files": {"conda-meta/pinned": b"x"}},
        "reserved for the installer",
    ),
    "records as a link": (
        {"paths": [link("conda-meta")], "files": {"conda-meta": "/etc"}},
        "reserved for the installer",
    ),
    "the engine's own file": (
        {"paths": [link("CACHEDIR.TAG")], "files": {"CACHEDIR.TAG": "/x"}},
        "reserved for the installer",
    ),
    "below its own link": (
        {"paths": [link("d"), entry("d/x")], "files": {"d": "share", "share/x": b"x"}},
        "not in the archive",
    ),
    "a file and a folder": ({"paths": [entry("share/x"), entry("share/x/y")]}, "not in the archive"),
    "missing": ({"paths": [entry("share/x"), entry("share/y")]}, "not in the archive"),
    "a link as a file": ({"paths": [entry("x")], "files": {"x": "/etc/passwd"}}, "not a hardlink"),
    "a link with a placeholder": (
        {"paths": [{**link("x"), "prefix_placeholder": LONG}], "files": {"x": "/etc/passwd"}},
        "has a placeholder",
    ),
    "a file as a link": ({"paths": [link("share/x")]}, "not a softlink"),
    "another hash": ({"paths": [entry("share/x", b"y")]}, "sha256 differs"),
    "another size": ({"paths": [entry("share/x", size_in_bytes=2)]}, "1 bytes"),
    "another package": ({"paths": [entry("share/x")], "index": {"name": "other"}}, "says name 'other'"),
    "no list": ({"paths": b'{"paths": 5}'}, "no list"),
    "no JSON": ({"paths": b"{"}, "info/paths.json"),
    "deep JSON": ({"paths": b"[" * 100_000}, "info/paths.json"),
    "no object": ({"paths": b"[]"}, "not a JSON object"),
    "is not a path": ({"paths": [5]}, "is not a path"),
    "another type": ({"paths": [{"_path": "share", "path_type": "directory"}]}, "unsupported type"),
    "unknown hash": ({"paths": [entry("share/x", sha256="x")]}, "invalid sha256"),
    "negative size": ({"paths": [entry("share/x", size_in_bytes=-1)]}, "invalid size"),
    "placeholder of one letter": ({"paths": [entry("share/x", prefix_placeholder="x")]}, "placeholder"),
    "entry point up": ({"paths": [], "index": PYTHON, "points": ["../x = tool:main"]}, "entry point"),
    "entry point with code": ({"paths": [], "index": PYTHON, "points": ["x = os;evil:main"]}, "entry point"),
    "entry point without a name": ({"paths": [], "index": PYTHON, "points": ["= tool:main"]}, "entry point"),
    "entry points of another kind": (
        {"paths": [], "index": PYTHON, "files": {"info/link.json": b'{"noarch": {"type": "generic"}}'}},
        "entry points",
    ),
    "entry points of no kind": ({"paths": [], "index": PYTHON, "points": 5}, "entry points"),
    "old form, up": ({"paths": None, "files": {"info/files": b"../x\n"}}, "leads out"),
    "old form, a link with a placeholder": (
        {
            "paths": None,
            "files": {"x": "/etc/passwd", "info/files": b"x\n", "info/has_prefix": b'"/opt/p" text "x"\n'},
        },
        "is a link",
    ),
}


@pytest.mark.parametrize("case", AT_FAULT)
def test_a_package_that_is_at_fault(stage: Path, tmp_path: Path, case: str) -> None:
    made, words = AT_FAULT[case]
    error = refused(admission(stage), unpacked(tmp_path, **made))
    assert error.kind == "package"
    assert words in error.message


def test_what_stands_in_place_of_its_own_lists_is_not_read(stage: Path, tmp_path: Path) -> None:
    package = Path(unpacked(tmp_path, [entry("share/x")]))
    (package / "info/paths.json").unlink()
    (package / "info/paths.json").symlink_to("/dev/zero")
    assert "info/paths.json" in refused(admission(stage), str(package)).message
    (package / "info/paths.json").unlink()
    os.mkfifo(package / "info/paths.json")
    assert "not a file" in refused(admission(stage), str(package)).message


def test_an_ordinary_package(stage: Path, tmp_path: Path) -> None:
    paths = [
        entry("site-packages/x.py", prefix_placeholder=LONG, file_mode="text"),
        entry("python-scripts/run"),
        link("share/out"),
    ]
    files: dict[str, bytes | str] = {"site-packages/x.py": b"x", "python-scripts/run": b"x", "share/out": "/etc/x"}
    package = unpacked(tmp_path, paths, files, index=PYTHON, points=["tool = a.b:c.d", "x-y.z=a:b"])
    (Path(package) / "python-scripts/run").chmod(0o6777)
    admission(stage).admit(RECORD, package, closely=True)
    assert (Path(package) / "python-scripts/run").stat().st_mode & 0o7777 == 0o775, "neither setuid nor for all"


BELOW: dict[str, Any] = {"paths": [entry("d/x")], "files": {"d/x": b"x"}}
CONFLICTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a link out, and a file below": ({"paths": [link("d")], "files": {"d": "/etc"}}, BELOW),
    "a link up, and a file below": ({"paths": [link("d")], "files": {"d": "s/../.."}}, BELOW),
    "a link to the records, and a file below": ({"paths": [link("d")], "files": {"d": "conda-meta"}}, BELOW),
    "a file, and a folder": ({"paths": [entry("d")], "files": {"d": b"x"}}, BELOW),
    "an entry point, and a file": (
        {"paths": [], "index": PYTHON, "points": ["tool = a:b"]},
        {"paths": [entry("bin/tool")], "files": {"bin/tool": b"x"}},
    ),
}


@pytest.mark.parametrize("case", CONFLICTS)
@pytest.mark.parametrize("order", [1, -1], ids=["first", "last"])
def test_two_packages_that_can_not_be_together(stage: Path, tmp_path: Path, case: str, order: int) -> None:
    gate = admission(stage)
    made = dict(list(zip(("one", "two"), CONFLICTS[case], strict=True))[::order])
    first, second = ((name, unpacked(tmp_path, name=name, **facts)) for name, facts in made.items())
    gate.admit({**RECORD, "name": first[0]}, first[1], closely=True)
    error = refused(gate, second[1], name=second[0])
    assert error.kind == "conflict"
    assert {"one", "two"} <= set(re.findall(r"\w+", error.message))


def test_two_packages_with_one_file(stage: Path, tmp_path: Path) -> None:
    """The engine decides whose is in place."""
    gate = admission(stage)
    for name in ("one", "two"):
        gate.admit({**RECORD, "name": name}, unpacked(tmp_path, [entry("share/x")], name=name), closely=True)


def test_below_a_link_that_stays_inside(stage: Path, tmp_path: Path) -> None:
    gate = admission(stage)
    gate.admit(
        {**RECORD, "name": "one"}, unpacked(tmp_path, [link("lib64")], {"lib64": "lib"}, name="one"), closely=True
    )
    gate.admit(RECORD, unpacked(tmp_path, [entry("lib64/x")], {"lib64/x": b"x"}), closely=True)
    later = unpacked(tmp_path, [link("lib")], {"lib": "/etc"}, name="three")
    assert refused(gate, later, name="three").kind == "conflict", "or what was admitted would go astray"


@pytest.mark.parametrize("where", ["link", "file", "folder"])
def test_something_that_no_package_owns_is_in_the_way(stage: Path, tmp_path: Path, where: str) -> None:
    if where == "link":
        (stage / "share").symlink_to(tmp_path)
    elif where == "file":
        (stage / "share").touch()
    else:
        (stage / "share/x/y").mkdir(parents=True)
    error = refused(admission(stage), unpacked(tmp_path, [entry("share/x")]))
    assert error.kind == "in-the-way"
    assert "share" in error.message


@pytest.mark.parametrize("what", ["link", "file"])
def test_nothing_is_written_through_what_was_there(stage: Path, tmp_path: Path, what: str) -> None:
    """A placeholder is replaced in a file that is opened for writing: it may share its content, or be a link."""
    mine = tmp_path / "mine"
    mine.write_text("mine")
    (stage / "share").mkdir()
    (stage / "share/x").symlink_to(mine) if what == "link" else (stage / "share/x").hardlink_to(mine)
    admission(stage).admit(RECORD, unpacked(tmp_path, [entry("share/x")]), closely=True)
    assert not os.path.lexists(stage / "share/x")
    assert mine.read_text() == "mine"


def test_what_another_package_keeps_is_left_to_the_engine(stage: Path, tmp_path: Path) -> None:
    (stage / "share").mkdir()
    (stage / "share/x").write_text("other's")
    admission(stage, other=["share/x"]).admit(RECORD, unpacked(tmp_path, [entry("share/x")]), closely=True)
    assert (stage / "share/x").read_text() == "other's"
