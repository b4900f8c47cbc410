"""What a live runtime still shows of its past."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from bootstrap.diagnosis import evidence
from bootstrap.diagnosis.evidence import Kernel, find_kernel, gather
from bootstrap.diagnosis.model import Dist
from tests.unit.diagnosis import built

NOON = 1_750_000_000.0


def install(site: Path, name: str, at: float, version: str = "1.0") -> Dist:
    """A distribution whose record was written at that time."""
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "INSTALLER").write_text("pip\n")
    (info / "RECORD").touch()
    os.utime(info / "RECORD", (at, at))
    return Dist(name, version, path=str(info))


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """This process as a notebook's kernel: its history can be set."""
    cells = [""]
    history = SimpleNamespace(input_hist_raw=cells)
    shell = SimpleNamespace(kernel=object(), history_manager=history)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "numpy", SimpleNamespace(__version__="2.0.2"))
    return SimpleNamespace(cells=cells, shell=shell)


def test_goes_and_what_came_last(tmp_path: Path) -> None:
    dists = [install(tmp_path, f"p{n}", NOON + at) for n, at in enumerate((0, 15, 30, 100, 200, 300, 400, 500))]
    unknown = Dist("nowhere", "1.0", path=str(tmp_path / "gone"))
    found = gather(built.target(*reversed(dists), unknown, Dist("planned", "1")), None)
    assert found.kernel is None
    assert [[i.dist.name for i in burst] for burst in found.bursts] == [["p3"], ["p4"], ["p5"], ["p6"], ["p7"]]
    assert gather(built.target(*dists[:4]), None).bursts[0][2].at == NOON + 30, "each within 20 s of the one before"


def test_only_what_came_since_the_kernel_began(tmp_path: Path, kernel: SimpleNamespace) -> None:
    old, new = install(tmp_path, "old", NOON), install(tmp_path, "new", time.time() + 1)
    found = gather(built.target(old, new), None)
    assert [[i.dist.name for i in burst] for burst in found.bursts] == [["new"]]


def test_records_of_numpy(tmp_path: Path) -> None:
    dists = [install(tmp_path, "numpy", NOON, version) for version in ("1.26.4", "2.3.4")]
    install(tmp_path, "numpy-financial", NOON)
    place = replace(built.target(*dists), packages=(tmp_path,))
    found = gather(place, None)
    assert [Path(path).name for path in found.records] == ["numpy-1.26.4.dist-info", "numpy-2.3.4.dist-info"]
    assert found.numpy.dist.version == "1.26.4"


def test_what_pips_log_says(tmp_path: Path) -> None:
    log = tmp_path / "pip.log"
    log.write_text(
        "2025 Collecting a\n2025 Successfully installed a-1.0\n" + "x" * 300_000 + "\nSuccessfully installed b-2\n"
    )
    assert gather(built.target(), log).log == ("Successfully installed b-2",), "of a long one the end"
    assert gather(built.target(), tmp_path / "none").log == ()


def test_this_process_may_be_the_kernel(kernel: SimpleNamespace) -> None:
    found = find_kernel()
    assert (found.pid, found.numpy_memory, found.deleted) == (os.getpid(), "2.0.2", ())
    assert found.began <= time.time() + 1
    del kernel.shell.kernel
    assert find_kernel() is None, "a shell without a kernel is a terminal's"


def test_commands_in_the_history(kernel: SimpleNamespace) -> None:
    kernel.cells += ["import numpy", "!pip install -q alone", "", "exit()"]
    found = gather(built.target(), None)
    assert [(e.cell, e.text) for e in found.events] == [(2, "pip install -q alone"), (4, "exit()")]
    assert [cell.number for cell in found.cells] == [1, 2, 3, 4]


@pytest.mark.parametrize(("began", "found"), [(0, [(1, "pip install a")]), (3600, [])])
def test_the_stored_history_of_the_newest_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, began: int, found: list[tuple[int, str]]
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setattr(evidence, "find_kernel", lambda: Kernel(1, NOON + began, None, ()))
    (tmp_path / "profile_default").mkdir()
    with sqlite3.connect(tmp_path / "profile_default/history.sqlite") as database:
        database.execute("CREATE TABLE sessions (session INTEGER, start TEXT)")
        database.execute("CREATE TABLE history (session INTEGER, line INTEGER, source_raw TEXT)")
        start = time.strftime("%Y-%m-%d %H:%M:%S.123456", time.localtime(NOON))
        database.executemany("INSERT INTO sessions VALUES (?, ?)", [(1, start), (2, start)])
        database.executemany("INSERT INTO history VALUES (?, 1, ?)", [(1, "!pip install old"), (2, "!pip install a")])
    database.close()
    assert [(e.cell, e.text) for e in gather(built.target(), None).events] == found
