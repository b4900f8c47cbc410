"""What is loaded in a process, against what lies on disk: the parts, without a whole environment."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootstrap import processes
from bootstrap.health import LIVE_CATALOGUE
from bootstrap.health.live import mappings, modules, pending_imports

if TYPE_CHECKING:
    import types

MAPS = """\
7f0000000000-7f0000001000 r--p 00000000 fe:01 10                         /e/numpy/_core/x.so
7f0000001000-7f0000002000 r-xp 00001000 fe:01 10                         /e/numpy/_core/x.so
7f0000003000-7f0000004000 r-xp 00001000 fe:01 11                         /e/~umpy/_core/y y.so (deleted)
7f0000005000-7f0000006000 r-xp 00000000 00:00 0                          [vdso]
7f0000007000-7f0000008000 r-xp 00000000 fe:01 12                         /e/bin/python3
"""


def test_mappings_are_read() -> None:
    first, second = mappings.read_mappings(MAPS)
    assert (first.path, first.offset, first.device, first.inode, first.deleted) == (
        "/e/numpy/_core/x.so", 0x1000, (0xFE, 1), 10, False,
    )  # fmt: skip
    assert (second.name, second.path, second.deleted) == ("y y.so", "/e/~umpy/_core/y y.so", True)


SOURCE = """
LIMIT = {3}
def one(x):
    return x in {'a', 'b', 'c'}
class Two:
    def m(self):
        return 1
"""


def imported(path: Path, source: str) -> types.ModuleType:
    path.write_text(source)
    spec = importlib.util.spec_from_file_location("loaded_for_a_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("after", "state"),
    [
        (SOURCE, "same"),
        (SOURCE + "\nLATER = 1\n", "same"),
        (SOURCE.replace("return 1", "return 2"), "differs"),
        (SOURCE.replace("def one(x)", "def one(y, x=0)"), "differs"),
        ("this is no Python", "differs"),
        (None, "removed"),
    ],
)
def test_state_of_a_loaded_module(after: str | None, state: str, tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    module = imported(path, SOURCE)
    path.unlink() if after is None else path.write_text(after)
    assert modules.state_of(module) == state


def test_a_module_without_functions_says_nothing(tmp_path: Path) -> None:
    assert modules.state_of(imported(tmp_path / "m.py", "x = 1\n")) == "unknown"


def test_times(tmp_path: Path) -> None:
    start = processes.began()
    assert start - 2 < time.time()
    assert time.time() - start < 86400
    path = tmp_path / "new"
    path.touch()
    assert modules.changed_since(str(path), start)
    assert not modules.changed_since(str(path), time.time() + 60)
    assert modules.changed_since(str(tmp_path / "none"), start)


def test_forecast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "numpy"
    (root / "_core").mkdir(parents=True)
    for name in ("__init__", "_core/__init__", "_core/umath"):
        (root / f"{name}.py").write_text("")
    (root / "strings.py").write_text("from numpy._core.umath import add, _center\nfrom numpy._core import later\n")
    (root / "fine.py").write_text("from ._core.umath import add\n")
    (root / "_core" / "later.py").write_text("")
    umath = imported(tmp_path / "umath.py", "def add(): pass\n")
    for name in ("numpy", "numpy._core", "numpy._core.umath"):
        monkeypatch.setitem(sys.modules, name, umath)
    expected = ["import numpy.strings: cannot import name '_center' from 'numpy._core.umath'"]
    assert pending_imports.failing_imports(root) == expected


def test_every_question_is_explained() -> None:
    for name, check in LIVE_CATALOGUE.items():
        assert check.explanation and check.catches and check.cost_ms > 0, name
