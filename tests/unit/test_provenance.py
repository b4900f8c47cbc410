"""Who changed what, and when: cells and installations by their times, and by their words where no time is known."""

from __future__ import annotations

import json
import linecache
import os
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap.diagnosis.model import Dist
from bootstrap.provenance import (
    Cell,
    Installation,
    ago,
    asks_for,
    bursts,
    cell_at,
    cells,
    exit_status,
    install_lines,
    note_end,
    note_start,
    together,
    told_with_cell,
)

if TYPE_CHECKING:
    from pathlib import Path

NOON = 1_750_000_000.0


def shell_with(*sources: str, **names: object) -> Any:
    return SimpleNamespace(history_manager=SimpleNamespace(input_hist_raw=["", *sources]), user_ns=names)


def test_a_moment_belongs_to_the_cell_that_ran_then_or_to_none() -> None:
    shell = shell_with("before anybody watched")
    sources = shell.history_manager.input_hist_raw
    moments = [time.time()]
    time.sleep(0.02)
    for source in ("first", "second", "under way"):
        note_start(shell)
        sources.append(source)
        moments.append(time.time())
        if source != "under way":
            note_end(shell)
            time.sleep(0.02)
            moments.append(time.time())
            time.sleep(0.02)

    def at(moment: float) -> str | None:
        # What nobody noted is asked for its words, and what was noted is not.
        found = cell_at(cells(shell), moment, [one("a")], lambda _: ["pip install a"])
        return found and found.source

    expected = ["before anybody watched", "first", None, "second", None, "under way"]
    assert [at(moment) for moment in moments] == expected
    assert [cell.number for cell in cells(shell)] == [1, 2, 3, 4]


def test_a_cell_whose_beginning_nobody_noted_is_not_known() -> None:
    shell = shell_with("one")
    note_end(shell)
    assert cell_at(cells(shell), time.time()) is None


def test_a_shell_that_nobody_watched() -> None:
    assert cells(SimpleNamespace()) == cells(None) == []


def test_how_a_cell_ended() -> None:
    shell = shell_with()

    def run(source: str, *, code: int | None = None, success: bool = True) -> int:
        note_start(shell)
        shell.history_manager.input_hist_raw.append(source)
        if code is not None:
            shell.user_ns["_exit_code"] = code
        note_end(shell, SimpleNamespace(success=success))
        return exit_status(shell)

    assert [run("!false", code=1), run("x = 1"), run("!true", code=0), run("1 / 0", success=False)] == [1, 0, 0, 0]
    assert [cell.failed for cell in cells(shell)] == [True, False, False, True], "a status of before is no outcome"


def one(name: str, at: float = NOON, version: str = "1.0", url: str = "", **more: Any) -> Installation[Dist]:
    return Installation(Dist(name, version), at, url=url, **more)


def test_of_commands_before_anybody_watched_the_last_that_asks() -> None:
    texts = ["!pip install a", "!pip install a b", "!pip install -qr list.txt", "!pip install c", "print('a')"]
    ran = [*(Cell(number, text) for number, text in enumerate(texts, 1)), Cell(6, "!pip install d", NOON, NOON + 1)]
    assert cell_at(ran, NOON - 1, [one("a")]) is ran[1]
    assert cell_at(ran, NOON - 1, [one("c"), one("a")]) is ran[3]
    assert cell_at(ran, NOON - 1, [one("e")]) is ran[2], "a list may hold anything"
    assert cell_at(ran, NOON - 1) is None
    assert cell_at(ran, NOON + 0.5, [one("a")]) is ran[5], "time decides, not words"
    assert cell_at(ran, NOON + 2, [one("a")]) is None, "a terminal's doing"


@pytest.mark.parametrize(
    ("command", "asks"),
    [
        ("pip install numpy", True),
        ("pip install -q 'NumPy[x]>=2.0,<3'", True),
        ("pip install numpy==2.0.2", True),
        ("pip install numpy==1.26.4", False),
        ("pip install numpy-financial pandas", False),
        ("pip install /tmp/numpy-2.0.2-cp312.whl", False),
    ],
)
def test_what_came_from_an_index_was_asked_for_by_name(command: str, asks: bool) -> None:
    assert asks_for(command, one("numpy", version="2.0.2")) is asks


