"""What a notebook's cells install, in their order: shell lines, magics, and calls from Python."""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from bootstrap.diagnosis.bounded_read import read_bytes
from bootstrap.diagnosis.cellcode import filled, parse_cell
from bootstrap.diagnosis.installer_call import Command
from bootstrap.diagnosis.python_calls import Call
from bootstrap.diagnosis.python_cells import CodeReader
from bootstrap.diagnosis.shell import TELLING, Effect, mentions, read_shell
from bootstrap.diagnosis.values import PLACEHOLDER
from bootstrap.errors import NotebookError, RequirementsNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from bootstrap.diagnosis.python_calls import Call

EventKind = Literal["command", "restart", "file", "import", "condacolab", "conda", "path", "unread"]

_SHELLS = ("bash", "sh", "shell", "script", "system", "sx", "!")
_PYTHON_CELLS = ("capture", "time", "timeit", "prun", "debug")
_PYTHONS = ("python", "python3", "pypy")
_TEXTS = ("html", "HTML", "javascript", "js", "latex", "markdown", "svg", "SVG", "R", "cython", "sql", "perl", "ruby")
_NOTHING = ("false", "true", "echo", "cat", ":")
_HOME = "/content"
"""Colab's working folder: a notebook's files there are those beside it."""
_IMPORTERS = {
    *("numpy", "pandas", "scipy", "torch", "sklearn", "matplotlib", "tensorflow", "jax", "datasets", "cv2"),
    *("transformers", "seaborn", "pytorch_lightning", "lightning", "torchvision", "captum", "xgboost", "statsmodels"),
}


@dataclass(frozen=True)
class Event:
    """Something in a notebook that bears on what is installed or loaded."""

    kind: EventKind
    cell: int
    """Counted from 1, code cells and others, as notebooks number them when read from the top."""
    line: int
    """Within the cell, from 1."""
    text: str
    """What stands there; of a file its path, from the notebook's folder."""
    command: Command | None = None
    content: str | None = ""
    """Of a file that the cell writes; None where only running tells it."""
    condition: str = ""
    """Why it may not happen."""
    never: str = ""
    """Why it doesn't happen."""
    folder: str = ""
    """The working folder, from the notebook's."""
    owner: str = ""
    """The function that it stands in, where nothing has called that yet."""

    @property
    def where(self) -> str:
        """For a person."""
        return f"cell {self.cell}, line {self.line}"


def notebook_cells(path: Path) -> list[tuple[int, str]]:
    """The code cells of a notebook file, with their numbers.

    Raises:
        RequirementsNotFoundError: It can't be read.
        NotebookError: It isn't a notebook.
    """
    try:
        data = json.loads(read_bytes(path))
    except OSError as error:
        evidence = [f"{path}: {error.strerror or error}"]
        raise RequirementsNotFoundError("Can't read the notebook.", evidence=evidence) from error
    except (ValueError, RecursionError) as error:
        raise NotebookError("The file isn't a notebook.", evidence=[f"{path}: {error}"]) from error
    cells = _cells(data)
    if cells is None:
        raise NotebookError("The file isn't a notebook.", evidence=[f"{path}: no cells"])
    found = []
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))
            lines = source if isinstance(source, list) else [source]
            found.append((number, "".join(line for line in lines if isinstance(line, str))))
    return found


def _cells(data: Any) -> list[Any] | None:
    """The cells of format 4, or of the older ones with worksheets."""
    if not isinstance(data, dict):
        return None
    if isinstance(data.get("cells"), list):
        return list(data["cells"])
    sheets = data.get("worksheets")
    if not isinstance(sheets, list):
        return None
    lists = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
    return [cell for cells in lists if isinstance(cells, list) for cell in cells] if any(lists) else None


def read_cells(
    cells: Iterable[tuple[int, str]], importable: Callable[[str], bool | None] = lambda _: None
) -> list[Event]:
    """The events of code cells, given with their numbers; later cells know what earlier ones defined."""
    reader = _Reader(importable)
    found: list[Event] = []
    for number, source in cells:
        found += reader.cell(number, source)
    return [event for e in found if (event := reader.settled(e)) is not None]


