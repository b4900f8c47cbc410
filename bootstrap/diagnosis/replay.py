"""A notebook's commands in their order, on a metadata-only copy that changes with each of them.

A kernel keeps the numpy that it has loaded, whatever happens on disk. So the question is at which cell the two
part, and what one sees first of it.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from bootstrap.diagnosis.court import Court
from bootstrap.diagnosis.model import EXIT_CODES, SCHEMA, SUBJECT, Finding, Subject, Verdict
from bootstrap.diagnosis.notebook import Event, read_notebook
from bootstrap.diagnosis.requirements import RequirementSet, read_file, read_lines, understand
from bootstrap.diagnosis.session import ResolverName, Session, open_session
from bootstrap.diagnosis.symptoms import first_symptom
from bootstrap.diagnosis.target import meets
from bootstrap.errors import RequirementsNotFoundError, RequirementSyntaxError
from bootstrap.progress import Step

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bootstrap.diagnosis.shell import Command
    from bootstrap.progress import Progress


@dataclass(frozen=True)
class Scene:
    """One command, or one restart, and where it left numpy."""

    cell: int
    line: int
    text: str
    kind: str
    """``install``, ``uninstall``, ``restart``, ``skipped`` or ``unread``."""
    memory: str | None
    """The numpy that the kernel has loaded afterwards."""
    disk: str | None
    """The numpy that a new process would load."""
    finding: Finding | None = None
    note: str = ""
    symptom: str = ""
    """What one sees first, where memory and disk differ."""
    real: tuple[str, ...] = ()
    """What failed for real in the process that had numpy loaded, with ``install``."""

    @property
    def parted(self) -> bool:
        """Whether memory and disk differ."""
        return self.memory is not None and self.memory != self.disk

    @property
    def moves(self) -> bool:
        """Whether this command itself moved numpy."""
        return self.finding is not None and self.finding.moves

    def to_dict(self) -> dict[str, Any]:
        """The scene as JSON-ready data."""
        return {
            "cell": self.cell,
            "line": self.line,
            "text": self.text,
            "kind": self.kind,
            "memory": self.memory,
            "disk": self.disk,
            "finding": self.finding.to_dict() if self.finding else None,
            "note": self.note,
            "symptom": self.symptom,
            "real": list(self.real),
        }


@dataclass(frozen=True)
class Replay:
    """The outcome of a notebook's replay."""

    source: str
    environment: Subject
    scenes: tuple[Scene, ...]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def left(self) -> Scene | None:
        """The first at which numpy on disk left the version in memory."""
        return next((scene for scene in self.scenes if scene.parted), None)

    @property
    def verdict(self) -> Verdict:
        """Guilty: some cell takes numpy away from memory's version. Doubtful: something couldn't be told."""
        if self.left is not None or any(scene.real for scene in self.scenes):
            return "guilty"
        findings = [s.finding for s in self.scenes if s.finding]
        doubt = any(f.failed or f.breakages or f.verdict != "innocent" for f in findings)
        return "doubtful" if doubt or any(s.kind == "unread" for s in self.scenes) else "innocent"

    @property
    def exit_code(self) -> int:
        """The command line's exit code."""
        return EXIT_CODES[self.verdict]

    def to_dict(self) -> dict[str, Any]:
        """The replay as JSON-ready data."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "source": self.source,
            "environment": self.environment.to_dict(),
            "left_at_cell": self.left.cell if self.left else None,
            "scenes": [scene.to_dict() for scene in self.scenes],
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }

    def render(self, *, everything: bool = False) -> RenderableType:
        """The replay for a terminal, by rich."""
        from bootstrap.diagnosis.replay_report import render

        return render(self, everything=everything)

    def to_markdown(self) -> str:
        """The replay for a bug report."""
        from bootstrap.diagnosis.replay_report import to_markdown

        return to_markdown(self)

    def __repr__(self) -> str:
        """The same as text, for a prompt and for a notebook that shows no HTML."""
        from bootstrap.console import plain

        return plain(self.render()).rstrip()

    def _repr_html_(self) -> str:
        from bootstrap.diagnosis.replay_report import to_html

        return to_html(self)


def ask_notebook(
    path: Path,
    *,
    python: Path | str | None = None,
    against: Path | None = None,
    install: bool = False,
    resolver: ResolverName = "auto",
    as_of: str | None = None,
    progress: Progress,
) -> Replay:
    """Replays a notebook's installing cells; see `bootstrap.api.diagnose`.

    Raises:
        DiagnoseError: The notebook, the interpreter or the index can't be used.
    """
    from bootstrap.diagnosis.prove import refuse_freeze

    began = time.monotonic()
    if install:
        refuse_freeze(against)
    events = read_notebook(path)
    folder = path.absolute().parent
    with (
        open_session(
            python=python, against=against, resolver=resolver, as_of=as_of, folder=folder, progress=progress
        ) as session,
        tempfile.TemporaryDirectory(prefix="bootstrap-replay-") as scratch,
    ):
        numpy = session.shadow.get(SUBJECT)
        environment = Subject(
            session.title,
            session.target.version,
            numpy.version if numpy else None,
            len(session.shadow),
            tuple(d.name for d in session.shadow if not d.known),
        )
        player = Player(session, folder, Path(scratch))
        shown = [e for e in events if e.kind in ("command", "restart", "condacolab")]
        for event in events:
            if event in shown:
                detail = f"{event.where}: {event.text}"
                progress.step(Step("replay", shown.index(event), len(shown), unit="commands", detail=detail))
            player.play(event)
        scenes = tuple(player.scenes)
        if install:
            from bootstrap.diagnosis.replay_real import play_for_real

            progress.step(Step("install for real"))
            scenes = play_for_real(session, player, folder)
    notes = [
        "numpy counts as loaded from the start, as on Colab, where it is loaded before the first cell"
        if numpy
        else "numpy is not installed at the start; it counts as loaded from the first cell that imports it"
    ]
    if not scenes:
        notes.append("no cell installs anything")
    return Replay(str(path), environment, scenes, tuple(notes), time.monotonic() - began)


class Player:
    """Plays events, one after the other."""

    def __init__(self, session: Session, folder: Path, scratch: Path) -> None:
        self._session = session
        self._folder = folder
        self._scratch = scratch
        self._files: dict[str, Path] = {}
        self.memory = self._disk()
        self.scenes: list[Scene] = []
        self.commands: list[tuple[int, list[str]]] = []
        """For each scene that installs: its index, and the arguments for the interpreter to do it for real."""

    def _disk(self) -> str | None:
        numpy = self._session.shadow.get(SUBJECT)
        return numpy.version if numpy else None

    def play(self, event: Event) -> None:
        """Plays one event."""
        if event.kind == "file":
            self._keep_file(event)
        elif event.kind == "import":
            self.memory = self.memory or self._disk()
        elif event.kind == "restart":
            self.memory = None
            self._add(event, "restart", note="the kernel restarts: what is loaded next is what is on disk")
            self.memory = self._disk()
        elif event.kind == "condacolab":
            self.memory = None
            self._add(
                event, "restart", note="condacolab restarts the kernel; conda's numpy then comes before this one"
            )
            self.memory = self._disk()
        elif event.command is not None:
            self._command(event, event.command)

    def _keep_file(self, event: Event) -> None:
        """A file that the notebook writes, for a command that reads it later."""
        place = self._scratch / f"{len(self._files)}-{PurePosixPath(event.text).name or 'file'}"
        place.write_text(event.content, encoding="utf-8")
        self._files[PurePosixPath(event.text).name] = place

    def _file(self, name: str) -> Path:
        written = self._files.get(PurePosixPath(name).name)
        return written or Path(os.path.normpath(self._folder / name))

    def _command(self, event: Event, command: Command) -> None:
        if command.action == "other":
            return
        if command.tool == "conda":
            self._add(event, "skipped", note="conda changes an environment of its own, not the kernel's")
        elif command.elsewhere:
            self._add(event, "skipped", note=f"{command.elsewhere}: the environment is not touched")
        elif command.condition == "only after an error":
            self._add(event, "skipped", note="runs only after an error")
        elif command.unknown:
            self._add(event, "unread", note=f"only running tells what {command.unknown} is")
        elif command.action == "uninstall":
            self._uninstall(event, command)
        else:
            self._install(event, command)

    def _uninstall(self, event: Event, command: Command) -> None:
        before = self._session.shadow.get(SUBJECT)
        gone = [name for name in command.requirements if self._session.shadow.remove(name)]
        note = f"removes {', '.join(gone)}" if gone else "nothing of that name is installed"
        if before is not None and self._session.shadow.get(SUBJECT) is None:
            note = f"removes numpy {before.version}"
        self._add(event, "uninstall", note=note)
        self.commands.append((len(self.scenes) - 1, ["-m", "pip", "uninstall", "-y", *command.requirements]))

    def _install(self, event: Event, command: Command) -> None:
        try:
            wanted = self._wanted(command)
        except (RequirementsNotFoundError, RequirementSyntaxError) as error:
            self._add(event, "unread", note=f"{error.message} {'; '.join(error.evidence)}")
            return
        court = self._court(command, wanted)
        finding = court.finding(wanted.requirements, sure=True, whole=True)
        before = self._disk()
        self._session.shadow.apply(finding.planned)
        self._add(event, "install", finding=finding, note=self._note(command, finding, wanted, before))
        files = [str(self._file(f)) for f in command.files]
        bounds = [str(self._file(f)) for f in command.constraints]
        arguments = ["-m", "pip", "install", "--quiet", *command.options]
        arguments += [
            word for r in command.requirements for word in (r.split(" ", 1) if r.startswith("-e ") else [r])
        ]
        arguments += [word for f in files for word in ("-r", f)] + [word for f in bounds for word in ("-c", f)]
        self.commands.append((len(self.scenes) - 1, arguments))

    def _wanted(self, command: Command) -> RequirementSet:
        """All that a command asks for, its files included."""
        parts = [read_lines(command.requirements, folder=self._folder)] if command.requirements else []
        parts += [read_file(self._file(name)) for name in command.files]
        bounds = [r for name in command.constraints for r in read_file(self._file(name)).requirements]
        whole = RequirementSet(
            source=command.text,
            requirements=tuple(r for part in parts for r in part.requirements),
            constraints=(*(r for part in parts for r in part.constraints), *bounds),
            options=tuple(o for part in parts for o in part.options),
            require_hashes=any(part.require_hashes for part in parts),
        )
        return understand(self._session.target.inside, whole)

    def _court(self, command: Command, wanted: RequirementSet) -> Court:
        session = self._session
        by_uv = command.tool == "uv" and session.uv is not None
        return Court(
            session.target,
            session.shadow,
            pip=session.fast if by_uv else session.pip,
            fast=session.fast,
            confirm=session.confirm and not by_uv,
            constraints=tuple(r.for_pip() for r in wanted.constraints),
            options=(*wanted.options, *command.options),
            hashed=wanted.hashed,
        )

    def _note(self, command: Command, finding: Finding, wanted: RequirementSet, before: str | None) -> str:
        """What else a reader should know of this command."""
        notes = [command.condition] if command.condition else []
        if command.mistaken:
            notes.append(f"{command.mistaken} is not quoted: the shell takes the bound for a file to write")
        if command.tool == "uv" and self._session.uv is None:
            notes.append("answered by pip: there is no uv here")
        if finding.moves and self.memory not in (None, before) and self._would_do(wanted):
            notes.append(f"numpy {self.memory}, which the kernel has loaded, would have met it")
        if finding.moves and command.quiet:
            notes.append("-q hides the line by which Colab tells that a restart is needed")
        return "; ".join(notes)

    def _would_do(self, wanted: RequirementSet) -> bool:
        """Whether memory's numpy meets the bounds that the command itself states."""
        own = [r.text for r in wanted.requirements if r.name == SUBJECT and "://" not in r.text]
        if not own or self.memory is None:
            return False
        return meets(self._session.target.inside, own, self.memory)

    def _add(self, event: Event, kind: str, *, finding: Finding | None = None, note: str = "") -> None:
        disk = self._disk()
        scene = Scene(event.cell, event.line, event.text, kind, self.memory, disk, finding, note)
        if scene.parted:
            symptom = first_symptom(scene.memory or "", disk) if disk else "ModuleNotFoundError in every new process"
            scene = replace(scene, symptom=symptom)
        self.scenes.append(scene)
