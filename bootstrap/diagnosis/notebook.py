"""What a notebook's cells install, in their order: shell lines, magics, and calls from Python."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from bootstrap.diagnosis.pycode import CodeReader
from bootstrap.diagnosis.shell import Command, find_commands
from bootstrap.errors import NotebookError, RequirementsNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

EventKind = Literal["command", "restart", "file", "import", "condacolab"]

_MAGIC = re.compile(r"^(?P<indent>\s*)(?:[\w, ]+=\s*)?(?P<sign>!!?|%)(?P<rest>.*)$")
_BARE = re.compile(r"^(?P<indent>\s*)(?P<rest>(?:pip|conda|mamba|micromamba|uv)\s+\w+.*)$")
_SHELLS = ("bash", "sh", "shell", "script", "system", "sx")
_PYTHON_CELLS = ("capture", "time", "timeit", "prun", "python", "python3", "debug")
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
    command: Command | None = None
    content: str = ""
    """Of a file that the cell writes."""

    @property
    def where(self) -> str:
        """For a person."""
        return f"cell {self.cell}, line {self.line}"


def read_notebook(path: Path) -> list[Event]:
    """The events of a notebook file.

    Raises:
        RequirementsNotFoundError: It can't be read.
        NotebookError: It is no notebook.
    """
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        evidence = [f"{path}: {error.strerror}"]
        raise RequirementsNotFoundError("The notebook can't be read.", evidence=evidence) from error
    except ValueError as error:
        raise NotebookError("The file isn't a notebook.", evidence=[f"{path}: {error}"]) from error
    cells = _cells(data)
    if cells is None:
        raise NotebookError("The file isn't a notebook.", evidence=[f"{path}: it has no cells"])
    sources = []
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))
            sources.append((number, "".join(source) if isinstance(source, list) else str(source)))
    return read_cells(sources)


def _cells(data: Any) -> list[Any] | None:
    """The cells of format 4, or of the older ones with worksheets."""
    if not isinstance(data, dict):
        return None
    if isinstance(data.get("cells"), list):
        return list(data["cells"])
    sheets = data.get("worksheets")
    if isinstance(sheets, list):
        return [c for sheet in sheets if isinstance(sheet, dict) for c in sheet.get("cells", [])]
    return None


def read_cells(cells: Iterable[tuple[int, str]]) -> list[Event]:
    """The events of code cells, given with their numbers; later cells know what earlier ones defined."""
    code = CodeReader()
    found: list[Event] = []
    for number, source in cells:
        found += _read_cell(number, source, code)
    return found


def _read_cell(number: int, source: str, code: CodeReader) -> Iterator[Event]:
    lines = source.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return
    head = lines[first].strip()
    if head.startswith("%%"):
        name, _, rest = head[2:].partition(" ")
        body = "\n".join(lines[first + 1 :])
        if name == "writefile":
            yield Event("file", number, first + 1, rest.removeprefix("-a ").strip(), content=f"{body}\n")
            return
        if name in _SHELLS:
            yield from _shell_body(number, first + 2, body)
            return
        if name not in _PYTHON_CELLS:
            return
        lines[: first + 1] = [""] * (first + 1)
    events, rest_of_code = _magics(number, lines)
    try:
        tree = ast.parse("\n".join(rest_of_code))
    except (SyntaxError, ValueError):
        yield from events
        return
    events += _from_code(number, code, tree)
    yield from sorted(events, key=lambda e: e.line)


def _shell_body(number: int, start: int, body: str) -> Iterator[Event]:
    """Each logical line of a shell cell."""
    at, joined = start, ""
    for offset, line in enumerate(body.split("\n")):
        joined = f"{joined} {line}" if joined else line
        if line.endswith("\\"):
            joined = joined[:-1]
            continue
        yield from _commands(number, at, joined)
        joined, at = "", start + offset + 1


def _commands(number: int, line: int, text: str) -> Iterator[Event]:
    for command in find_commands(text):
        yield Event("command", number, line, command.text, command)


def _magics(number: int, lines: list[str]) -> tuple[list[Event], list[str]]:
    """Events of the lines that are not Python, and the code with ``pass`` in their places."""
    events: list[Event] = []
    code = list(lines)
    at = 0
    while at < len(lines):
        start, line = at, lines[at]
        found = _MAGIC.match(line) or _BARE.match(line)
        at += 1
        if found is None:
            continue
        text = found["rest"]
        while text.endswith("\\") and at < len(lines):
            text = f"{text[:-1]} {lines[at].strip()}"
            at += 1
        sign = found.groupdict().get("sign") or "%"
        code[start:at] = [f"{found['indent']}pass"] + [""] * (at - start - 1)
        events += _commands(number, start + 1, _as_shell(sign, text))
    return events, code


def _as_shell(sign: str, text: str) -> str:
    """A magic as the shell line that it comes to; empty for those that run none."""
    text = text.strip()
    if sign == "!" or sign == "!!":
        return text
    name, _, rest = text.partition(" ")
    if name in ("pip", "pip3", "conda", "mamba", "micromamba", "uv"):
        return text
    if name in ("system", "sx", "sc", "bash", "sh"):
        return rest
    return ""


def _from_code(number: int, code: CodeReader, tree: ast.Module) -> list[Event]:
    events: list[Event] = []
    for call in code.read(tree):
        if call.kind == "shell":
            for event in _commands(number, call.line, call.text):
                command = event.command
                if command is not None and call.condition:
                    command = replace(command, condition=call.condition)
                events.append(replace(event, command=command))
        elif call.kind == "import":
            if call.text.split(".")[0] in _IMPORTERS:
                events.append(Event("import", number, call.line, call.text))
        elif call.kind == "file":
            events.append(Event("file", number, call.line, call.text, content=call.content))
        else:
            events.append(Event(call.kind, number, call.line, call.text))
    return events
