"""Plays a notebook's events, one after the other, on a metadata-only copy of the environment.

What may not run is judged as if it did, and not applied: later commands don't stand on it. Which numpys could be in
memory and on disk if it did run is remembered, so that nobody is accused who does nothing in one of these cases.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bootstrap.diagnosis.dependency_graph import lenient
from bootstrap.diagnosis.installer_call import with_versions
from bootstrap.diagnosis.metadata_env import module_version
from bootstrap.diagnosis.model import NUMPY_NAME, Finding
from bootstrap.diagnosis.notebook import path_from
from bootstrap.diagnosis.replay_step import ReplayStep
from bootstrap.diagnosis.requirements import (
    RequirementSet,
    is_address,
    is_location,
    read_lines,
    understand,
)
from bootstrap.diagnosis.stale_symptoms import first_symptom
from bootstrap.diagnosis.values import MODULE_VERSION
from bootstrap.errors import DiagnoseError, IndexUnreachableError
from bootstrap.provenance import admits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootstrap.diagnosis.events import Event
    from bootstrap.diagnosis.installer_call import Command
    from bootstrap.diagnosis.session import Session

_NAME = re.compile(r"[\w.-]+")
_PLACES = ("--find-links", "--index-url", "--extra-index-url", "--no-index")
_KERNELS_OWN = ("/usr/bin", "/usr/local/bin", "/bin", "/opt/conda/bin", ".")
"""Where the pip of a hosted notebook's kernel is: Colab's, Kaggle's."""
_VERSION = re.compile(r"(?:(?:c?python|pip|pypy)@?)?(\d(?:\.\d+)?)(?:\.\d+)?")