class _Reader:
    """Reads cells one after the other."""

    def __init__(self, importable: Callable[[str], bool | None]) -> None:
        self._code = CodeReader(self._importable)
        self._asked = importable
        self._changed = False
        """Whether something has happened that may bring modules."""
        self._files: dict[str, str | None] = {}
        """What the notebook has written, by path from its folder; None where only running tells."""
        self._folder = ""
        self._number = 0
        self._offset = 0
        """Lines of the cell above what is being read."""
        self._depth = 0

    def _importable(self, module: str) -> bool | None:
        known = self._asked(module)
        return None if known is False and self._changed else known

    def settled(self, event: Event) -> Event | None:
        """An event of a function's body, now that it is known whether the function is called."""
        if not event.owner:
            return event
        if event.owner in self._code.called:
            return None
        if event.owner.rpartition(".")[2] in self._code.passed:
            name = event.owner.replace("()", "")
            return replace(event, never="", condition=f"in {name}, which may be called elsewhere")
        return event if event.kind in ("command", "unread") else None

    def cell(self, number: int, source: str) -> list[Event]:
        """What one cell does. Whatever is wrong with it concerns it alone."""
        self._number, self._offset, self._depth = number, 0, 0
        found: list[Event] = []
        source = source.encode("utf-8", "replace").decode("utf-8")  # half of a pair is no character
        try:
            for event in self._cell(source.split("\n")):
                found.append(event)
                self._changed = self._changed or event.kind != "import"
                if event.kind == "file" and not event.never:
                    self._files[event.text] = event.content
        except (Exception, RecursionError, MemoryError) as error:
            if mentions(source):
                found.append(Event("unread", number, 1, f"the cell can't be analysed ({type(error).__name__})"))
        return found

    def _event(self, kind: EventKind, line: int, text: str, **more: Any) -> Event:
        return Event(kind, self._number, line + self._offset, text, folder=self._folder, **more)

    def _cell(self, lines: list[str]) -> Iterator[Event]:
        first = next((i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), None)
        if first is None:
            return
        head = lines[first].strip()
        if not head.startswith("%%"):
            yield from self._python(lines)
            return
        name, _, rest = head[2:].partition(" ")
        body = lines[first + 1 :]
        self._offset += first + 1
        if name in ("writefile", "file"):
            words = [w.strip("'\"") for w in rest.split()]
            append = any(w in ("-a", "--append") for w in words)
            goal = next((w for w in reversed(words) if not w.startswith("-")), "")
            yield from self._write(0, filled(goal, self._code.names), "\n".join(body) + "\n", append=append)
        elif name == "script":
            yield from self._script(rest.split(), body)
        elif name in _SHELLS:
            yield from self._shell(1, "\n".join(body), lined=True)
        elif name in _PYTHONS:
            yield from self._process("\n".join(body))
        elif name in _PYTHON_CELLS:
            yield from self._cell(body)
        elif name not in _TEXTS and mentions("\n".join(body)):
            yield self._event("unread", 0, f"%%{name}", command=None)

    def _script(self, words: list[str], body: list[str]) -> Iterator[Event]:
        """``%%script bash``, ``%%script false``, ``%%script python``."""
        program = next((w for w in words if not w.startswith("-")), "")
        name = PurePosixPath(program).name
        if name in _NOTHING:
            for event in self._shell(1, "\n".join(body), lined=True):
                yield replace(event, never=event.never or f"%%script {name} doesn't run it")
        elif name.startswith(_PYTHONS):
            yield from self._process("\n".join(body))
        elif name in ("bash", "sh", "zsh", "dash"):
            yield from self._shell(1, "\n".join(body), lined=True)
        elif mentions("\n".join(body)):
            yield self._event("unread", 0, f"%%script {program}")

    def _python(self, lines: list[str]) -> Iterator[Event]:
        code = parse_cell(lines)
        if code is None:
            if mentions("\n".join(line for line in lines if not line.lstrip().startswith("#"))):
                yield self._event("unread", 1, "the cell isn't Python")
            return
        condition = f"if the cell runs at all: line {code.broken + self._offset} isn't Python" if code.broken else ""
        for call in self._code.read(code.tree):
            for event in self._from_call(call):
                yield replace(event, condition=event.condition or condition, owner=call.owner)

    def _from_call(self, call: Call) -> Iterator[Event]:
        if call.kind == "shell":
            found = self._magic(call) if call.content is None else self._shell(call.line, call.text)
            for event in found:
                yield replace(event, condition=call.condition or event.condition, never=call.never or event.never)
        elif call.kind == "import":
            if call.text.split(".")[0] in _IMPORTERS and not call.condition and not call.never:
                yield self._event("import", call.line, call.text)
            own = None if call.never else self._files.get(self._path(f"{call.text.replace('.', '/')}.py"))
            for event in self._process(own, call.line) if own else ():
                yield replace(event, condition=call.condition or event.condition)
        elif call.kind == "file":
            if not call.never:
                content = None if call.condition else call.content
                yield from self._write(call.line, call.text, content, append=call.append)
        elif call.kind == "folder":
            if not call.never:
                self._go(call.text, sure=not call.condition)
        else:
            kind: EventKind = call.kind
            text = self._path(call.text) if kind == "path" else call.text
            yield self._event(kind, call.line, text, condition=call.condition, never=call.never)

    def _magic(self, call: Call) -> Iterator[Event]:
        """One of a notebook's own lines."""
        text = call.text
        if text.startswith("!"):
            yield from self._shell(call.line, filled(text.lstrip("!"), self._code.names))
            return
        name, _, rest = text[1:].partition(" ")
        rest = filled(rest, self._code.names).strip()
        if name in ("pip", "pip3", "conda", "mamba", "micromamba", "uv"):
            yield from self._shell(call.line, f"{name} {rest}")
        elif name in ("system", "sx", "bash", "sh", "shell"):
            yield from self._shell(call.line, rest)
        elif name == "sc":
            yield from self._shell(call.line, rest.partition("=")[2])
        elif name in ("cd", "pushd"):
            if not call.never:
                self._go(rest.strip("'\""), sure=not call.condition)
        elif name in ("env", "set_env"):
            variable, sign, value = rest.partition("=") if "=" in rest else rest.partition(" ")
            if sign and not call.never:
                self._code.names.environ[variable.strip()] = value.strip()
        elif name == "run":
            yield from self._run(call.line, rest.split()[:1])
        elif mentions(rest):
            yield self._event("unread", call.line, text)

    def _shell(self, line: int, text: str, *, lined: bool = False) -> Iterator[Event]:
        """What some shell does; with ``lined``, each command told with the line it stands on."""
        if self._depth > 4:
            return
        start, at = text.split("\n"), 0
        for found in read_shell(text, self._code.names.environ):
            place = line
            if lined and isinstance(found, Command):
                word = found.text.split()[0]
                at = next((i for i in range(at, len(start)) if word in start[i]), at)
                place, at = line + at, at + (at + 1 < len(start))
            state = {"condition": found.condition, "never": found.never}
            if isinstance(found, Command):
                folder = self._path(found.folder)
                event = self._event("command", place, found.text, command=found, **state)
                yield replace(event, folder=folder)
            elif found.kind == "file":
                yield from self._write(
                    place, posixpath.join(found.folder, found.name), found.content, append=found.append
                )
            elif found.kind == "conda":
                yield self._event("conda", place, found.name, **state)
            else:
                yield from (replace(e, condition=e.condition or found.condition, never=e.never or found.never)
                            for e in self._effect(place, found))  # fmt: skip

    def _effect(self, line: int, found: Effect) -> Iterator[Event]:
        """A script that is run."""
        self._depth += 1
        try:
            if found.kind == "python":
                yield from self._process(found.content or "", line)
            elif found.kind == "run":
                yield from self._run(line, [posixpath.join(found.folder, found.name)])
            else:
                path = self._path(posixpath.join(found.folder, found.name))
                content = self._files.get(path)
                if content is not None:
                    yield from self._shell(line, content)
                elif TELLING.search(found.name):
                    yield self._event("unread", line, f"what the script {found.name} does isn't known")
        finally:
            self._depth -= 1

    def _run(self, line: int, names: list[str]) -> Iterator[Event]:
        """A Python file that is run."""
        for name in names:
            content = self._files.get(self._path(name))
            if content is not None:
                yield from self._process(content, line)
            elif TELLING.search(name):
                yield self._event("unread", line, f"what the script {name} does isn't known")

    def _process(self, text: str, line: int | None = None) -> Iterator[Event]:
        """Python that runs in a process of its own: only what it installs is felt here."""
        code = parse_cell(text.split("\n"))
        if code is None:
            if mentions(text):
                yield self._event("unread", line or 1, "the code isn't Python")
            return
        outer, self._code = self._code, CodeReader(self._code.names.importable)
        try:
            for call in self._code.read(code.tree):
                if call.kind in ("shell", "unread") and (not call.owner or call.owner in self._code.passed):
                    for event in self._from_call(call):
                        yield event if line is None else replace(event, line=line + self._offset)
        finally:
            self._code = outer

    def _write(self, line: int, name: str, content: str | None, *, append: bool) -> Iterator[Event]:
        path = self._path(name)
        if append and content is not None and path in self._files:
            before = self._files[path]
            content = None if before is None else before + content
        yield self._event("file", line, path, content=content)

    def _go(self, name: str, *, sure: bool) -> None:
        self._folder = self._path(name) if sure else PLACEHOLDER

    def _path(self, name: str) -> str:
        """A path from the notebook's folder."""
        return path_from(self._folder, name)


def path_from(folder: str, name: str) -> str:
    """A path as it is meant in a working folder: from the notebook's folder, absolute where it lies elsewhere."""
    path = posixpath.normpath(posixpath.join(_HOME, folder, name))
    if path == _HOME:
        return ""
    return path.removeprefix(f"{_HOME}/")
