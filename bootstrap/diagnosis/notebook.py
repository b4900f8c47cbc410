"""What a notebook's cells install, in their order: shell lines, magics, and calls from Python."""

from __future__ import annotations

import json
import posixpath
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from bootstrap.address import is_address
from bootstrap.diagnosis.bounded_read import read_bytes
from bootstrap.diagnosis.cellcode import filled, parse_cell
from bootstrap.diagnosis.events import Event
from bootstrap.diagnosis.python_cells import CodeReader
from bootstrap.diagnosis.shell import TELLING, mentions, read_shell
from bootstrap.diagnosis.values import PLACEHOLDER
from bootstrap.errors import NotebookError, RequirementsNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_INSTALLERS = ("pip", "pip3", "conda", "mamba", "micromamba", "uv")
_SHELLS = ("bash", "sh", "shell", "zsh", "dash", "script", "system", "sx", "!")
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
_DEEPEST = 4
"""Scripts that run each other are followed so far."""


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
    code_cells = []
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))
            lines = source if isinstance(source, list) else [source]
            code_cells.append((number, "".join(line for line in lines if isinstance(line, str))))
    return code_cells


def _cells(data: Any) -> list[Any] | None:
    """The cells of format 4, or of the older ones with worksheets."""
    holders = [data]
    if isinstance(data, dict) and isinstance(data.get("worksheets"), list):
        holders += data["worksheets"]
    lists = [h["cells"] for h in holders if isinstance(h, dict) and isinstance(h.get("cells"), list)]
    return [cell for cells in lists for cell in cells] if lists else None


def read_cells(
    cells: Iterable[tuple[int, str]], importable: Callable[[str], bool | None] = lambda _: None
) -> list[Event]:
    """The events of code cells, given with their numbers; later cells know what earlier ones defined."""
    reader = _CellReader(importable)
    events: list[Event] = []
    for number, source in cells:
        events += reader.cell(number, source)
    return [event for e in events if (event := reader.settled(e)) is not None]


