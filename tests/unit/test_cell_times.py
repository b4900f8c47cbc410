"""Which cell it was, by the time at which something happened."""

from __future__ import annotations

import linecache
import time
from types import SimpleNamespace

import pytest

from bootstrap.cell_times import note_end, note_start, source_at, told_with_cell


def test_a_moment_belongs_to_the_cell_that_ran_then_or_to_none() -> None:
    sources = [""]
    shell = SimpleNamespace(history_manager=SimpleNamespace(input_hist_raw=sources))
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
    assert [source_at(shell, moment) for moment in moments] == [None, "first", None, "second", None, "under way"]


def test_a_cell_whose_beginning_nobody_noted_is_not_known() -> None:
    shell = SimpleNamespace(history_manager=SimpleNamespace(input_hist_raw=["", "one"]))
    moment = time.time()
    note_end(shell)
    assert source_at(shell, moment) is None


def test_a_shell_that_nobody_watched() -> None:
    assert source_at(SimpleNamespace(), time.time()) is None
    assert source_at(None, time.time()) is None


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
    shell = SimpleNamespace(history_manager=SimpleNamespace(input_hist_raw=CELLS))
    assert told_with_cell(shell, line) == line + told
    assert told_with_cell(None, line) == line
