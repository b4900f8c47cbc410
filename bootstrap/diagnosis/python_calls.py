"""What a single call in Python code would do, found without running it: run a command, restart, write a file."""

from __future__ import annotations

import ast
import shlex
from typing import TYPE_CHECKING, Any

from bootstrap.diagnosis.events import Event
from bootstrap.diagnosis.installer_call import unread_call
from bootstrap.diagnosis.shell import find_commands, mentions
from bootstrap.diagnosis.values import PLACEHOLDER, UNKNOWN, Evaluator, FilePath, Ref, as_word

if TYPE_CHECKING:
    from collections.abc import Container

MARK = "__shell__"
"""What notebooks' own lines are called with, once they are Python."""
RUNNERS = {
    *(f"subprocess.{n}" for n in ("run", "call", "check_call", "check_output", "Popen", "getoutput")),
    *("subprocess.getstatusoutput", "os.system", "os.popen"),
    *("asyncio.create_subprocess_shell", "asyncio.create_subprocess_exec"),
}
SHELLS = ("get_ipython()", "ip", "ipython", "shell", "IPython.get_ipython()")
FETCHERS = ("requests.", "httpx.", "urllib.request.urlopen", "urlopen")
"""What reads from an address."""
_UNIMPORTED = {
    *("sp.run", "sp.call", "sp.check_call", "sp.check_output", "sp.Popen", "check_call", "check_output", "Popen")
}
"""Runners by their own names, where the import wasn't seen."""
_OPEN = "open file "
_IPYTHON = ("system", "getoutput", "system_piped", "system_raw")
_PIP_MAINS = ("pip.main", "pip._internal.main", "pip._internal.cli.main.main", "pip._internal.main.main", "pipmain")
_PATHS = ("sys.path.insert", "sys.path.append", "sys.path.extend", "site.addsitedir")
_ENDS = ("exit", "quit", "os._exit", "os.abort")
# What is only shown, raised or kept, though it speaks of installing.
_SHOWS = (
    *("print", "display", "Markdown", "HTML", "input", "warn", "warning", "info", "debug", "error", "exception"),
    *("write", "append", "log", "pprint", "format", "join", "split", "replace", "strip", "dedent", "add_argument"),
    *("compile", "search", "match", "startswith", "endswith", "critical", "len", "str", "repr", "extend", "sub"),
)


def library_call(node: ast.Call, name: str, names: Evaluator, own: Container[str]) -> list[Event] | None:
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
        whole: list[Any] = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        return [Event("magic", whole[0], whole[1])]
    if (
        name in _ENDS
        or last == "do_shutdown"
        or (name == "os.kill" and _kills_itself(node))
        or (last == "unassign" and owner.endswith("runtime"))
    ):
        return [Event("restart", as_text(node), line)]
    if name.startswith("condacolab.") and last.startswith("install"):
        return [Event("condacolab", as_text(node), line)]
    if (
        name in RUNNERS
        or (last in _IPYTHON and owner.startswith(SHELLS))
        or (name in _UNIMPORTED and name not in own)
    ):
        return _command(node, names)
    given = names.items(node.args)
    words = [as_word(value) for value in given]
    if not words:
        return None
    if owner.startswith(SHELLS) and last in ("run_line_magic", "magic", "run_cell_magic"):
        return [Event("magic", "%" + " ".join(words), line)]
    if name in _PIP_MAINS:
        known = isinstance(given[0], list)
        return [Event("shell", _joined(["pip", *given[0]]) if known else f"pip install {PLACEHOLDER}", line)]
    if name == "exec" and name not in own and is_fetched(node.args[0], names):
        unread = unread_call(as_text(node), "what the code from that address does isn't known")
        return [Event("command", unread.text, line, command=unread)]
    if name in _PATHS:
        return found_in(node.args[-1], names)
    if name == "os.chdir":
        return [Event("folder", words[0], line)]
    return None


def found_in(node: ast.expr, names: Evaluator) -> list[Event]:
    """The folders, or the one, that an expression adds to ``sys.path``."""
    value = names.value(node.left if isinstance(node, ast.BinOp) else node)
    folders = value if isinstance(value, list) else [value]
    return [Event("path", as_word(folder), node.lineno) for folder in folders]


