"""Spans of several processes, as a table and as a trace."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from bootstrap import profile
from bootstrap.profile import Profile, recording, span
from tests.support import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_CHILD = "from bootstrap.profile import span\nwith span('of a child'): pass"


def test_stages_are_told_and_parts_are_in_the_trace_alone(tmp_path: Path) -> None:
    made, trace = Profile(), tmp_path / "trace.json"
    with recording(made, trace):
        profile.add("before", time.monotonic() - 2)
        with span("first"), span("a part", part=True):
            time.sleep(0.02)
        with pytest.raises(ZeroDivisionError), span("second"):
            _ = 1 / 0
    assert [stage.name for stage in made.spans] == ["before", "first", "second"]
    assert made.spans[0].start == pytest.approx(-2, abs=0.1)
    assert 0.02 <= made.spans[1].seconds < 1
    assert [line.rsplit(": ")[-1] for line in made.lines()[1:]] == ["before", "first", "second"]
    events = json.loads(trace.read_text())["traceEvents"]
    assert {event["name"] for event in events} == {"before", "first", "a part", "second", "process_name"}
    times = [(event["ts"], event["dur"], event["pid"], event["tid"]) for event in events if event["ph"] == "X"]
    assert times == sorted(times)
    assert made.to_dict()["file"] == str(trace)


def test_the_trace_shows_side_by_side_what_overlaps(tmp_path: Path) -> None:
    began = time.monotonic()
    with recording(Profile(), tmp_path / "trace.json"):
        with span("outer"), span("inner"):
            time.sleep(0.01)
        profile.add("ends as the next begins", began)
        profile.add("fetch a", began - 3, lanes="fetch")
        profile.add("fetch b", began - 2, lanes="fetch")
        profile.add("fetch c", began - 1, lanes="fetch")
        time.sleep(0.01)
        profile.add("fetch d", time.monotonic(), lanes="fetch")
    events = [e for e in json.loads((tmp_path / "trace.json").read_text())["traceEvents"] if e["ph"] == "X"]
    lanes: dict[int, list[tuple[int, int, str]]] = {}
    for event in events:
        lanes.setdefault(event["tid"], []).append((event["ts"], event["ts"] + event["dur"], event["name"]))
    fetches = [[name for *_, name in spans] for spans in lanes.values() if "fetch" in spans[0][2]]
    assert sorted(fetches) == [["fetch a", "fetch d"], ["fetch b"], ["fetch c"]]
    assert {"outer", "inner"} <= {name for *_, name in lanes[threading.get_native_id()]}
    for spans in lanes.values():
        for (_, first_ends, _), (begins, ends, _) in combinations(sorted(spans, key=lambda s: (s[0], -s[1])), 2):
            assert begins >= first_ends or ends <= first_ends


def test_a_childs_spans_are_among_them(tmp_path: Path) -> None:
    made = Profile()
    with recording(made), span("of its parent"):
        subprocess.run([sys.executable, "-c", _CHILD], env=profile.variables(), cwd=ROOT, check=True)
    assert [stage.name for stage in made.spans] == ["of its parent", "of a child"]
    assert made.spans[1].start + made.spans[1].seconds <= made.spans[0].seconds + 0.1


def test_a_line_that_is_still_being_written_is_left_out() -> None:
    made = Profile()
    with recording(made):
        with span("whole"):
            pass
        with open(profile.variables()[profile.VARIABLE], "a") as file:
            file.write('{"name": "of a process that goes on')
    assert [stage.name for stage in made.spans] == ["whole"]


def test_nothing_is_recorded_unless_asked(tmp_path: Path) -> None:
    with recording(None, tmp_path / "trace.json"), span("anything"):
        profile.add("anything", time.monotonic())
    assert profile.variables() == {}
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_can_not_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"), recording(Profile(), tmp_path / "nowhere/trace.json"):
        pytest.fail("the work began")