class _CellReader:
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
        events: list[Event] = []
        source = source.encode("utf-8", "replace").decode("utf-8")  # half of a pair is no character
        try:
            for event in self._cell(source.split("\n")):
                events.append(event)
                self._changed = self._changed or event.kind != "import"
                if event.kind == "file" and not event.never:
                    self._files[event.text] = event.content
        except (Exception, RecursionError, MemoryError) as error:
            if mentions(source):
                text = f"the cell can't be analysed ({type(error).__name__})"
                events.append(Event("unread", text, cell=number))
        return events

    def _event(self, event: Event) -> Event:
        """An event with the place where it happens."""
        folder = self._path(event.folder) if event.command else self._folder
        return replace(event, cell=self._number, line=event.line + self._offset, folder=folder)

    def _unread(self, line: int, text: str) -> Event:
        return self._event(Event("unread", text, line))

    def _cell(self, lines: list[str]) -> Iterator[Event]:
        first = next((i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), None)
        if first is None:
            return
        head = lines[first].strip()
        if not head.startswith("%%"):
            yield from self._python(lines)
            return
        name, _, rest = head[2:].partition(" ")
        text = "\n".join(lines[first + 1 :])
        title = f"%%{name}"
        self._offset += first + 1
        if name == "script":
            program = next((w for w in rest.split() if not w.startswith("-")), "")
            name, title = PurePosixPath(program).name.rstrip("0123456789."), f"%%script {program}"
        if name in ("writefile", "file"):
            words = [w.strip("'\"") for w in rest.split()]
            append = any(w in ("-a", "--append") for w in words)
            goal = next((w for w in reversed(words) if not w.startswith("-")), "")
            yield self._written(Event("file", filled(goal, self._code.names), 0, content=f"{text}\n", append=append))
        elif name in _NOTHING:
            for event in self._shell(1, text, lined=True):
                yield event.under("", f"%%script {name} doesn't run it")
        elif name in _SHELLS:
            yield from self._shell(1, text, lined=True)
        elif name in _PYTHONS:
            yield from self._process(text)
        elif name in _PYTHON_CELLS:
            yield from self._cell(lines[first + 1 :])
        elif name not in _TEXTS and mentions(text):
            yield self._unread(0, title)

    def _python(self, lines: list[str]) -> Iterator[Event]:
        code = parse_cell(lines)
        if code is None:
            if mentions("\n".join(line for line in lines if not line.lstrip().startswith("#"))):
                yield self._unread(1, "the cell isn't Python")
            return
        condition = f"if the cell runs at all: line {code.broken + self._offset} isn't Python" if code.broken else ""
        for call in self._code.read(code.tree):
            for event in self._called(call):
                yield replace(event.under(condition, ""), owner=call.owner)

    def _process(self, text: str, line: int | None = None) -> Iterator[Event]:
        """Python that runs in a process of its own: only what it installs is felt here."""
        code = parse_cell(text.split("\n"))
        if code is None:
            if mentions(text):
                yield self._unread(line or 1, "the code isn't Python")
            return
        outer, self._code = self._code, CodeReader(self._code.names.importable)
        try:
            for call in self._code.read(code.tree):
                runs = not call.owner or call.owner in self._code.passed
                if runs and call.kind in ("shell", "magic", "command", "unread"):
                    for event in self._called(call):
                        yield event if line is None else replace(event, line=line + self._offset)
        finally:
            self._code = outer

    def _called(self, call: Event) -> Iterator[Event]:
        """What a call in code comes to; its own condition is told before those within."""
        for event in self._resolved(call):
            yield replace(event, condition=call.condition or event.condition, never=call.never or event.never)

    def _resolved(self, event: Event) -> Iterator[Event]:
        """What an event of code or of a shell comes to in this notebook."""
        match event.kind:
            case "shell":
                yield from self._shell(event.line, event.text)
            case "magic":
                yield from self._magic(event)
            case "import":
                if event.text.split(".")[0] in _IMPORTERS and not event.condition and not event.never:
                    yield self._event(event)
                own = None if event.never else self._files.get(self._path(f"{event.text.replace('.', '/')}.py"))
                if own:
                    yield from self._process(own, event.line)
            case "file":
                if not event.never:
                    yield self._written(event)
            case "folder":
                self._go(event)
            case "python" | "run" | "script":
                self._depth += 1
                try:
                    yield from self._run(event)
                finally:
                    self._depth -= 1
            case "path":
                yield self._event(replace(event, text=self._path(event.text)))
            case _:
                yield self._event(event)

    def _magic(self, call: Event) -> Iterator[Event]:
        """One of a notebook's own lines."""
        names = self._code.names
        if call.text.startswith("!"):
            yield from self._shell(call.line, filled(call.text.lstrip("!"), names))
            return
        name, _, rest = call.text[1:].partition(" ")
        rest = filled(rest, names).strip()
        if name in _INSTALLERS:
            yield from self._shell(call.line, f"{name} {rest}")
        elif name in _SHELLS:
            yield from self._shell(call.line, rest)
        elif name == "sc":
            yield from self._shell(call.line, rest.partition("=")[2])
        elif name in ("cd", "pushd"):
            self._go(replace(call, text=rest.strip("'\"")))
        elif name in ("env", "set_env"):
            variable, sign, value = rest.partition("=" if "=" in rest else " ")
            if sign and not call.never:
                names.environ[variable.strip()] = value.strip()
        elif name == "run":
            if rest:
                yield from self._resolved(replace(call, kind="run", text=rest.split()[0]))
        elif mentions(rest):
            yield self._unread(call.line, call.text)

    def _shell(self, line: int, text: str, *, lined: bool = False) -> Iterator[Event]:
        """What some shell does; with ``lined``, each command told with the line it stands on."""
        if self._depth > _DEEPEST:
            return
        start, at = text.split("\n"), 0
        for unresolved in read_shell(text, self._code.names.environ):
            place = line
            if lined and unresolved.command:
                word = unresolved.text.split()[0]
                at = next((i for i in range(at, len(start)) if word in start[i]), at)
                place, at = line + at, at + (at + 1 < len(start))
            for event in self._resolved(replace(unresolved, line=place)):
                yield event.under(unresolved.condition, unresolved.never)

    def _run(self, event: Event) -> Iterator[Event]:
        """Python text that is run, or a script of Python or a shell."""
        name = posixpath.join(event.folder, event.text)
        content = event.text if event.kind == "python" else self._files.get(self._path(name))
        script = event.text if event.kind == "script" else name
        if content is None:
            if TELLING.search(script) or is_address(script):
                yield self._unread(event.line, f"what the script {script} does isn't known")
        elif event.kind == "script":
            yield from self._shell(event.line, content)
        else:
            yield from self._process(content, event.line)

    def _written(self, file: Event) -> Event:
        path = self._path(posixpath.join(file.folder, file.text))
        content = None if file.condition else file.content
        if file.append and content is not None and path in self._files:
            before = self._files[path]
            content = None if before is None else before + content
        return self._event(Event("file", path, file.line, content=content))

    def _go(self, call: Event) -> None:
        if not call.never:
            self._folder = PLACEHOLDER if call.condition else self._path(call.text)

    def _path(self, name: str) -> str:
        """A path from the notebook's folder."""
        return path_from(self._folder, name)


def path_from(folder: str, name: str) -> str:
    """A path as it is meant in a working folder: from the notebook's folder, absolute where it lies elsewhere."""
    path = posixpath.normpath(posixpath.join(_HOME, folder, name))
    if path == _HOME:
        return ""
    return path.removeprefix(f"{_HOME}/")
