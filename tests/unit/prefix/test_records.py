"""What conda-meta says is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootstrap.errors import NotAnEnvironmentError, PrefixNotFoundError
from bootstrap.prefix.records import InstalledFile, installed_file, is_environment, read_records, require_environment
from tests.support.records import install, record


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
            InstalledFile("a", "p", 3, "hardlink", rewritten=True),
        ),
        (
            {"_path": "a", "sha256": "s", "prefix_placeholder": "/x"},
            InstalledFile("a", "s", None, "hardlink", rewritten=True),
        ),
        (
            {"_path": "a", "path_type": "softlink", "sha256": "of its target", "size_in_bytes": 9},
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
