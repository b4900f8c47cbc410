"""The small helpers of `bootstrap._util`."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.utils import canonicalize_name

from bootstrap._util.atomic import cleared_beside, name_beside, replacing, write_atomically
from bootstrap._util.listing import capped, joined
from bootstrap._util.names import build_number, canonical_name
from bootstrap.maintain import solver
from bootstrap.prefix import _child_engine


@pytest.mark.parametrize("name", ["numpy", "Scikit_Learn", "zope.interface", "a-._b", "PyYAML"])
def test_names_are_spelled_as_packaging_spells_them(name: str) -> None:
    assert canonical_name(name) == canonicalize_name(name)


@pytest.mark.parametrize(
    ("build", "number"),
    [
        ("py313h6bc0ddf_1", 1),
        ("h0_0_cp313", 0),
        ("hb101c97_101_cp313", 101),
        ("h3e48024_9_cpu", 9),
        ("cuda129_mkl_py313_h1_304", 304),
        ("20_linux64_mkl", 20),
        ("2_kmp_llvm", 2),
        ("custom", 0),
    ],
)
def test_a_build_number_is_the_same_for_the_engine_and_the_solver(build: str, number: int) -> None:
    assert build_number(build) == number
    locked = {
        "name": "x",
        "version": "1",
        "build": build,
        "subdir": "linux-64",
        "depends": (),
        "sha256": "ab" * 32,
        "md5": None,
        "size": None,
        "channel": "https://x/c",
        "url": f"https://x/c/linux-64/x-1-{build}.conda",
    }
    filename = f"x-1-{build}.conda"
    assert _child_engine.to_record({**locked, "fn": filename}).build_number == number
    assert solver._record(SimpleNamespace(**locked, filename=filename)).build_number == number


def test_long_lists_are_cut() -> None:
    assert capped(["a", "b"], 2) == ["a", "b"]
    assert capped(["a", "b", "c"], 2, "more lines") == ["a", "b", "and 1 more lines"]
    assert capped(["a", "b", "c"], None) == ["a", "b", "c"]
    assert joined(["a", "b", "c"], 2) == "a, b and 1 more"
    assert joined(("a", "b"), None) == "a, b"


@pytest.mark.parametrize("shared", [False, True])
def test_a_file_is_replaced_whole_or_not_at_all(shared: bool, tmp_path: Path) -> None:
    path = tmp_path / "deep/file"
    write_atomically(path, "old", mode=0o640, shared=shared)
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(ZeroDivisionError), replacing(path, shared=shared) as beside:
        beside.write_text("half")
        assert path.read_text() == "old"
        _ = 1 / 0
    assert path.read_text() == "old"
    write_atomically(path, b"new", shared=shared, durable=False)
    assert [file.read_text() for file in path.parent.iterdir()] == ["new"]


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    name_beside(path).write_text("half")
    assert cleared_beside(path) == name_beside(path)
    assert list(tmp_path.iterdir()) == []