def is_fetched(node: ast.expr, names: Evaluator) -> bool:
    """Whether an expression is what an address holds: ``requests.get(...).text``, ``urlopen(...).read()``."""
    calls = [names.dotted(inner) for inner in ast.walk(node) if isinstance(inner, (ast.Name, ast.Attribute))]
    return any(name.startswith(FETCHERS) for name in calls)


def _command(node: ast.Call, names: Evaluator) -> list[Event]:
    """The command that a runner is given."""
    argument = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "args"), None)
    several = names.dotted(node.func).endswith("subprocess_exec")
    value = names.items(node.args) if several else names.value(argument)
    if isinstance(value, (list, str)):
        text = _joined(value) if isinstance(value, list) else value
        folder = next((_joined([names.value(k.value)]) for k in node.keywords if k.arg == "cwd"), "")
        return [Event("shell", f"cd {folder} && {text}" if folder else text, node.lineno)]
    unread = argument is not None and mentions(as_text(argument))
    return [Event("unread", as_text(node), node.lineno)] if unread else []


def unknown_call(node: ast.Call, name: str, names: Evaluator) -> list[Event]:
    """A call of an unknown function, if its words speak of installing."""
    last = name.rpartition(".")[2] or getattr(node.func, "attr", "")
    if last in _SHOWS or last.endswith(("Error", "Exception", "Warning")) or name.endswith("()"):
        return []
    arguments = [names.value(a) for a in (*node.args, *(k.value for k in node.keywords))]
    texts = [" ".join(map(as_word, a)) if isinstance(a, list) else as_word(a) for a in arguments]
    speaks = any(map(_is_command, texts)) or ("pip" in name.lower() and "install" in " ".join(texts).split())
    return [Event("unread", as_text(node), node.lineno)] if speaks else []


def _is_command(text: str) -> bool:
    """Whether a text is an installer's call, and not prose that speaks of one."""
    calls = find_commands(text.replace(PLACEHOLDER, "python")) if mentions(text) and "```" not in text else ()
    return any(call.action != "other" and not call.unread for call in calls)


def written_files(node: ast.Call, names: Evaluator) -> list[Event]:
    """``f.write(...)``, ``print(..., file=f)``, ``Path(...).write_text(...)``."""
    given = names.items(node.args)
    into: ast.expr | None
    match node.func:
        case ast.Attribute(value=into, attr="write" | "writelines" | "write_text"):
            first = given[0] if given else UNKNOWN
            content = "".join(map(as_word, first if isinstance(first, list) else [first]))
        case ast.Name(id="print"):
            into = next((k.value for k in node.keywords if k.arg == "file"), None)
            content = " ".join(map(as_word, given)) + "\n"
        case _:
            return []
    file = opened_file(into, names) if isinstance(into, ast.Call) else UNKNOWN
    file = names.value(into) if file is UNKNOWN else file
    if isinstance(file, FilePath):
        append, path = False, str(file)
    elif isinstance(file, Ref) and file.startswith(_OPEN):
        append, path = file[len(_OPEN)] == "a", file[len(_OPEN) + 1 :]
        if isinstance(into, ast.Name):  # what is written next comes behind it
            names.values[into.id] = Ref(f"{_OPEN}a{path}")
    else:
        return []
    return [Event("file", path, node.lineno, content=None if PLACEHOLDER in content else content, append=append)]


def opened_file(node: ast.Call, names: Evaluator) -> Any:
    """The file that a call opens for writing, with ``w`` or ``a`` before its path; `UNKNOWN` where it opens none."""
    given = names.items(node.args)
    mode = [names.value(k.value) for k in node.keywords if k.arg == "mode"]
    match node.func:
        case ast.Attribute(value=owner, attr="open") if isinstance(path := names.value(owner), FilePath):
            given.insert(0, path)
        case _ if names.dotted(node.func) not in ("open", "io.open", "codecs.open"):
            return UNKNOWN
    path, mode = given[0] if given else UNKNOWN, (*mode, *given[1:2], "r")[0]
    writes = isinstance(mode, str) and mode[:1] in ("w", "a", "x")
    if not writes or not isinstance(path, str) or isinstance(path, Ref):
        return UNKNOWN
    return Ref(f"{_OPEN}{'a' if mode[0] == 'a' else 'w'}{path}")


def _kills_itself(node: ast.Call) -> bool:
    match node.args:
        case [ast.Call(func=ast.Attribute(attr="getpid") | ast.Name(id="getpid")), *_]:
            return True
    return False


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
