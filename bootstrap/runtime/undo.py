"""The way back: the machine as it was before the first `bootstrap.run()`."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import processes
from bootstrap.card import Card, Shown
from bootstrap.errors import PrefixError
from bootstrap.health.probe_runner import CHILD
from bootstrap.prefix.environments_txt import unregister
from bootstrap.prefix.staging import hold
from bootstrap.runtime import condacolab
from bootstrap.runtime.journal import Journal
from bootstrap.runtime.kernel import move
from bootstrap.runtime.kernel.launch import PROVE
from bootstrap.scratch import sweep

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROBES = ({str(CHILD)}, {PROVE})
"""Words on the command lines of what a set-up runs in the environment; a kernel's and a user's have none of these."""
_SECONDS_TO_END = 10.0


@dataclass(frozen=True, repr=False)
class UndoResult(Shown):
    """What an undo did. Shows itself as a card."""

    changed: tuple[str, ...]
    """Paths that were put back or removed."""
    moves: bool
    """Whether this kernel goes back to the machine's own Python, after its cell."""
    running: tuple[int, ...] = ()
    """Process ids of kernels that still run in the environment."""
    dry_run: bool = False
    """Whether this is only what an undo would do: nothing was changed."""

    @property
    def card(self) -> Card:
        """The same for people."""
        if not self.changed and not self.moves:
            return Card(title="there was nothing to undo", verdict="ok", word="done")
        rows = [("put back", "\n".join(self.changed))]
        if self.dry_run:
            title = "nothing was changed; an undo would restore these"
            return Card(title=title, word="dry run", rows=tuple(rows), next="`bootstrap undo` restores them")
        if self.moves:
            rows.append(("kernel", "every cell from the next one on runs in the machine's own Python"))
        again = f"Restart the kernels with process ids {', '.join(map(str, self.running))}." if self.running else ""
        return Card(title="this machine is as it was before", verdict="ok", word="done", rows=tuple(rows), next=again)


def preview() -> UndoResult:
    """What `undo` would put back. Changes nothing.

    Raises:
        JournalError: The journal can't be read.
    """
    return UndoResult(Journal().pending(), moves=False, dry_run=True)


def undo() -> UndoResult:
    """Puts back everything that `set_up` changed, from any state, also a half-finished one.

    In a kernel that runs in the environment, the notebook moves back to the machine's own Python after its cell: to
    the kernel that it came from, where there is one, with its variables. The environment's folder is deleted on the
    way.

    Raises:
        KernelStartError: No kernel of the machine's own Python starts; nothing is put back.
        JournalError: The journal can't be read.
        UndoError: Something could not be put back; run it again when that is mended.
    """
    journal = Journal()
    move.cancel()
    sweep()
    if journal.empty:
        journal.end()  # what a killed run left of it
        return UndoResult((), moves=False)
    condacolab.stop(journal.facts.get("installer", 0))
    prefix = Path(journal.facts.get("prefix", "/nonexistent"))
    _end_probes(prefix)
    # Whatever a killed restore left beside the prefix; one that is at work cleans up after itself.
    with suppress(PrefixError), hold(prefix, waiting=lambda: None, wait_seconds=0):
        pass
    environment = journal.facts.get("environment")
    kernel = move.live_kernel() if Path(sys.prefix).resolve() == prefix.resolve() else None
    image = journal.image(prefix)
    made_here = image is not None and image.kind == "absent"
    if made_here:
        unregister(prefix)
    if kernel is None or environment is None or move.obstacle(kernel) is not None:
        here = (os.getpid(),) if kernel is not None else ()
        changed = journal.undo()
        others = sorted(pid for pid, _ in _processes(prefix))
        return UndoResult(tuple(changed), moves=False, running=(*others, *here))
    # This kernel's own files go last, with the journal, when another one answers.
    remove = [str(prefix), str(journal.own), str(journal.file), f"{journal.folder}/"] if made_here else []
    command = [journal.facts.get("python", "/usr/bin/python3"), "-m", move.LAUNCH_MODULE]
    with move.moving(kernel, move.KernelTarget(command, environment, remove=remove, back=True)):
        changed = journal.undo(spare=(prefix,) if made_here else ())
    return UndoResult((*changed, *remove[:1]), moves=True)


def _end_probes(prefix: Path) -> None:
    """Ends what a killed kernel's set-up left running in a prefix: it imports, and each import may write bytecode."""
    deadline = time.monotonic() + _SECONDS_TO_END
    while probes := [pid for pid, words in _processes(prefix) if any(p <= words for p in _PROBES)]:
        for pid in probes:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return
        time.sleep(0.01)


def _processes(prefix: Path) -> Iterator[tuple[int, set[str]]]:
    """Process ids, and words of the command lines, of other processes of a prefix's programs, or of its stage's."""
    prefix = prefix.resolve()
    stage = f"{prefix.with_name(f'.{prefix.name}.stage-')}"
    for pid in processes.running():
        program = processes.program(pid)
        if pid != os.getpid() and (prefix in Path(program).parents or program.startswith(stage)):
            yield pid, set(processes.words(pid))
