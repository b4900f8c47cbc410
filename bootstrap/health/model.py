"""The words of a check: faults found on disk, results of probes, causes, and the report.

Everything here is plain data, so a fault can come from any source (a lock, conda-meta, a RECORD file) and a
report can be printed, stored as JSON, or compared by a test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from bootstrap._util.data import fields_of
from bootstrap._util.listing import capped
from bootstrap.card import Card, Emphasis, Judged, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SCHEMA = 1
"""Version of the dictionary that `Report.to_dict` gives; it changes when a key changes its meaning or goes."""

Severity = Literal["broken", "doubtful", "note"]
Verdict = Literal["ok", "doubtful", "broken"]
FileReason = Literal["missing", "size", "sha256", "type", "unreadable", "target", "foreign", "prefix", "extra"]
RecordKind = Literal["missing", "extra", "version", "build", "archive"]
ProbeOutcome = Literal["pass", "fail", "died", "timeout", "memory", "skip"]

_IN_WORDS: dict[FileReason, str] = {
    "missing": "missing",
    "size": "wrong size",
    "sha256": "content altered",
    "type": "wrong file type",
    "unreadable": "unreadable",
    "target": "leads elsewhere",
    "foreign": "installed over a package by another installer",
    "prefix": "contains another prefix",
    "extra": "belongs to no package",
}

_SHOWN = 10
"""How many lines of a cause's evidence are shown unless all are asked for."""

SEVERITIES: tuple[Severity, ...] = ("broken", "doubtful", "note")
"""From worst to mildest."""


@dataclass(frozen=True)
class FileFault:
    """One file that is not what its package says it is."""

    path: str
    """Absolute path."""
    owner: str
    """The package that owns the file, with its version where known: ``numpy 2.3.4``."""
    reason: FileReason
    """What differs; ``extra`` is a file inside a package's folder that no package lists."""
    detail: str = ""
    """The measured and the expected value, where that helps."""

    def __str__(self) -> str:
        return f"{self.path}: {_IN_WORDS[self.reason]}{f' ({self.detail})' if self.detail else ''}"


@dataclass(frozen=True)
class RecordFault:
    """One package whose installed record is not the one that the lock holds."""

    name: str
    kind: RecordKind
    installed: str = ""
    locked: str = ""

    def __str__(self) -> str:
        if self.kind == "missing":
            return f"{self.name}: locked at {self.locked}, not installed"
        if self.kind == "extra":
            return f"{self.name}: {self.installed} is installed, but not in the lock"
        return f"{self.name}: {self.kind} {self.installed} is installed, {self.locked} is locked"


@dataclass(frozen=True)
class ProbeResult:
    """What one probe answered."""

    name: str
    outcome: ProbeOutcome
    seconds: float = 0.0
    problems: tuple[str, ...] = ()
    """What is wrong, one line each; empty when it passed."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What the probe found out on the way, for the judgement."""

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against the environment (a skipped probe says nothing)."""
        return self.outcome in ("pass", "skip")

    @property
    def passed(self) -> bool:
        """Whether it ran and found nothing wrong."""
        return self.outcome == "pass"

    @classmethod
    def of(cls, name: str, results: Iterable[ProbeResult]) -> ProbeResult:
        """The result of this name; a skipped one where there is none, which says nothing and has no facts."""
        return next((result for result in results if result.name == name), cls(name, "skip"))

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON-ready data, without the facts."""
        return {**fields_of(self, "facts"), "seconds": round(self.seconds, 4)}


@dataclass(frozen=True)
class Action:
    """One step of a repair; what is set aside is moved to a folder of the environment, and not lost."""

    kind: Literal["restore", "pip", "set-aside", "delete", "restart"]
    target: tuple[str, ...] = ()
    """The prefix to restore, the command to run, or the one file to move or delete."""

    def __str__(self) -> str:
        return {
            "restore": "put the lock's files back",
            "pip": " ".join(self.target),
            "set-aside": f"set aside {' '.join(self.target)}",
            "delete": f"delete {' '.join(self.target)}",
            "restart": "restart the runtime",
        }[self.kind]


