"""The answer to a question about requirements: findings, trials, files, and the verdict of all together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from bootstrap._util.data import fields_of
from bootstrap._util.listing import capped, count
from bootstrap.card import Card, Emphasis, Judged, Table
from bootstrap.console import megabytes
from bootstrap.diagnosis.model import (
    NUMPY_NAME,
    SCHEMA,
    EnvironmentInfo,
    Finding,
    Requirement,
    Resolution,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bootstrap.card import Cell

_SHOWN = 8
_PLACES = ("--index-url", "-i", "--extra-index-url", "--find-links", "-f", "--trusted-host")


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

    @property
    def card(self) -> Card:
        """The trial for people."""
        who = " + ".join(r.text for r in self.requirements)
        if not self.installed:
            title, details = f"{who}: the installation failed", self.log[-4:]
            return Card(title=title, verdict="doubtful", word="test install", details=details)
        moved = f"numpy in memory {self.numpy_memory}, on disk {self.numpy_disk}"
        return Card(
            title=f"{who}: {'BROKE' if self.broke else 'holds'} ({moved}, {self.seconds:.1f} s)",
            verdict="broken" if self.broke else "ok",
            word="test install",
            details=(
                *(f"live process: {line}" for line in self.live[:6]),
                *(f"fresh process: {line}" for line in self.fresh[:6]),
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """The trial as JSON-ready data."""
        return {**fields_of(self), "broke": self.broke, "seconds": round(self.seconds, 3)}


@dataclass(frozen=True)
class Written:
    """A requirements file that was written."""

    path: Path
    kind: Literal["minimal", "pinned"]
    kept: int
    dropped: int = 0
    bytes_known: int = 0
    sizes_unknown: int = 0

    @property
    def card(self) -> Card:
        """What it holds, for people."""
        if self.kind == "minimal":
            holds = f"{count(self.kept, 'requirement')} kept, {self.dropped} left out"
        else:
            unknown = f" and {self.sizes_unknown} of unknown size" if self.sizes_unknown else ""
            holds = f"{count(self.kept, 'package')}, {megabytes(self.bytes_known)}{unknown}"
        return Card(title=f"{self.path}: {holds}", verdict="ok", word="written")


@dataclass(frozen=True, repr=False)
class Diagnosis(Judged):
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

    def to_card(self, *, everything: bool) -> Card:
        """The diagnosis for people; with everything, all changes, breakages and reasons."""
        by = f"{self.together.resolver or 'no resolver'}, " if everything else ""
        return Card(
            title=self.headline,
            verdict=self.verdict,
            about=self.title,
            parts=tuple(self._parts(everything)),
            notes=self.notes,
            next="\n".join(self.advice),
            foot=f"{by}{self.seconds:.1f} s; nothing was changed there",
        )

    @property
    def title(self) -> str:
        """What was asked about what."""
        told = _without_places(self.options)
        options = f", with {' '.join(told)}" if told else ""
        return f"{self.source} on {self.environment}{options}"

    @property
    def headline(self) -> str:
        """The verdict in a sentence."""
        together, numpy = self.together, self.environment.numpy
        if self.culprits:
            who = "; ".join(c.names for c in self.culprits)
            first = self.culprits[0].subject
            return f"{who} would replace numpy {numpy}" + (f" by {first.after}" if first and first.after else "")
        if together.moves and together.subject is not None:
            return f"all together would replace numpy {numpy} by {together.subject.after}"
        if any(trial.broke for trial in self.trials):
            return "numpy's version would stay, but something would break"
        if numpy and together.unread and not together.breakages and together.subject is None:
            return f"numpy {numpy} stays, as far as can be determined without a build"
        if together.failed:
            return "all together can't be resolved" if len(self.alone) != 1 else "it can't be resolved"
        if together.subject is not None and together.subject.kind == "rewritten":
            return f"numpy {numpy} would be reinstalled under a running kernel"
        if together.breakages:
            packages = count(len(together.breakages), "installed package")
            return f"numpy {numpy} stays, but {packages} would no longer fit"
        return "there is no numpy to replace" if numpy is None else f"numpy {numpy} stays as it is"

    @property
    def advice(self) -> list[str]:
        """The ways out that are open."""
        if self.verdict == "ok":
            return []
        lines = []
        if self.together.unread:
            lines.append("rerun with --build to build what can't be read (this runs its code)")
        have = {written.kind for written in self.written}
        if "minimal" not in have:
            lines.append("--write-minimal FILE keeps only what changes no installed package")
        if "pinned" not in have and not self.together.failed:
            if self.held is None or self.held.ok:
                numpy = self.environment.numpy
                lines.append(
                    f"--write-pinned FILE finds exact versions{f' compatible with numpy {numpy}' if numpy else ''}"
                )
            else:
                lines.append("no versions of these work with the installed numpy: drop one")
        lines.append("or use the locked environment, which avoids all of this: bootstrap restore")
        return lines

    def _parts(self, everything: bool) -> Iterator[Card | Table]:
        labelled: list[tuple[Cell, Finding]] = [(finding.names, finding) for finding in self.alone]
        labelled += [(Emphasis("all together"), self.together)] if len(self.alone) != 1 else []
        yield Table(
            columns=("requirement", "verdict", NUMPY_NAME, "what it would do"),
            rows=tuple(
                (
                    label,
                    Emphasis(finding.verdict, finding.verdict),
                    self._numpy_after(finding),
                    finding.effect(limit=None if everything else 3),
                )
                for label, finding in labelled
            ),
            code="requirement",
        )
        for finding in (*self.culprits, *self.conflicts):
            if len(finding.requirements) > 1:
                if finding.failed:
                    yield _listed("in conflict", finding.failed, everything, "doubtful", finding.names)
                else:
                    about = finding.effect(limit=None)
                    yield Card(title=finding.names, verdict="broken", word="only together", about=about)
        together = self.together
        changes = [str(c) for c in together.changes if c.name != NUMPY_NAME]
        failed = together.failed if everything or not self.conflicts else ()
        for word, lines in (
            ("would also replace", changes),
            ("would no longer fit", list(map(str, together.breakages))),
            ("why it can't be resolved", failed),
            (
                f"with numpy {self.environment.numpy} held, it can't be resolved",
                self.held.failed if self.held else (),
            ),
        ):
            if lines:
                yield _listed(word, lines, everything)
        yield from (trial.card for trial in self.trials)
        yield from (written.card for written in self.written)

    def _numpy_after(self, finding: Finding) -> str:
        if finding.failed:
            return "?"
        if finding.subject is None:
            new = next((c for c in finding.added if c.name == NUMPY_NAME), None)
            return f"none -> {new.after}" if new else self.environment.numpy or "none"
        if finding.subject.kind == "rewritten":
            return f"{finding.subject.after}, rewritten"
        return f"{finding.subject.before} -> {finding.subject.after or 'none'}"

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as JSON-ready data; ``schema`` tells the version of its shape."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            **fields_of(self, "options"),
            "held": None if self.held is None else {"ok": self.held.ok, "failed": list(self.held.failed)},
            "seconds": round(self.seconds, 3),
        }


def _listed(
    word: str, lines: Sequence[str], everything: bool, verdict: Literal["doubtful", "info"] = "info", title: str = ""
) -> Card:
    """A list with its heading, cut unless everything is asked for."""
    details = tuple(capped(lines, None if everything else _SHOWN, "more (-v shows all)"))
    return Card(title=title, verdict=verdict, word=word, details=details)


def _without_places(options: Sequence[str]) -> list[str]:
    """Options without those that only say where packages come from."""
    kept, words = [], list(options)
    while words:
        word = words.pop(0)
        if word in _PLACES:
            words[:1] = []
        elif word != "--no-index":
            kept.append(word)
    return kept
