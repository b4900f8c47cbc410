"""What a single call in Python code would do, found without running it: run a command, restart, write a file."""

from __future__ import annotations

import ast
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bootstrap.diagnosis.shell import find_commands, mentions
from bootstrap.diagnosis.values import PLACEHOLDER, UNKNOWN, Evaluator, FilePath, Ref, as_word

if TYPE_CHECKING:
    from collections.abc import Container

CallKind = Literal["shell", "restart", "import", "condacolab", "file", "folder", "path", "unread"]

MARK = "__shell__"
"""What notebooks' own lines are called with, once they are Python."""
RUNNERS = {
    *(f"subprocess.{n}" for n in ("run", "call", "check_call", "check_output", "Popen", "getoutput")),
    *("subprocess.getstatusoutput", "os.system", "os.popen"),
    *("asyncio.create_subprocess_shell", "asyncio.create_subprocess_exec"),
}
SHELLS = ("get_ipython()", "ip", "ipython", "shell", "IPython.get_ipython()")
_IPYTHON = ("system", "getoutput", "system_piped", "system_raw")
_PIP_MAINS = ("pip.main", "pip._internal.main", "pip._internal.cli.main.main", "pip._internal.main.main", "pipmain")
_ENDS = ("exit", "quit", "os._exit", "os.abort")
# What is only shown, raised or kept, though it speaks of installing.
_SHOWS = (
    *("print", "display", "Markdown", "HTML", "input", "warn", "warning", "info", "debug", "error", "exception"),
    *("write", "append", "log", "pprint", "format", "join", "split", "replace", "strip", "dedent", "add_argument"),
    *("compile", "search", "match", "startswith", "endswith", "critical", "len", "str", "repr", "extend", "sub"),
)


@dataclass(frozen=True)
class Call:
    """Something that code would do."""

    kind: CallKind
    line: int
    text: str
    content: str | None = ""
    """Of a file; None where only running tells it."""
    condition: str = ""
    """Why it may not happen."""
    never: str = ""
    """Why it doesn't happen."""
    append: bool = False
    owner: str = ""
    """The function that it stands in, where it was not called (yet)."""


def direct_calls(node: ast.Call, name: str, names: Evaluator, own: Container[str]) -> list[Call] | None:
    """What a call of a library's function would do; None for any other function.

    Args:
        node: The call.
        name: The function's dotted name.
        names: What the names in it mean.
        own: The notebook's own functions.
    """
    owner, _, last = name.rpartition(".")
    line = node.lineno
    if name == MARK:
        given: Any = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        return [Call("shell", given[1], given[0], None)]
    if (
        name in _ENDS
        or last == "do_shutdown"
        or (name == "os.kill" and _kills_itself(node))
        or (last == "unassign" and owner.endswith("runtime"))
    ):
        return [Call("restart", line, as_text(node))]
    if name.startswith("condacolab.") and last.startswith("install"):
        return [Call("condacolab", line, as_text(node))]
    if owner.startswith(SHELLS) and last in ("run_line_magic", "magic", "run_cell_magic") and node.args:
        words = [as_word(names.value(a)) for a in node.args]
        return [Call("shell", line, "%" + " ".join(words), None)]
    if name in _PIP_MAINS and node.args:
        words = names.value(node.args[0])
        known = isinstance(words, list)
        return [Call("shell", line, _joined(["pip", *words]) if known else f"pip install {PLACEHOLDER}")]
    if name in RUNNERS or (last in _IPYTHON and owner.startswith(SHELLS)) or _unimported_runner(name, own):
        return _command(node, names)
    if ((owner == "sys.path" and last in ("insert", "append", "extend")) or name == "site.addsitedir") and node.args:
        return found_in(node.args[-1], names)
    if name == "os.chdir" and node.args:
        return [Call("folder", line, as_word(names.value(node.args[0])))]
    return None


def found_in(node: ast.expr, names: Evaluator) -> list[Call]:
    """The folders, or the one, that an expression adds to ``sys.path``."""
    value = names.value(node.left if isinstance(node, ast.BinOp) else node)
    folders = value if isinstance(value, list) else [value]
    return [Call("path", node.lineno, as_word(folder)) for folder in folders]


def _unimported_runner(name: str, own: Container[str]) -> bool:
    """Whether it is a runner by its own name, where the import wasn't seen."""
    return name in ("sp.run", "sp.call", "sp.check_call", "sp.check_output", "sp.Popen") or (
        name in ("check_call", "check_output", "Popen") and name not in own
    )