@pytest.mark.parametrize(
    ("url", "command", "asks"),
    [
        ("file:///tmp/numpy-2.0.2-cp312.whl", "pip install --no-deps /tmp/numpy-2.0.2-cp312.whl", True),
        ("file:///tmp/numpy-2.0.2-cp312.whl", "pip install numpy==2.0.2", False),
        ("https://github.com/numpy/numpy", "pip install git+https://github.com/numpy/numpy@main", True),
        ("https://github.com/numpy/numpy", "pip install six", False),
        ("file:///content/mine", "pip install -e .", True),
        ("file:///content/mine", "pip install numpy", False),
    ],
)
def test_what_came_from_an_address_was_asked_for_by_it(url: str, command: str, asks: bool) -> None:
    assert asks_for(command, one("numpy", version="2.0.2", url=url)) is asks


def test_lines_that_install() -> None:
    source = "# !pip install a\nx = 1\n!pip install \\\n  b\n%conda remove c\nprint('pip')\n"
    assert install_lines(source) == ["!pip install    b", "%conda remove c"]
    assert str(Cell(4, source)) == "cell 4: `!pip install    b`"
    assert str(Cell(5, "a = 1\n\nb = 2")) == "cell 5: `a = 1 / b = 2`"


def test_installations_in_goes() -> None:
    found = [one(f"p{n}", NOON + at) for n, at in enumerate((0, 15, 30, 100, 105))]
    assert [[i.dist.name for i in burst] for burst in bursts(reversed(found))] == [["p0", "p1", "p2"], ["p3", "p4"]]
    assert [i.dist.name for i in together(found, NOON + 31)] == ["p0", "p1", "p2"]
    assert together(found, NOON + 60) == []
    assert [i.dist.name for i in together(found, NOON + 15, Cell(1, "", NOON + 10, NOON + 20))] == ["p1"]


def test_an_installation_is_dated_by_its_record(tmp_path: Path) -> None:
    """pip and uv write RECORD; conda and who unpacks an archive keep the archive's times, and 1980 is none."""
    info = tmp_path / "a-1.0.dist-info"
    info.mkdir()

    def read(installer: str, record: float) -> float:
        (info / "RECORD").touch()
        os.utime(info / "RECORD", (record, record))
        (info / "INSTALLER").write_text(f"{installer}\n")
        found = Installation.read(Dist("a", "1.0"), info)
        assert found is not None
        assert abs(found.changed - time.time()) < 60
        return found.at

    assert read("pip", NOON) == read("uv", NOON) == NOON
    for installer, record in (("conda", NOON), ("", NOON), ("pip", 315_532_800.0)):
        assert abs(read(installer, record) - time.time()) < 60
    (info / "RECORD").unlink()
    os.utime(info / "INSTALLER", (NOON, NOON))
    assert Installation.read(Dist("a", "1.0"), info).at > NOON, "it isn't RECORD"
    assert Installation.read(Dist("a", "1.0"), tmp_path / "gone") is None


@pytest.mark.parametrize(
    ("text", "url"),
    [("", ""), ("no json", ""), ("[1]", ""), (json.dumps({"url": "https://x.y/a.whl"}), "https://x.y/a.whl")],
)
def test_where_an_installation_came_from(tmp_path: Path, text: str, url: str) -> None:
    (tmp_path / "direct_url.json").write_text(text)
    assert Installation.read(Dist("a", "1.0"), tmp_path).url == url


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (5, "less than a minute ago"),
        (59.9, "less than a minute ago"),
        (61, "1 minute ago"),
        (245, "4 minutes ago"),
        (7300, "2 hours ago"),
        (86400, "1 day ago"),
        (3 * 86400, "3 days ago"),
    ],
)
def test_how_long_ago(seconds: float, told: str) -> None:
    assert ago(seconds) == told


CELLS = [
    "",
    "import numpy as np\nnp.dot = lambda a, b: 0",
    "numpy.pi == 3",
    "setattr(numpy, 'sqrt', numpy.cbrt)",
    'sys.modules["numpy"] = mock',
    "def put(name, to): vars(numpy)[name] = to",
]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("numpy.dot comes from a file", "; cell 1 has `np.dot = lambda a, b: 0`"),
        (
            "numpy.sqrt is ufunc numpy.cbrt, a fresh process has another",
            "; cell 3 has `setattr(numpy, 'sqrt', numpy.cbrt)`",
        ),
        ("sys.modules['numpy'] is a mock", '; cell 4 has `sys.modules["numpy"] = mock`'),
        ("numpy.pi is 3", ""),
        ("numpy.ones comes from /tmp/ipykernel_1/2.py", ", which is cell 5"),
    ],
)
def test_what_a_cell_has_put_in_numpys_place(line: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code = [f"{line}\n" for line in CELLS[5].splitlines()]
    monkeypatch.setitem(linecache.cache, "/tmp/ipykernel_1/2.py", (1, None, code, ""))
    shell = shell_with(*CELLS[1:])
    assert told_with_cell(shell, line) == line + told
    assert told_with_cell(None, line) == line
