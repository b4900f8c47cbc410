"""The questions: cells, requests of the protocol, and scenes of a cell and what a client does meanwhile.

The order counts: later cells use names of earlier ones. The debugger's requests go last: it stays in the process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        name: Its name.
        code: Its source.
        inputs: What is typed where it asks, in order.
    """

    name: str
    code: str
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """One message of the Jupyter protocol, to a kernel that ran PRELUDE.

    Attributes:
        name: Its name.
        kind: Message type.
        content: Its content.
        channel: shell or control.
        metadata: Of the message.
    """

    name: str
    kind: str
    content: dict[str, Any]
    channel: str = "shell"
    metadata: dict[str, Any] = field(default_factory=dict)


def _read_cells() -> list[Cell]:
    """``cells.txt``: each cell begins with ``# %% NAME``; ``## `` begins a heading."""
    text = Path(__file__).with_name("cells.txt").read_text(encoding="utf-8")
    parts = re.split(r"^# %% (.+)\n", re.sub(r"^## .*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE)[1:]
    return [Cell(name, code.strip("\n")) for name, code in zip(parts[::2], parts[1::2], strict=True)]


CELLS = _read_cells()

PRELUDE = """\
import numpy as np, os
class Foo:
  '''Foo doc'''
  def bar(self, a, b=3):
    '''bar doc'''
  @property
  def p(self): raise Exception('evaluated')
foo=Foo()
val=[1,2,3]"""

_COLAB = {"colab_options": {"include_colab_metadata": True}}


def _complete(name: str, code: str, **more: Any) -> Request:
    return Request(f"complete {name}", "complete_request", {"code": code, "cursor_pos": len(code)}, **more)


def _inspect(code: str, level: int) -> Request:
    content = {"code": code, "cursor_pos": len(code), "detail_level": level}
    return Request(f"inspect {code} {level}", "inspect_request", content)


def _debug(name: str, number: int, command: str, **arguments: Any) -> Request:
    content = {"type": "request", "seq": number, "command": command}
    return Request(name, "debug_request", {**content, **({"arguments": arguments} if arguments else {})}, "control")


_INSPECTED = ("foo", "foo.bar", "foo.p", "val", "np.array", "print", "Foo", "%time", "nothing_here")
REQUESTS = [
    _complete("foo.", "foo.", metadata=_COLAB),
    _complete("np.arr", "np.arra", metadata=_COLAB),
    _complete("plain", "os.path.jo"),
    _complete("linalg", "np.linalg.no"),
    _complete("magic", "%time", metadata=_COLAB),
    _complete("path", "open('/content/sample_data/", metadata=_COLAB),
    _complete("import", "import google.co", metadata=_COLAB),
    *(_inspect(code, level) for code in _INSPECTED for level in (0, 1)),
    Request("is_complete", "is_complete_request", {"code": "for i in x:"}),
    Request("comm_info", "comm_info_request", {}),
    Request("kernel_info", "kernel_info_request", {}),
    Request("history", "history_request", {"hist_access_type": "tail", "n": 1, "output": False, "raw": True}),
]
DEBUGGING = [
    _debug(
        "debug init",
        1,
        "initialize",
        clientID="c",
        adapterID="a",
        linesStartAt1=True,
        columnsStartAt1=True,
        pathFormat="path",
    ),
    _debug("debugInfo", 2, "debugInfo"),
    _debug("inspectVariables", 4, "inspectVariables"),
    _debug("debug disconnect", 5, "disconnect", restart=False, terminateDebuggee=False),
]

ANOTHER_NUMPY = Cell("pip-install", "%pip install -q --no-deps numpy==2.3.4")
"""After this nothing that uses numpy can be asked: Colab's own kernel then has one loaded and another one on disk."""

SCENES = [
    Cell("input", "print('hi', input('name? '))", ("you",)),
    Cell("boom", "def boom():\n  zz=41\n  return 1/0\nboom()"),
    Cell("%debug", "%debug", ("p zz", "q")),
    Cell("pdb", "import pdb\ndef w():\n  q=3\n  pdb.set_trace()\n  return q\nw()", ("p q", "c")),
    Cell("breakpoint", "def w2():\n  breakpoint()\n  return 4\nw2()", ("c",)),
]
"""Cells that ask."""

HISTORY = {
    "code": "",
    "silent": True,
    "store_history": False,
    "user_expressions": {"a": "1+1", "b": "get_ipython().history_manager._executed_cells_as_json()", "c": "1/0"},
    "allow_stdin": False,
    "stop_on_error": True,
}
"""An execute_request as the page sends it to read the history."""
