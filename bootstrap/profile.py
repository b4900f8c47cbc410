"""Where the time goes: spans of work of this process and of those that it starts, as a table and as a trace.

Off unless `recording` is entered: a `span` then costs one comparison. Every process appends the spans that it ends to
one file, whose name its children get in a variable; all read the same clock, Linux's CLOCK_MONOTONIC. The trace has
Chrome's trace event format, which Perfetto (ui.perfetto.dev) and speedscope open.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "CONDACOLAB_BOOTSTRAP_PROFILE"
"""The file that a process's spans are appended to; unset where nothing is recorded."""

_PROGRAMS = {
    "bootstrap.__main__": "bootstrap",
    "bootstrap.runtime._child_condacolab": "condacolab",
    "-c": "engine",
    "colab_kernel_launcher": "notebook",
    "ipykernel_launcher": "notebook",
}

_FIRST_LANE = 1 << 22
"""No process or thread of Linux has a higher number; viewers show the lowest first."""

_file = os.environ.get(VARIABLE, "")


@dataclass(frozen=True)
class Span:
    """Work between two moments."""

    name: str
    process: str
    """The part of the program that did it."""
    start: float
    """Seconds since the recording began; negative for what was before."""
    seconds: float
    """Wall time."""


@dataclass
class Profile:
    """What was recorded, once its `recording` has ended."""

    spans: tuple[Span, ...] = field(default=())
    """The stages, in the order in which they began; the trace has parts of them as well."""
    file: Path | None = None
    """The trace."""

    def lines(self) -> list[str]:
        """A table: when each stage began, how long it took, and what it was. Stages may overlap."""
        rows = [f"{span.start:8.2f} {span.seconds:8.2f}  {span.process}: {span.name}" for span in self.spans]
        return ["   began     took  stage (seconds; stages overlap)", *rows]

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON-ready data."""
        return {"stages": [vars(span) for span in self.spans], "file": self.file and str(self.file)}


@contextmanager
def recording(profile: Profile | None, file: Path | None = None) -> Iterator[None]:
    """Records what this process and its children do in the block.

    Args:
        profile: Receives what was recorded; None records nothing.
        file: Where to write the trace; None for the stages alone.

    Raises:
        OSError: The file can't be written.
    """
    global _file
    if profile is None:
        yield
        return
    if file is not None:
        file = file.absolute()
        file.touch()  # so that it fails before the work
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="condacolab-bootstrap-profile-") as folder:
        before, _file = _file, f"{folder}/events"
        try:
            yield
        finally:
            events, _file = _read(Path(_file)), before
    profile.spans = tuple(
        Span(
            event["name"], event["args"]["process"], round(event["ts"] / 1e6 - began, 3), round(event["dur"] / 1e6, 3)
        )
        for event in events
        if event["cat"] == "stage"
    )
    profile.file = file
    if file is not None:
        file.write_text(json.dumps({"traceEvents": [*_in_lanes(events), *_names(events)], "displayTimeUnit": "ms"}))


@contextmanager
def span(name: str, *, part: bool = False) -> Iterator[None]:
    """Records how long the block takes, however it ends.

    Args:
        name: What is done.
        part: Whether it belongs into the trace alone, as a part of a stage.
    """
    if not _file:
        yield
        return
    began = time.monotonic()
    try:
        yield
    finally:
        add(name, began, part=part)


def add(name: str, began: float, *, part: bool = False, lanes: str = "") -> None:
    """Records what began at a moment of ``time.monotonic`` and ends now.

    Args:
        name: What was done.
        began: The moment.
        part: As of `span`.
        lanes: What it is one of, if such spans overlap: the trace shows them side by side, not with this thread's.
    """
    if not _file:
        return
    event = {
        "name": name,
        "cat": "part" if part else "stage",
        "ph": "X",
        "ts": round(began * 1e6),
        "dur": round((time.monotonic() - began) * 1e6),
        "pid": os.getpid(),
        "tid": threading.get_native_id(),
        "args": {"process": _process(), **({"lanes": lanes} if lanes else {})},
    }
    # One write of a line, which others that append don't tear apart.
    with open(_file, "a", encoding="utf-8") as file:  # noqa: PTH123 (imported by the engine, which waits for it)
        file.write(json.dumps(event) + "\n")


def variables() -> dict[str, str]:
    """What a child process needs among its variables for its spans to be recorded, too."""
    return {VARIABLE: _file} if _file else {}


def _process() -> str:
    """This process, for people: which part of the program it runs."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    program = spec.name if spec else Path(sys.argv[0]).stem
    return _PROGRAMS.get(program, program)


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        lines = file.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    # Another process may be about to write the rest of the last one.
    return sorted(
        (json.loads(line) for line in lines if line.endswith(b"\n")), key=lambda event: (event["ts"], -event["dur"])
    )


def _in_lanes(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The spans, each in a lane, which has a thread's number, where it overlaps with none or lies within another.

    A viewer takes what overlaps in one lane for calls in each other. Spans of a thread nest, but for one that ends as
    the next begins.
    """
    numbers = count(_FIRST_LANE)
    lanes: dict[tuple[int, str], list[tuple[int, list[int]]]] = {}
    out = []
    for event in events:
        group = event["args"].get("lanes", "")
        beside = lanes.setdefault((event["pid"], group or str(event["tid"])), [])
        begins, ends = event["ts"], event["ts"] + event["dur"]
        for lane in beside:
            open_ends = lane[1]
            while open_ends and open_ends[-1] <= begins:
                open_ends.pop()
            if not open_ends or (not group and ends <= open_ends[-1]):
                break
        else:
            lane = (next(numbers) if group or beside else event["tid"], [])
            beside.append(lane)
        lane[1].append(ends)
        out.append({**event, "tid": lane[0]})
    return out


def _names(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The names of processes, as the format has them."""
    named = {event["pid"]: event["args"]["process"] for event in events}
    return [{"name": "process_name", "ph": "M", "pid": pid, "args": {"name": name}} for pid, name in named.items()]