@dataclass(frozen=True)
class Cause:
    """One reason why the environment is not healthy, with everything that follows from it."""

    id: str
    """Stable kebab-case name."""
    severity: Severity
    summary: str
    """One sentence."""
    evidence: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    owner: str = ""
    """The package to blame, with its version where known; empty when no package is."""
    repair: str = ""
    """One sentence or command."""
    actions: tuple[Action, ...] = ()
    """What `repair` does about it; empty where only the user can, as the repair says."""
    since: str = ""
    """When it came about, as an ISO 8601 time with its offset; empty where the disk doesn't tell."""
    by: str = ""
    """What brought it about, as far as the traces tell; says ``likely`` where they don't prove it."""
    # For the attribution of symptoms and the choice of a repair; not part of a report.
    package: str = field(default="", repr=False)
    """Name of the package that it damages."""
    core: bool = field(default=False, repr=False)
    """Whether it lies beneath numpy: the interpreter, or a library that numpy loads."""
    live: bool = field(default=False, repr=False)
    """Whether it is about the running process alone, and so explains nothing that a fresh one does."""
    requirement: str = field(default="", repr=False)
    """Which other release of the package mends it; empty for the one that is there."""
    experiment: frozenset[str] = field(default=frozenset(), repr=False)
    """Names of the probes that passed once this was taken away; it explains these and no others."""

    def to_card(self, *, everything: bool) -> Card:
        """The cause for people, with its first lines of evidence or all of them."""
        labelled = (("owner", self.owner), ("since", self.since), ("by", self.by))
        return Card(
            title=f"{self.summary} [{self.id}]",
            verdict=self.severity,
            rows=tuple((label, value) for label, value in labelled if value),
            details=tuple(capped(self.evidence, None if everything else _SHOWN, "more lines")),
            next=self.repair,
        )

    def to_dict(self) -> dict[str, Any]:
        """The cause as JSON-ready data."""
        return fields_of(self, "package", "core", "live", "requirement", "experiment")


@dataclass(frozen=True, repr=False)
class Report(Judged):
    """The outcome of a check."""

    python: str
    """The interpreter that was examined."""
    prefix: str
    numpy_version: str | None
    """Version of the numpy that this interpreter imports; None where none could be read."""
    causes: tuple[Cause, ...] = ()
    probes: tuple[ProbeResult, ...] = ()
    seconds: float = 0.0
    files_checked: int = 0
    """How many files were compared with what their package says of them."""
    level: Literal["quick", "full"] = "full"
    """How much was looked at."""
    live: bool = False
    """Whether the running process was examined, too."""
    manager: Literal["conda", "pip"] = "pip"
    """Whose environment it is: that decides how it is repaired."""
    lock: str | None = None
    """The lock that it was compared with."""
    imports: tuple[str, ...] | None = None
    """Packages that were asked to be imported; None for the usual ones."""

    @property
    def verdict(self) -> Verdict:
        """The worst severity among the causes; notes leave an environment healthy."""
        severities = {cause.severity for cause in self.causes}
        if "broken" in severities:
            return "broken"
        return "doubtful" if "doubtful" in severities else "ok"

    @property
    def ok(self) -> bool:
        """Whether the verdict is ok."""
        return self.verdict == "ok"

    def to_card(self, *, everything: bool) -> Card:
        """The report for people; with everything, all evidence, and each probe with its outcome and time."""
        version = f"numpy {self.numpy_version}" if self.numpy_version else "numpy"
        parts: list[Card | Table] = []
        if len(self.causes) > 1:
            causes = tuple((Emphasis(c.severity, c.severity), c.id, c.owner, c.since) for c in self.causes)
            parts.append(Table(columns=("", "cause", "owner", "since"), rows=causes))
        parts += [cause.to_card(everything=everything) for cause in self.causes]
        if everything:
            rows = tuple(
                (p.name, p.outcome if p.ok else Emphasis(p.outcome, "broken"), f"{p.seconds * 1000:.0f}")
                for p in self.probes
            )
            parts.append(Table(columns=("probe", "outcome", "ms"), rows=rows, numbers="ms"))
        asked = sum(probe.outcome != "skip" for probe in self.probes)
        more = "" if self.level == "full" else " (quick; a full check reads every file and imports everything)"
        return Card(
            title=f"{version} in {self.prefix}{' and in this process' if self.live else ''}",
            verdict=self.verdict,
            parts=tuple(parts),
            foot=f"{self.files_checked} files compared, {asked} probes, {self.seconds:.1f} s{more}",
        )

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data; ``schema`` tells the version of its shape."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "ok": self.ok,
            "numpy": self.numpy_version,
            **fields_of(self, "numpy_version", "imports"),
            "seconds": round(self.seconds, 3),
        }

    repair: ClassVar[Callable[..., Report]]
    """Does what can be done about the causes, and checks again; `bootstrap.health.repair` puts it here."""
