"""What conda-meta says is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootstrap.errors import NotAnEnvironmentError, PrefixNotFoundError
from bootstrap.prefix.file_check import verify_files
from bootstrap.prefix.records import (
    InstalledFile,
    adopt_records,
    installed_file,
    is_environment,
    read_records,
    require_environment,
)
from tests.support.records import install, path_entry, record, write_meta

REWRITTEN = {"_path": "a", "sha256": "the package's", "sha256_in_prefix": "p", "prefix_placeholder": "/x"}


@pytest.mark.parametrize(
    ("entry", "file"),
    [
        (
            {"_path": "a", "path_type": "hardlink", "sha256": "s", "size_in_bytes": 3},
            InstalledFile("a", "s", 3, "hardlink", rewritten=False),
        ),
        ({"_path": "a", "sha256": "s"}, InstalledFile("a", "s", None, "hardlink", rewritten=False)),
        (
            {"_path": "a", "sha256": "s", "sha256_in_prefix": "p", "size_in_bytes": 3},
            InstalledFile("a", "p", 3, "hardlink", rewritten=False),
        ),
        (
            {"_path": "a", "sha256": "the package's", "size_in_bytes": 3, "prefix_placeholder": "/x"},
            InstalledFile("a", None, None, "hardlink", rewritten=True),
        ),
        (
            {**REWRITTEN, "file_mode": "text", "size_in_bytes": 300},
            InstalledFile("a", "p", None, "hardlink", rewritten=True),
        ),
        (
            {**REWRITTEN, "file_mode": "binary", "size_in_bytes": 300},
            InstalledFile("a", "p", 300, "hardlink", rewritten=True),
        ),
        (
            {"_path": "a", "path_type": "unix_python_entry_point", "size_in_bytes": 222},
            InstalledFile("a", None, 222, "unix_python_entry_point", rewritten=True),
        ),
        (
            {"_path": "a", "path_type": "softlink", "sha256_in_prefix": "of its goal", "size_in_bytes": 9},
            InstalledFile("a", None, None, "softlink", rewritten=False),
        ),
        (
            {"_path": "a", "path_type": "directory", "size_in_bytes": 0},
            InstalledFile("a", None, None, "directory", rewritten=False),
        ),
    ],
)
def test_a_files_entry(entry: dict[str, object], file: InstalledFile) -> None:
    assert installed_file(entry) == file


def test_records_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("tool", "numpy"):
        install(tmp_path, record(name, "2.0"), {f"share/{name}": name})
    good, bad = read_records(tmp_path)
    assert [str(r) for r in good] == ["numpy 2.0", "tool 2.0"]
    assert (good[0].stem, good[0].meta) == ("numpy-2.0-h0_0", tmp_path / "conda-meta/numpy-2.0-h0_0.json")
    assert [file.path for file in good[0].files] == ["share/numpy"]
    assert bad == []


def conda_record(prefix: Path) -> Path:
    """A noarch python package as conda records it, with its files in place."""
    site, places = "lib/python3.13/site-packages", ["tool/__init__.py", "tool/sub/__init__.py"]
    compiled = f"{site}/tool/__pycache__/__init__.cpython-313.pyc"
    scripts = ["bin/tool-script", "bin/tool"]
    for place in (*(f"{site}/{place}" for place in places), *scripts):
        (prefix / place).parent.mkdir(parents=True, exist_ok=True)
        (prefix / place).write_text("x")
    entries = [path_entry(f"site-packages/{place}", "x") for place in places]
    script = path_entry("python-scripts/tool-script", "x" * 200, prefix_placeholder="/x", file_mode="text")
    entries.append({**script, "sha256_in_prefix": path_entry("", "x")["sha256"]})
    entries.append({"_path": compiled, "path_type": "pyc_file", "size_in_bytes": 3})
    entries.append({"_path": "bin/tool", "path_type": "unix_python_entry_point", "size_in_bytes": 1})
    meta = write_meta(prefix, record("tool"), entries)
    files = [*(f"{site}/{place}" for place in places), *scripts, compiled]
    data = {**json.loads(meta.read_text()), "noarch": "python", "files": files}
    meta.write_text(json.dumps(data))
    return meta


def test_condas_own_record_of_a_noarch_package(tmp_path: Path) -> None:
    meta = conda_record(tmp_path)
    (found,), _ = read_records(tmp_path)
    assert sorted(file.path for file in found.files) == sorted(json.loads(meta.read_text())["files"])
    assert verify_files(tmp_path, [found]) == [], "bytecode that isn't there is none"
    (tmp_path / "bin/tool-script").write_text("y")
    assert [fault.path for fault in verify_files(tmp_path, [found])] == ["bin/tool-script"]


def test_the_engine_gets_places_in_the_prefix(tmp_path: Path) -> None:
    """It leaves the files of a record that it removes where they don't lie at their paths."""
    meta = conda_record(tmp_path)
    install(tmp_path, record("numpy"), {"site-packages/numpy.py": "not a noarch package's"})
    (tmp_path / "conda-meta/odd.json").write_text("{")
    before = read_records(tmp_path)[0]
    adopt_records(tmp_path / "conda-meta")
    assert read_records(tmp_path)[0] == before
    data = json.loads(meta.read_text())
    assert {entry["_path"] for entry in data["paths_data"]["paths"]} == set(data["files"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{", "JSONDecodeError"), ("[]", "TypeError"), ("{}", "KeyError"), ("\xff", "JSONDecodeError")],
)
def test_what_is_no_record_is_named_and_the_others_are_read(tmp_path: Path, text: str, reason: str) -> None:
    install(tmp_path, record("numpy"), {"share/numpy": "x"})
    (tmp_path / "conda-meta/tool-1-0.json").write_text(text)
    good, bad = read_records(tmp_path)
    assert [r.name for r in good] == ["numpy"]
    assert [b.meta.name for b in bad] == ["tool-1-0.json"]
    assert bad[0].reason.startswith(reason)


def test_a_record_that_is_another_shape_inside(tmp_path: Path) -> None:
    install(tmp_path, record("numpy"), {})
    meta = tmp_path / f"conda-meta/{record('numpy').stem}.json"
    for paths in (None, [{"path": "without its key"}], [3]):
        meta.write_text(json.dumps({**json.loads(meta.read_text()), "paths_data": {"paths": paths}}))
        assert read_records(tmp_path)[0] == []


def test_what_is_an_environment(tmp_path: Path) -> None:
    with pytest.raises(PrefixNotFoundError):
        require_environment(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    for prefix, why in ((tmp_path / "file", "not a folder"), (tmp_path, "no conda-meta")):
        assert not is_environment(prefix)
        with pytest.raises(NotAnEnvironmentError) as caught:
            require_environment(prefix)
        assert why in caught.value.evidence[0]
    (tmp_path / "conda-meta").mkdir()
    assert not is_environment(tmp_path), "an empty conda-meta is none"
    (tmp_path / "conda-meta/history").touch()
    require_environment(tmp_path)
