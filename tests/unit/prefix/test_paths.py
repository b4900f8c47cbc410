"""Which paths a package or a record may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootstrap.prefix.paths import META_DIR, astray, fault, first_fault

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "path", ["lib/x", "x", ".hidden", "..x/y", "a b/ü", "conda-meta.txt", "share/conda-meta/x", "lib/...", "-x"]
)
def test_a_plain_path(path: str) -> None:
    assert fault(path) is None
    assert first_fault([path, path]) is None


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "empty"),
        (None, "is not text"),
        (5, "is not text"),
        ("/etc/passwd", "absolute"),
        *((path, "leads out") for path in ("..", "../x", "a/../../x", "a/..", "site-packages/../../x")),
        *(
            (path, "not a plain")
            for path in (".", "./x", "a//x", "a/./x", "a/", "a\\..\\x", "a\nb", "a\0b", "\ud800")
        ),
        *(
            (path, "reserved for the installer")
            for path in (META_DIR, "conda-meta/pinned", "__clobbers__/x/y", ".trash/x")
        ),
    ],
)
def test_a_path_that_is_refused(path: object, words: str) -> None:
    found = fault(path)
    assert found
    assert words in found
    assert first_fault(["lib/x", path]) == (path, found)


def test_folders_by_which_a_change_would_go_astray(tmp_path: Path) -> None:
    prefix, outside = tmp_path / "env", tmp_path / "env2"
    for folder in (outside, prefix / "lib/deep", prefix / META_DIR):
        folder.mkdir(parents=True)
    for name, goal in {"out": outside, "in": "lib", "records": META_DIR}.items():
        (prefix / name).symlink_to(goal)
    paths = ["out/deep/x", "in/x", "records/x", "lib/deep/x", "new/x", "out-file"]
    assert astray(str(prefix), paths) == ["out", "records"]
