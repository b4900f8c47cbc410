"""The likely story of a runtime, told from what it still shows; every line of it says how sure it is."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap import provenance
from bootstrap._util.data import as_data, fields_of
from bootstrap.card import Card, Judged
from bootstrap.diagnosis.dependency_graph import Graph
from bootstrap.diagnosis.evidence import Evidence, Installed, gather, stamp
from bootstrap.diagnosis.model import NUMPY_NAME, SCHEMA, Dist, Verdict
from bootstrap.diagnosis.settings import pip_settings
from bootstrap.diagnosis.stale_symptoms import first_symptom
from bootstrap.diagnosis.target import examine
from bootstrap.hints import command
from bootstrap.prefix.locked import next_step
from bootstrap.provenance import cell_at, together

if TYPE_CHECKING:
    from bootstrap.diagnosis.target import Target

_SHOWN = 8


@dataclass(frozen=True)
class HistoryEntry:
    """One line of a story."""

    text: str
    likely: bool = False
    """A conclusion; otherwise it was seen."""


@dataclass(frozen=True, repr=False)
class History(Judged):
    """What has happened in a runtime, as far as it can be told."""

    python: str
    memory: str | None
    """The numpy that the kernel has loaded; None where there is no kernel, or it can't be seen."""
    disk: str | None
    lines: tuple[HistoryEntry, ...]
    evidence: Evidence

    @property
    def verdict(self) -> Verdict:
        """Broken: the kernel's numpy isn't the one on disk. Doubtful: there is none, or more than one."""
        deleted = bool(self.evidence.kernel and self.evidence.kernel.deleted)
        if (self.memory is not None and self.memory != self.disk) or deleted:
            return "broken"
        return "doubtful" if len(self.evidence.records) > 1 or self.disk is None else "ok"

    def to_card(self, *, everything: bool) -> Card:
        """The story for people; with everything, all that was installed, too."""
        bursts = self.evidence.bursts if everything else ()
        return Card(
            title=self.headline,
            verdict=self.verdict,
            about=self.python,
            rows=tuple(("likely" if line.likely else "seen", line.text) for line in self.lines),
            parts=tuple(Card(word=stamp(burst[0].at), details=tuple(map(_told, burst))) for burst in bursts),
            next=self._advice(),
        )

    @property
    def headline(self) -> str:
        """The verdict in a sentence."""
        if self.memory and self.disk != self.memory:
            return f"the kernel has numpy {self.memory} loaded, on disk is {self.disk or 'none'}"
        if self.evidence.kernel and self.evidence.kernel.deleted:
            return f"the kernel has files of numpy loaded that are no longer on disk (there is {self.disk or 'none'})"
        if len(self.evidence.records) > 1:
            return f"numpy has {len(self.evidence.records)} records on disk"
        if self.disk is None:
            return "there is no numpy"
        if self.evidence.kernel is None:
            return f"numpy {self.disk} on disk; no kernel found"
        return f"numpy {self.disk}; no sign of a problem"

    def _advice(self) -> str:
        """What to do."""
        if self.verdict == "ok":
            return "bootstrap check verifies the files themselves"
        in_cell = provenance.shell() is not None
        if len(self.evidence.records) > 1:
            repair = "bootstrap.check(repair=True)" if in_cell else command("check", "repair", python=self.python)
            return f"two versions are installed over each other: `{repair}` leaves one"
        prefix = Path(self.python).absolute().parents[1]
        return next_step(prefix, memory=self.memory or "", disk=self.disk or "", in_cell=in_cell)

    def to_dict(self) -> dict[str, Any]:
        """The story as JSON-ready data."""
        kernel = self.evidence.kernel
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            **fields_of(self, "lines", "evidence"),
            "kernel": None if kernel is None else {"pid": kernel.pid, "began": stamp(kernel.began)},
            "story": as_data(self.lines),
            "installed": [[_as_dict(item) for item in burst] for burst in self.evidence.bursts],
            "commands": [{"cell": e.cell, "text": e.text} for e in self.evidence.events],
            "pip_log": list(self.evidence.log),
        }


def _as_dict(item: Installed) -> dict[str, Any]:
    return {
        "name": item.dist.name,
        "version": item.dist.version,
        "at": stamp(item.at),
        "installer": item.installer or None,
        "requested": item.requested,
        "direct_url": item.dist.direct_url,
    }


def reconstruct_history(*, python: Path | str | None = None) -> History:
    """Reconstructs what was installed in this runtime.

    Args:
        python: The interpreter whose packages are looked at; the running one unless given.

    Raises:
        InterpreterError: It can't be asked.
    """
    target = examine(Path(python or sys.executable).absolute())
    log = pip_settings(target.python).get("log")
    return conclude(target, gather(target, Path(log) if log else None))