def _command(node: ast.Call, names: Evaluator) -> list[Call]:
    """The command that a runner is given."""
    argument = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "args"), None)
    several = names.dotted(node.func).endswith("subprocess_exec")
    value = names.value(ast.List(node.args, ast.Load()) if several else argument)
    if isinstance(value, (list, str)):
        text = _joined(value) if isinstance(value, list) else value
        folder = next((_joined([names.value(k.value)]) for k in node.keywords if k.arg == "cwd"), "")
        return [Call("shell", node.lineno, f"cd {folder} && {text}" if folder else text)]
    unread = argument is not None and mentions(as_text(argument))
    return [Call("unread", node.lineno, as_text(node))] if unread else []


def unknown_calls(node: ast.Call, name: str, names: Evaluator) -> list[Call]:
    """A call of an unknown function, if its words speak of installing."""
    last = name.rpartition(".")[2] or getattr(node.func, "attr", "")
    if last in _SHOWS or last.endswith(("Error", "Exception", "Warning")) or name.endswith("()"):
        return []
    arguments = [names.value(a) for a in (*node.args, *(k.value for k in node.keywords))]
    texts = [" ".join(map(as_word, a)) if isinstance(a, list) else as_word(a) for a in arguments]
    speaks = any(_is_command(text) for text in texts) or (
        "pip" in name.lower() and "install" in " ".join(texts).split()
    )
    return [Call("unread", node.lineno, as_text(node))] if speaks else []


def _is_command(text: str) -> bool:
    """Whether a text is an installer's call, and not prose that speaks of one."""
    calls = find_commands(text.replace(PLACEHOLDER, "python")) if mentions(text) and "```" not in text else ()
    return any(call.action != "other" and not call.unread for call in calls)


def written_files(node: ast.Call, names: Evaluator) -> list[Call]:
    """``f.write(...)``, ``print(..., file=f)``, ``Path(...).write_text(...)``."""
    into: ast.expr | None = None
    content: Any = UNKNOWN
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("write", "writelines", "write_text"):
        into = node.func.value
        content = names.value(node.args[0]) if node.args else UNKNOWN
        if isinstance(content, list):
            content = UNKNOWN if UNKNOWN in content else "".join(map(str, content))
    elif isinstance(node.func, ast.Name) and node.func.id == "print":
        into = next((k.value for k in node.keywords if k.arg == "file"), None)
        values = [names.value(a) for a in node.args]
        content = UNKNOWN if UNKNOWN in values else " ".join(map(str, values)) + "\n"
    place = None if into is None else _goal(into, names)
    if place is None:
        return []
    mode, path = place
    content = content if isinstance(content, str) and PLACEHOLDER not in content else None
    return [Call("file", node.lineno, path, content, append=mode != "w")]


def _goal(into: ast.expr, names: Evaluator) -> tuple[str, str] | None:
    """What an expression writes to: how, and the file."""
    if isinstance(into, ast.Call) and (place := opened_file(into, names)):
        return place
    value = names.value(into)
    if isinstance(value, FilePath):
        return "w", str(value)
    if isinstance(value, Ref) and value.startswith("open file "):
        mode, path = value[10], value[11:]
        if isinstance(into, ast.Name):  # what is written next comes behind it
            names.values[into.id] = Ref(f"open file a{path}")
        return mode, path
    return None


def opened_file(node: ast.Call, names: Evaluator) -> tuple[str, str] | None:
    """How a call opens a file for writing (``w`` or ``a``), and which; None where it opens none."""
    name = names.dotted(node.func)
    owner = names.value(node.func.value) if isinstance(node.func, ast.Attribute) else None
    arguments = [names.value(a) for a in node.args]
    mode = next((names.value(k.value) for k in node.keywords if k.arg == "mode"), None)
    if name in ("open", "io.open", "codecs.open") and arguments:
        path, mode = arguments[0], mode or (arguments[1] if len(arguments) > 1 else "r")
    elif isinstance(owner, FilePath) and isinstance(node.func, ast.Attribute) and node.func.attr == "open":
        path, mode = owner, mode or (arguments[0] if arguments else "r")
    else:
        return None
    if not isinstance(path, str) or not isinstance(mode, str) or mode[:1] not in ("w", "a", "x"):
        return None
    return ("a" if mode[0] == "a" else "w"), str(path)


def _kills_itself(node: ast.Call) -> bool:
    first = node.args[0] if node.args else None
    return (
        isinstance(first, ast.Call)
        and isinstance(first.func, (ast.Attribute, ast.Name))
        and (getattr(first.func, "attr", getattr(first.func, "id", "")) == "getpid")
    )


def as_text(node: ast.AST) -> str:
    """An expression as text, on one line; not all of it where it is long."""
    try:
        text = " ".join(ast.unparse(node).split())
    except (RecursionError, ValueError):
        return PLACEHOLDER
    return text if len(text) <= 80 else f"{text[:77]}..."


def _joined(values: list[Any]) -> str:
    """A command's words as a line for a shell."""
    words = map(as_word, values)
    return " ".join(word if word == PLACEHOLDER else shlex.quote(word) for word in words)
