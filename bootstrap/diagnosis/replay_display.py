"""A replay for people: on a terminal, in a notebook, as Markdown."""

from __future__ import annotations

import platform
from html import escape
from typing import TYPE_CHECKING

from rich.text import Text

from bootstrap._version import __version__
from bootstrap.diagnosis import document as doc
from bootstrap.diagnosis.replay import Replay
from bootstrap.diagnosis.wording import effect

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bootstrap.diagnosis.replay_step import ReplayStep

_COLUMNS = ("cell", "command", "memory / disk", "what it did")
_REAL = 6


def headline(replay: Replay) -> str:
    """The verdict in a sentence."""
    left = replay.left
    if left is not None:
        return f"at cell {left.cell} numpy on disk became {left.disk}; the kernel kept {left.memory}"
    if any(scene.real for scene in replay.scenes):
        return "numpy stayed, but something broke in the real install"
    if any(scene.may_part for scene in replay.scenes):
        first = next(scene for scene in replay.scenes if scene.may_part)
        return f"cell {first.cell} may move numpy under the kernel"
    if replay.verdict == "doubtful":
        return "numpy stays, as far as can be determined"
    return "numpy in memory and on disk stay the same"


def story(replay: Replay) -> list[str]:
    """What happened to numpy, a sentence for each command that mattered."""
    lines = []
    for scene in replay.scenes:
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
            lines.append(f"Cell {scene.cell} restarts the kernel: memory and disk agree afterwards ({scene.disk}).")
    parted = [scene for scene in replay.scenes if scene.parted]
    if parted and replay.scenes[-1].parted and parted[-1].symptom:
        lines.append(f"First symptom then: {parted[-1].symptom}.")
    return lines


def advice(replay: Replay) -> list[str]:
    """What to do about it."""
    if replay.left is None:
        built = any(scene.finding and scene.finding.unread for scene in replay.scenes)
        return ["rerun with --build to build what can't be read (this runs its code)"] if built else []
    found = []
    if replay.scenes[-1].parted:
        last = [scene for scene in replay.scenes if scene.kind in ("install", "uninstall")][-1:] or [replay.left]
        found.append(f"restart the kernel after cell {last[0].cell}: a fresh process loads what is on disk")
    mover = next((s for s in replay.scenes if s.moves and not s.condition), None)
    if mover is not None:
        found.append(
            f"better: drop or bound what changed numpy in cell {mover.cell}, or run it before numpy is loaded"
        )
    return [*found, "or use the locked environment, which avoids all of this: bootstrap restore"]


def _state(scene: ReplayStep) -> str:
    return f"{scene.memory or 'none'} / {scene.disk or 'none'}{' ?' if scene.may_part else ''}"


def _did(scene: ReplayStep, limit: int | None = 2) -> str:
    parts = [effect(scene.finding, limit=limit)] if scene.finding else []
    return "; ".join([*parts, *([scene.note] if scene.note else [])])


def render(replay: Replay, *, everything: bool = False) -> RenderableType:
    """The replay for a terminal."""
    table = doc.plain_table()
    for name in _COLUMNS:
        table.add_column(name, overflow="fold", justify="right" if name == "cell" else "left")
    for scene in replay.scenes:
        state = Text(_state(scene), style="red" if scene.parted else "")
        table.add_row(str(scene.cell), Text(scene.text), state, Text(_did(scene, None if everything else 2)))
    parts: list[RenderableType] = [table]
    if lines := story(replay):
        parts += [Text(), *(Text(line) for line in lines)]
    for scene in replay.scenes:
        if scene.real:
            parts.append(Text(f"\nfor real, after cell {scene.cell}:", style="bold"))
            parts += [Text(f"  {line}", style="red") for line in scene.real[: None if everything else _REAL]]
    parts += [*doc.labelled("note", replay.notes), *doc.labelled("next", advice(replay))]
    if unknown := replay.environment.unknown:
        parts.append(Text(f"{len(unknown)} packages with unknown metadata", style="dim"))
    parts.append(Text(f"{replay.seconds:.1f} s; nothing was changed there", style="dim"))
    return doc.group(replay.verdict, headline(replay), _title(replay), *parts)


def _title(replay: Replay) -> str:
    e = replay.environment
    return f"{replay.source} on {e.title}: Python {e.python}, numpy {e.numpy or 'none'}, {e.installed} packages"


def to_html(replay: Replay) -> str:
    """The replay as a notebook shows it."""
    rows = []
    for scene in replay.scenes:
        bold = ' style="font-weight:bold"' if scene.parted else ""
        state = f"<span{bold}>{escape(_state(scene))}</span>"
        rows.append((str(scene.cell), f"<code>{escape(scene.text)}</code>", state, escape(_did(scene))))
    lines = [escape(line) for line in story(replay)]
    for scene in replay.scenes:
        lines += [f"for real, after cell {scene.cell}: {escape(line)}" for line in scene.real[:_REAL]]
    lines += [*doc.labelled_html("note", replay.notes), *doc.labelled_html("next", advice(replay))]
    inner = doc.html_body(_title(replay), _COLUMNS, rows, lines)
    return doc.frame(replay.verdict, headline(replay), inner)


def to_markdown(replay: Replay) -> str:
    """The replay for a bug report."""
    lines = doc.markdown_head(replay.verdict, headline(replay), _title(replay))
    lines += [f"| {' | '.join(_COLUMNS)} |", "|---:|---|---|---|"]
    lines += [f"| {s.cell} | {doc.code(s.text)} | {_state(s)} | {doc.cell(_did(s, 3))} |" for s in replay.scenes]
    lines += ["", *(f"- {doc.prose(line)}" for line in (*story(replay), *replay.notes, *advice(replay)))]
    for scene in replay.scenes:
        if scene.real:
            lines += ["", f"For real, after cell {scene.cell}:", "", *doc.block(scene.real)]
    lines += ["", f"condacolab-bootstrap {__version__}, {platform.system()}, {replay.seconds:.1f} s", ""]
    return "\n".join(lines)


doc.show(Replay, render, to_html, to_markdown)
