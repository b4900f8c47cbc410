"""How work and faults are shown: on a terminal, in a notebook, as plain lines, as JSON.

The library never prints; whoever wants to see progress passes one of these. Colour follows NO_COLOR and
FORCE_COLOR, by way of rich.
"""

from __future__ import annotations

import html
import json
import os
import sys
import time
from typing import IO, TYPE_CHECKING, Any

from bootstrap import provenance
from bootstrap.progress import NullProgress, Progress, Step
from bootstrap.text import shown, without_secrets

if TYPE_CHECKING:
    from rich.console import Console

    from bootstrap.card import Card
    from bootstrap.errors import BootstrapError


def megabytes(count: float) -> str:
    """Bytes as a person reads them, in powers of ten."""
    if count >= 1e9:
        return f"{count / 1e9:.2f} GB"
    return f"{count / 1e6:.0f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def print_json(data: Any) -> None:
    """Writes a command's result as one JSON document to stdout, without secrets."""
    print(json.dumps(without_secrets(data), indent=2))


def print_text(text: str) -> None:
    """Writes a command's result, which is text already, to stdout: as it may be shown to anybody."""
    print(shown(text), end="")


def progress_for(stream: IO[str] | None = None, *, quiet: bool = False, as_json: bool = False) -> Progress:
    """The fitting display: none, JSON lines, a notebook's, a terminal's, or plain lines.

    Args:
        stream: Where to write; stderr by default, so that stdout stays free for results.
        quiet: Show nothing.
        as_json: Write one JSON object a line.
    """
    stream = stream or sys.stderr
    if quiet:
        return NullProgress()
    if as_json:
        return JsonProgress(stream)
    if in_notebook():
        return NotebookProgress()
    return TerminalProgress(stream) if stream.isatty() else PlainProgress(stream)


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel. IPython is only looked at if it is loaded already."""
    return hasattr(provenance.shell(), "kernel")


class _Display(NullProgress):
    """What a display does at each step, with the seconds that are left."""

    seconds = 0.0
    """How long a step waits for the one that was shown before it, if its stage is the same."""
    _stage = ""
    _began = _told = 0.0
    _from = 0

    def step(self, step: Step) -> None:
        """Shows it if it is time for that; estimates the seconds left by the rate since the stage began."""
        done, total = step.amount
        now = time.monotonic()
        if step.stage == self._stage and now - self._told < self.seconds:
            return
        if step.stage != self._stage:
            self._stage, self._began, self._from = step.stage, now, done
        self._told = now
        gained, passed = done - self._from, now - self._began
        known = total if gained > 0 and passed >= 0.5 else None
        self.display(step, max(0.0, (known - done) * passed / gained) if known else None)

    def display(self, step: Step, left: float | None) -> None:
        """Shows a step, and the seconds left where they can be told."""
        raise NotImplementedError


def describe(step: Step, left: float | None) -> str:
    """A step in one line of text."""
    parts = [shown(step.stage)]
    if step.total:
        parts.append(f"{step.done}/{step.total} {step.unit}")
    if step.bytes_done:
        of = f" of {megabytes(step.bytes_total)}" if step.bytes_total else ""
        parts.append(f"{megabytes(step.bytes_done)}{of}")
    if left is not None:
        parts.append(f"{left:.0f} s left")
    return ", ".join(parts)


class PlainProgress(_Display):
    """A line when a stage begins, and one every few seconds while it lasts."""

    seconds = 5.0

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def display(self, step: Step, left: float | None) -> None:
        """Writes a line."""
        print(describe(step, left), file=self._stream, flush=True)

    def note(self, message: str) -> None:
        """Writes it."""
        print(shown(message), file=self._stream, flush=True)


class JsonProgress(_Display):
    """One JSON object a line."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def display(self, step: Step, left: float | None) -> None:
        """Writes the step, with the seconds left where they can be told."""
        self._write({"event": "step", **vars(step), "seconds_left": None if left is None else round(left, 1)})

    def note(self, message: str) -> None:
        """Writes it."""
        self._write({"event": "note", "message": message})

    def _write(self, data: dict[str, Any]) -> None:
        print(json.dumps(without_secrets(data)), file=self._stream, flush=True)


class TerminalProgress(_Display):
    """One bar, redrawn in place."""

    def __init__(self, stream: IO[str]) -> None:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<10}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[text]}", style="dim", markup=False),
            console=_terminal(stream),
            transient=True,
        )
        self._bar.start()
        self._task = self._bar.add_task("", total=None, text="")

    def display(self, step: Step, left: float | None) -> None:
        """Redraws the bar."""
        text = describe(step, left).partition(", ")[2]
        done, total = step.amount
        self._bar.update(self._task, description=shown(step.stage), completed=done, total=total, text=text)

    def note(self, message: str) -> None:
        """Writes it above the bar."""
        self._bar.console.print(shown(message), style="yellow", soft_wrap=True)

    def close(self) -> None:
        """Removes the bar."""
        self._bar.stop()


class NotebookProgress(_Display):
    """One output that is updated in place: a bar in HTML, and the same as text for everything else."""

    seconds = 0.25
    _handle: Any = None

    def display(self, step: Step, left: float | None) -> None:
        """Updates the output."""
        text = describe(step, left)
        done, total = step.amount
        value = f' value="{done / total:.3f}"' if total else ""
        safe = html.escape(text)
        markup = (
            f'<div role="status" style="font:13px sans-serif">'
            f'<progress max="1"{value} aria-label="{safe}"></progress> {safe}</div>'
        )
        bundle = {"text/plain": text, "text/html": markup}
        if self._handle is None:
            from IPython.display import display

            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)

    def note(self, message: str) -> None:
        """Prints it as the cell's output."""
        print(shown(message))

    def close(self) -> None:
        """Empties the output: what was done is shown by the result."""
        if self._handle is not None:
            self._handle.update({"text/plain": "", "text/html": ""}, raw=True)


def _terminal(stream: IO[str]) -> Console:
    """rich's console, for which text is text: no markup, no codes of emoji, and no colours but those of a card."""
    from rich.console import Console

    return Console(file=stream, markup=False, emoji=False, highlight=False)


def show(card: Card, stream: IO[str] | None = None) -> None:
    """Shows a card: as HTML in a notebook, else as lines on the stream (stdout unless given)."""
    if stream is None and in_notebook():
        from IPython.display import display

        display(card)
        return
    target = sys.stdout if stream is None else stream
    if not target.isatty() and not os.environ.get("FORCE_COLOR"):
        print(card, file=target)
        return
    _terminal(target).print(card, soft_wrap=True)


def show_error(error: BootstrapError, stream: IO[str] | None = None) -> None:
    """Writes an error for a person, in lines; to stderr unless a stream is given."""
    show(error.card, stream or sys.stderr)