def conclude(target: Target, evidence: Evidence) -> History:
    """The story that evidence of an interpreter comes to."""
    disk = evidence.numpy.dist.version if evidence.numpy else None
    memory = evidence.kernel.numpy_memory if evidence.kernel else None
    lines = _lines(target, evidence, memory, disk)
    return History(str(target.python), memory, disk, tuple(lines), evidence)


def _lines(target: Target, evidence: Evidence, memory: str | None, disk: str | None) -> list[HistoryEntry]:
    lines = []
    kernel = evidence.kernel
    if kernel is not None:
        loaded = f"numpy {memory} loaded" if memory else "an unknown numpy (not visible from outside)"
        lines.append(HistoryEntry(f"the kernel (process {kernel.pid}) began {stamp(kernel.began)} and has {loaded}"))
        if kernel.deleted:
            count = len(kernel.deleted)
            lines.append(
                HistoryEntry(f"{count} files of numpy that it has loaded have been deleted, e.g. {kernel.deleted[0]}")
            )
    if len(evidence.records) > 1:
        lines.append(HistoryEntry(f"numpy has several records: {', '.join(evidence.records)}"))
    if evidence.numpy is not None:
        lines.append(HistoryEntry(f"on disk: {_told(evidence.numpy)}"))
        lines += _numpy_lines(target, evidence, evidence.numpy, memory)
    for line in evidence.log[-3:]:
        lines.append(HistoryEntry(f"pip's log: {line}"))
    failed = {cell.number for cell in evidence.cells if cell.failed}
    for event in evidence.events[-_SHOWN:]:
        outcome = " (it failed)" if event.cell in failed else ""
        lines.append(HistoryEntry(f"history, cell {event.cell}: {event.text}{outcome}"))
    if memory and disk and memory != disk and (symptom := first_symptom(memory, disk)):
        lines.append(HistoryEntry(f"first symptom: {symptom}", likely=True))
    return lines


def _told(item: Installed) -> str:
    """A distribution, when and how it came."""
    how = "installed by name" if item.requested else "as a dependency"
    source = f", from {item.url}" if item.url else ""
    return f"{item}, written {stamp(item.at)} by {item.installer or 'an unknown installer'}, {how}{source}"


def _numpy_lines(target: Target, evidence: Evidence, numpy: Installed, memory: str | None) -> list[HistoryEntry]:
    """Who is likely to have brought the numpy on disk: what came with it, and needs what memory doesn't have."""
    kernel = evidence.kernel
    began = kernel.began if kernel is not None else 0.0
    # One that was put there with its old times, by a copy for instance, has come since all the same.
    came = numpy.at if numpy.at >= began else numpy.changed
    if came < began or (not any(numpy in burst for burst in evidence.bursts) and came == numpy.at):
        text = "numpy on disk is older than the kernel: nothing has moved it since"
        return [HistoryEntry(text, likely=kernel is not None)]
    cell = cell_at(evidence.cells, came)
    burst = together((item for burst in evidence.bursts for item in burst), came, cell)
    lines = []
    company = [i for i in burst if i.dist.key != NUMPY_NAME]
    asked = [i for i in burst if i.requested]
    if asked:
        names = ", ".join(str(i) for i in asked[:_SHOWN])
        lines.append(HistoryEntry(f"written at the same time, installed by name: {names}"))
    brought: set[str] = set()
    if memory and memory != numpy.dist.version and company:
        forced, brought = _forced(target, company, memory, numpy.dist.version)
        lines += forced
    if numpy.requested and not brought:
        lines.append(HistoryEntry("a command named numpy directly (an upgrade, or --force-reinstall)", likely=True))
        brought = {NUMPY_NAME}
    commands = [event for event in evidence.events if event.command is not None and not event.never]
    cell = cell_at(
        evidence.cells,
        came,
        (item for item in burst if item.dist.key in brought),
        lambda cell: [event.text for event in commands if event.cell == cell.number],
    )
    return [*lines, *([HistoryEntry(f"it was {cell}", likely=True)] if cell else [])]


def _forced(target: Target, company: list[Installed], memory: str, disk: str) -> tuple[list[HistoryEntry], set[str]]:
    """Which of those installed along with numpy shut out the version before, and what asked for these."""
    after = [i.dist for i in company]
    roots = [i.dist for i in company if i.requested] or after
    graph = Graph([*after, Dist(NUMPY_NAME, disk)], target.markers)
    chains = graph.chains([f"{d.name}=={d.version}" for d in roots], NUMPY_NAME, memory)
    owners = dict.fromkeys((way[-1].owner, str(way[-1])) for way in chains if way[-1].owner)
    versions = {d.key: d.version for d in after}
    lines = [
        HistoryEntry(
            f"{name} {versions.get(name, '')} caused it: it needs {needs}, which excludes {memory}", likely=True
        )
        for name, needs in list(owners)[:3]
    ]
    return lines, {way[0].key for way in chains if way[-1].owner}
