"""The outcome of a notebook's replay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bootstrap._util.data import fields_of
from bootstrap.card import Card, Emphasis, Judged, Table
from bootstrap.diagnosis.model import SCHEMA, EnvironmentInfo, Verdict

if TYPE_CHECKING:
    from bootstrap.card import Cell
    from bootstrap.diagnosis.replay_step import ReplayStep

_REAL = 6


@dataclass(frozen=True, repr=False)
class Replay(Judged):
    """The outcome of a notebook's replay."""

    source: str
    environment: EnvironmentInfo
    scenes: tuple[ReplayStep, ...]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def left(self) -> ReplayStep | None:
        """The first at which numpy on disk left the version in memory."""
        return next((scene for scene in self.scenes if scene.parted), None)

    @property
    def verdict(self) -> Verdict:
        """Broken: some cell takes numpy away from memory's version. Doubtful: something couldn't be told."""
        if self.left is not None or any(scene.real for scene in self.scenes):
            return "broken"
        findings = [s.finding for s in self.scenes if s.finding]
        doubt = any(f.failed or f.breakages or f.verdict != "ok" for f in findings)
        return "doubtful" if doubt or any(s.kind == "unread" or s.may_part for s in self.scenes) else "ok"

    def to_card(self, *, everything: bool) -> Card:
        """The replay for people; with everything, all that each command did."""
        limit = None if everything else 3
        table = Table(
            columns=("cell", "command", "memory / disk", "what it did"),
            rows=tuple((str(s.cell), s.text, _state(s), _did(s, limit)) for s in self.scenes),
            code="command",
            numbers="cell",
        )
        real = [
            Card(
                verdict="broken",
                word=f"for real, after cell {scene.cell}",
                details=scene.real[: None if everything else _REAL],
            )
            for scene in self.scenes
            if scene.real
        ]
        unknown = (
            f"{len(self.environment.unknown)} packages with unknown metadata; " if self.environment.unknown else ""
        )
        return Card(
            title=self.headline,
            verdict=self.verdict,
            about="\n".join([f"{self.source} on {self.environment}", *self._story()]),
            parts=(table, *real),
            notes=self.notes,
            next="\n".join(self._advice()),
            foot=f"{unknown}{self.seconds:.1f} s; nothing was changed there",
        )

    @property
    def headline(self) -> str:
        """The verdict in a sentence."""
        left = self.left
        if left is not None:
            return f"at cell {left.cell} numpy on disk became {left.disk}; the kernel kept {left.memory}"
        if any(scene.real for scene in self.scenes):
            return "numpy stayed, but something broke in the real install"
        if any(scene.may_part for scene in self.scenes):
            first = next(scene for scene in self.scenes if scene.may_part)
            return f"cell {first.cell} may move numpy under the kernel"
        if self.verdict == "doubtful":
            return "numpy stays, as far as can be determined"
        return "numpy in memory and on disk stay the same"

    def _story(self) -> list[str]:
        """What happened to numpy, a sentence for each command that mattered."""
        lines = []
        for scene in self.scenes:
            if scene.moves and scene.finding and scene.finding.subject:
                change = scene.finding.subject
                why = scene.finding.path or scene.finding.reason
                if scene.condition:
                    moves = f"would move numpy {change.before} -> {change.after}"
                    lines.append(f"Cell {scene.cell} {moves} ({why}), {scene.condition}.")
                    continue
                kept = f" The kernel still has {scene.memory}." if scene.parted else " Memory and disk agree again."
                if scene.may_part:
                    kept = ""
                lines.append(f"Cell {scene.cell} moved numpy {change.before} -> {change.after} ({why}).{kept}")
            elif scene.kind == "restart" and scene.condition:
                lines.append(f"Cell {scene.cell} may restart the kernel, {scene.condition}.")
            elif scene.kind == "restart" and scene.note.startswith("condacolab"):
                lines.append(f"Cell {scene.cell} restarts the kernel with conda's Python, whose numpy is unknown.")
            elif scene.kind == "restart":
                lines.append(
                    f"Cell {scene.cell} restarts the kernel: memory and disk agree afterwards ({scene.disk})."
                )
        parted = [scene for scene in self.scenes if scene.parted]
        if parted and self.scenes[-1].parted and parted[-1].symptom:
            lines.append(f"First symptom then: {parted[-1].symptom}.")
        return lines

    def _advice(self) -> list[str]:
        """What to do about it."""
        if self.left is None:
            built = any(scene.finding and scene.finding.unread for scene in self.scenes)
            return ["rerun with --build to build what can't be read (this runs its code)"] if built else []
        advice = []
        if self.scenes[-1].parted:
            last = [scene for scene in self.scenes if scene.kind in ("install", "uninstall")][-1:] or [self.left]
            advice.append(f"restart the kernel after cell {last[0].cell}: a fresh process loads what is on disk")
        mover = next((s for s in self.scenes if s.moves and not s.condition), None)
        if mover is not None:
            advice.append(
                f"better: drop or bound what changed numpy in cell {mover.cell}, or run it before numpy is loaded"
            )
        return [*advice, "or use the locked environment, which avoids all of this: bootstrap restore"]

    def to_dict(self) -> dict[str, Any]:
        """The replay as JSON-ready data."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "left_at_cell": self.left.cell if self.left else None,
            **fields_of(self),
            "seconds": round(self.seconds, 3),
        }


def _state(scene: ReplayStep) -> Cell:
    state = f"{scene.memory or 'none'} / {scene.disk or 'none'}{' ?' if scene.may_part else ''}"
    return Emphasis(state, "broken") if scene.parted else state


def _did(scene: ReplayStep, limit: int | None) -> str:
    parts = [scene.finding.effect(limit=limit)] if scene.finding else []
    return "; ".join([*parts, *([scene.note] if scene.note else [])])
