"""Which cell it was, by the time at which something happened."""

from __future__ import annotations

import time
from types import SimpleNamespace

from bootstrap.cells import note_end, note_start, source_at


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
