"""The answer to a question about requirements: findings, trials, files, and the verdict of all together."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from bootstrap.card import Reported
from bootstrap.diagnosis.model import EXIT_CODES, SCHEMA, EnvironmentInfo, Finding, Requirement, Resolution, Verdict

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Trial:
    """What a real installation in a throw-away copy did."""

    requirements: tuple[Requirement, ...]
    installed: bool
    """Whether the installer ended well."""
    log: tuple[str, ...] = ()
    """Its last lines, where it didn't."""
    numpy_memory: str | None = None
    """Version that a process had loaded before the installation."""
    numpy_disk: str | None = None
    """Version on disk afterwards."""
    live: tuple[str, ...] = ()
    """What failed in the process that had numpy loaded before."""
    fresh: tuple[str, ...] = ()
    """What the integrity check says of a fresh process: causes, one line each."""
    fresh_verdict: str = ""
    seconds: float = 0.0

    @property
    def broke(self) -> bool:
        """Whether something is broken that was not before."""
        return bool(self.live) or self.fresh_verdict == "broken" or self.numpy_memory != self.numpy_disk

    def to_dict(self) -> dict[str, Any]:
        """The trial as JSON-ready data."""
        return {
            "requirements": [r.to_dict() for r in self.requirements],
            "installed": self.installed,
            "log": list(self.log),
            "numpy_memory": self.numpy_memory,
            "numpy_disk": self.numpy_disk,
            "live": list(self.live),
            "fresh": list(self.fresh),
            "fresh_verdict": self.fresh_verdict,
            "broke": self.broke,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class Written:
    """A requirements file that was written."""

    path: Path
    kind: Literal["minimal", "pinned"]
    kept: int
    dropped: int = 0
    bytes_known: int = 0
    sizes_unknown: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The file as JSON-ready data."""
        return {**asdict(self), "path": str(self.path)}


@dataclass(frozen=True, repr=False)
class Diagnosis(Reported):
    """The outcome of asking what requirements would do."""

    source: str
    environment: EnvironmentInfo
    alone: tuple[Finding, ...]
    """One for each requirement, in its order."""
    together: Finding
    culprits: tuple[Finding, ...] = ()
    """Smallest sets that move numpy: of one requirement each, or of several where none of them does alone."""
    conflicts: tuple[Finding, ...] = ()
    """Smallest set that can't be resolved together, where each of them can."""
    held: Resolution | None = None
    """All together with numpy held at its version, where it would move otherwise."""
    trials: tuple[Trial, ...] = ()
    written: tuple[Written, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    options: tuple[str, ...] = field(default=())
    """Options that went to pip with every run."""

    @property
    def verdict(self) -> Verdict:
        """Broken: numpy would be replaced or broken. Doubtful: not resolved, or other packages would break."""
        findings = (*self.culprits, self.together)
        if any(trial.broke for trial in self.trials) or any(f.verdict == "broken" for f in findings):
            return "broken"
        return "doubtful" if self.culprits or self.together.verdict == "doubtful" else "ok"

    @property
    def exit_code(self) -> int:
        """The command line's exit code."""
        return EXIT_CODES[self.verdict]

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as JSON-ready data; ``schema`` tells the version of its shape."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "source": self.source,
            "environment": self.environment.to_dict(),
            "alone": [f.to_dict() for f in self.alone],
            "together": self.together.to_dict(),
            "culprits": [f.to_dict() for f in self.culprits],
            "conflicts": [f.to_dict() for f in self.conflicts],
            "held": None if self.held is None else {"ok": self.held.ok, "failed": list(self.held.failed)},
            "trials": [t.to_dict() for t in self.trials],
            "written": [w.to_dict() for w in self.written],
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }

    def with_file(self, written: Written) -> Diagnosis:
        """The same with one more file that was written."""
        return replace(self, written=(*self.written, written))

    def with_trials(self, trials: tuple[Trial, ...]) -> Diagnosis:
        """The same with what real installations did."""
        return replace(self, trials=trials)