class Replayer:
    """Plays events, one after the other."""

    def __init__(self, session: Session, folder: Path) -> None:
        self._session = session
        self._folder = folder
        self._texts: dict[str, str | None] = {}
        """The files that the notebook writes, by absolute path; None where only running tells what they hold."""
        self._targets: set[str] = set()
        """Folders beside the environment that something was installed into."""
        self._conda = ""
        """Since when the kernel's environment is one of conda's."""
        self.memory = self._disk()
        self._cases: set[tuple[str | None, str | None]] = {(self.memory, self.memory)}
        """Memory and disk, if what may not run did or didn't."""
        self.scenes: list[ReplayStep] = []
        self.commands: list[tuple[int, list[str]]] = []
        """For each scene that installs: its index, and the arguments for the interpreter to do it for real."""
        self.unreached: IndexUnreachableError | None = None
        """Why nothing can be asked any more: no index that every command has answers."""
        self.answered = False
        """Whether a resolver has answered at all."""

    def _disk(self) -> str | None:
        numpy = self._session.metadata_env.get(NUMPY_NAME)
        return numpy.version if numpy else None

    def play(self, event: Event) -> None:
        """Plays one event."""
        if event.never:
            if event.kind in ("restart", "unread") or (event.command is not None and event.command.action != "other"):
                self._add(event, "skipped", note=f"doesn't run: {event.never}")
        elif event.kind == "file":
            self._texts[self._place(event.text)] = event.content
        elif event.kind == "import":
            self.memory = self.memory or self._disk()
            self._cases = {(m or d, d) for m, d in self._cases}
        elif event.kind == "restart":
            back = "the runtime is deleted; the next one starts fresh"
            again = "the kernel restarts and loads what is on disk"
            self._restart(event, back if ".unassign(" in event.text else again)
        elif event.kind == "condacolab":
            self._restart(event, "condacolab restarts the kernel, which then runs conda's Python")
            self._conda = f"since cell {event.cell} the kernel's Python is conda's"
        elif event.kind == "conda":
            if event.text in ("/usr/local", "/usr"):
                self._conda = f"since cell {event.cell} there is a conda in {event.text}, the kernel's own prefix"
        elif event.kind == "path":
            if event.text in self._targets:
                note = f"from here on packages are also found in {event.text}, which may contain another numpy"
                self._add(event, "unread", note=note)
        elif event.kind == "unread":
            self._add(event, "unread", note="mentions installing, but can't be analysed")
        elif event.command is not None:
            self._command(event, event.command)

    def _restart(self, event: Event, note: str) -> None:
        if self.scenes and self.scenes[-1].cell == event.cell:
            # Nothing runs on the numpy that was left: nobody sees anything.
            self.scenes[-1] = replace(self.scenes[-1], symptom="")
        fresh = {(disk, disk) for _, disk in self._cases}
        if event.condition:
            self._cases |= fresh
            self._add(event, "restart", note=f"may not happen: {event.condition}")
            return
        self.memory, self._cases = None, {(None, disk) for disk, _ in fresh}
        self._add(event, "restart", note=note)
        self.memory, self._cases = self._disk(), fresh

    def _place(self, name: str) -> str:
        """A file's absolute path."""
        return os.path.normpath(self._folder / name)

    def _files(self, event: Event, command: Command) -> Iterator[tuple[str, str]]:
        """The files that a command names: each option, and where the file lies."""
        for option, names in (("-r", command.files), ("-c", command.constraints)):
            for name in names:
                yield option, name if is_address(name) else self._place(path_from(event.folder, name))

    def _command(self, event: Event, command: Command) -> None:
        if command.action == "other":
            return
        if command.unknown:
            command = with_versions(command, lambda text: MODULE_VERSION.sub(self._version, text))
        outside = command.elsewhere or self._outside(command)
        if command.unread:
            self._add(event, "unread", note=command.unread)
        elif outside:
            if command.target:
                target = path_from(event.folder, command.target)
                if self._is_own(target, outside):
                    self._add(event, "unread", note=f"{outside} names a folder of the kernel's own packages")
                    return
                self._targets.add(target)
                if target in ("", event.folder):
                    note = f"{outside} names the working folder, where Python looks first"
                    self._add(event, "unread", note=note)
                    return
            self._add(event, "skipped", note=f"{outside}: the environment is not touched")
        elif command.tool == "conda" and not self._of_conda(command):
            self._add(event, "skipped", note="conda changes an environment of its own, not the kernel's")
        elif command.tool == "conda" or self._conda:
            reason = self._conda or "the kernel's environment is conda's"
            self._add(event, "unread", note=f"{reason}: its effect is unknown")
        elif command.unknown:
            self._add(event, "unread", note=f"{command.unknown} is known only at run time")
        elif command.action == "uninstall":
            self._uninstall(event, command)
        else:
            self._install(event, command)

    def _version(self, match: re.Match[str]) -> str:
        """The version of a module that the kernel has loaded, or loads when it is asked; as written where unknown."""
        if match["module"] == NUMPY_NAME and len(self._cases) == 1:
            return self.memory or self._disk() or match[0]
        known = None if match["module"] == NUMPY_NAME else module_version(self._session.metadata_env, match["module"])
        return known or match[0]

    def _is_own(self, target: str, option: str) -> bool:
        """Whether what goes to a folder beside the environment goes into the kernel's own."""
        prefix = str(self._session.target.prefix)
        if option == "--target":
            return bool(re.fullmatch(rf"({re.escape(prefix)}|/usr|/usr/local)/.*/(site|dist)-packages", target))
        return target in (prefix, "/usr", "/usr/local", "/") and option in ("--prefix", "--root")

    def _of_conda(self, command: Command) -> bool:
        """Whether a conda command changes the kernel's environment."""
        prefix = self._session.target.prefix
        here = command.target in ("/usr/local", str(prefix))
        return here or bool(self._conda) or ((prefix / "conda-meta").is_dir() and not command.target)

    def _outside(self, command: Command) -> str:
        """Whose environment a pip changes that isn't the kernel's; empty for the kernel's own."""
        program = PurePosixPath(command.program)
        match = _VERSION.fullmatch(program.name)
        target = self._session.target
        if match and not f"{target.short_version}.".startswith(f"{match[1]}."):
            return f"{command.program} belongs to another Python"
        if str(program.parent) in _KERNELS_OWN or str(program.parent) == str(target.python.parent):
            return ""
        return "" if "{sys.executable}" in command.program else f"{command.program} belongs to another environment"

    def _uninstall(self, event: Event, command: Command) -> None:
        names = [m[0] for word in command.requirements if (m := _NAME.match(word))]
        metadata_env = self._session.metadata_env
        there = {name: dist for name in names if (dist := metadata_env.get(name))}
        numpy = next((dist for dist in there.values() if dist.key == NUMPY_NAME), None)
        without: set[tuple[str | None, str | None]] = {(m, None) for m, _ in self._cases} if numpy else set()
        if event.condition:
            self._cases |= without
            removes = f"would remove {', '.join(map(str, there.values()))}" if there else "not installed"
            self._add(event, "uninstall", note=f"{event.condition}: {removes}")
            return
        for name in there:
            metadata_env.remove(name)
        self._cases = without or self._cases
        removes = f"removes {f'numpy {numpy.version}' if numpy else ', '.join(there)}"
        self._add(event, "uninstall", note=removes if there else "not installed")
        self.commands.append((len(self.scenes) - 1, ["-m", "pip", "uninstall", "-y", *command.requirements]))

    def _install(self, event: Event, command: Command) -> None:
        own = any(option in _PLACES for option in command.options)
        if self.unreached and not own:
            self._add(event, "unread", note=_told(self.unreached))
            return
        try:
            wanted = self._wanted(event, command)
            by_uv = command.tool == "uv" and self._session.uv is not None
            analyzer = self._session.analyzer(wanted, command.options, by_uv=by_uv)
            finding = analyzer.analyze(wanted.requirements, sure=True, whole=True)
        except DiagnoseError as error:
            # An address of its own may be what is dead; the next command has others.
            own = own or any("://" in r for r in (*command.requirements, *command.files, *command.constraints))
            if isinstance(error, IndexUnreachableError) and not own:
                self.unreached = error
            self._add(event, "unread", note=_told(error))
            return
        self.answered = self.answered or not finding.unread or not finding.failed
        if finding.moves and finding.verdict != "broken":
            said = f"if {', '.join(finding.unbuilt)} can be built, and its metadata is accurate"
            event = replace(event, condition=event.condition or said)
        before = self._disk()
        kind = "unread" if finding.unread and finding.failed else "install"
        moved = finding.subject.after if finding.moves and finding.subject else None
        if event.condition:
            if finding.moves:
                self._cases |= {(memory, moved) for memory, _ in self._cases}
        else:
            self._session.metadata_env.apply(finding.planned)
            if finding.moves:
                self._cases = {(memory, self._disk()) for memory, _ in self._cases}
            elif before is None and self._disk():
                self._cases = {(memory, disk or self._disk()) for memory, disk in self._cases}
        self._add(event, kind, finding=finding, note=self._note(event, command, finding, wanted, before))
        if not event.condition and kind == "install":
            self.commands.append((len(self.scenes) - 1, self._for_real(event, command)))

    def _for_real(self, event: Event, command: Command) -> list[str]:
        """The arguments that do the same with the interpreter's own pip, for which files are written."""
        arguments = ["-m", "pip", "install", "--quiet", *command.options]
        arguments += [w for r in command.requirements for w in (r.split(" ", 1) if r.startswith("-e ") else [r])]
        for option, place in self._files(event, command):
            text = self._texts.get(place)
            if text is not None:
                place = str(self._session.scratch / f"written-{len(self.commands)}-{len(arguments)}.txt")
                Path(place).write_text(text, encoding="utf-8", errors="replace")
            arguments += [option, place]
        return arguments

    def _wanted(self, event: Event, command: Command) -> RequirementSet:
        """All that a command asks for, its files included."""
        files = (f"{option} {shlex.quote(place)}" for option, place in self._files(event, command))
        wanted = read_lines([*command.requirements, *files], folder=self._folder, texts=self._texts)
        return understand(self._session.target, wanted)

    def _note(
        self, event: Event, command: Command, finding: Finding, wanted: RequirementSet, before: str | None
    ) -> str:
        """What else a reader should know of this command."""
        notes = [event.condition] if event.condition else []
        if command.mistaken:
            notes.append(f"{command.mistaken} is not quoted: the shell reads the bound as an output file")
        if command.tool == "uv" and self._session.uv is None:
            notes.append("resolved by pip: uv isn't installed here")
        if finding.moves and self.memory not in (None, before) and self._would_do(wanted):
            notes.append(f"numpy {self.memory}, which the kernel has loaded, satisfies it")
        if finding.moves and command.quiet:
            notes.append("-q hides the line that triggers Colab's restart warning")
        return "; ".join(notes)

    def _would_do(self, wanted: RequirementSet) -> bool:
        """Whether memory's numpy meets the bounds that the command itself states."""
        own = [r.text for r in wanted.requirements if r.name == NUMPY_NAME and not is_location(r.text)]
        if not own or self.memory is None:
            return False
        return all(admits(str(lenient(text).specifier), self.memory) for text in own)

    def _add(self, event: Event, kind: str, *, finding: Finding | None = None, note: str = "") -> None:
        disk = self._disk()
        apart = [memory is not None and memory != disk for memory, disk in self._cases]
        scene = ReplayStep(
            event.cell,
            event.line,
            event.text,
            kind,
            self.memory,
            disk,
            finding,
            note,
            condition=event.condition,
            may_part=any(apart) and not all(apart),
        )
        if scene.parted:
            symptom = first_symptom(scene.memory or "", disk) if disk else "ModuleNotFoundError in every new process"
            scene = replace(scene, symptom=symptom)
        self.scenes.append(scene)


def _told(error: DiagnoseError) -> str:
    return " ".join([error.message, *error.evidence[:1], *(f"({e})" for e in error.evidence[1:3])])
