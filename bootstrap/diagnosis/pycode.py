"""Installations that Python code would run, found without running it.

Follows what notebooks really do: literal commands, strings put together from literals, loops over literal lists,
and helper functions that are called with literals. What can't be told is shown as ``{...}``, never guessed.
"""

from __future__ import annotations

import ast
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

CallKind = Literal["shell", "restart", "import", "condacolab", "file"]

_MOST = 200
"""So many turns of a loop, or calls of functions within functions, are followed."""
_RUNNERS = ("run", "call", "check_call", "check_output", "Popen", "system", "getoutput", "getstatusoutput", "popen")
_IPYTHON = ("system", "getoutput", "system_piped", "system_raw")
_UNKNOWN = "{...}"


@dataclass(frozen=True)
class Call:
    """Something that code would do."""

    kind: CallKind
    line: int
    text: str
    content: str = ""
    condition: str = ""


class CodeReader:
    """Reads cell after cell and remembers literals and functions."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._functions: dict[str, ast.FunctionDef] = {}
        self._depth = 0

    def read(self, tree: ast.Module) -> Iterator[Call]:
        """What a cell's code would do, in order."""
        yield from self._block(tree.body, "")

    def _block(self, body: list[ast.stmt], condition: str) -> Iterator[Call]:
        for statement in body:
            yield from self._statement(statement, condition)

    def _statement(self, node: ast.stmt, condition: str) -> Iterator[Call]:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for name in names:
                yield Call("import", node.lineno, name)
        elif isinstance(node, ast.FunctionDef):
            self._functions[node.name] = node
        elif isinstance(node, ast.Assign):
            yield from self._calls(node.value, condition)
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self._values[target.id] = self._value(node.value)
        elif isinstance(node, ast.For):
            yield from self._loop(node, condition)
        elif isinstance(node, ast.If):
            yield from self._calls(node.test, condition)
            yield from self._block(node.body, condition or "under an if")
            yield from self._block(node.orelse, condition or "under an if")
        elif isinstance(node, ast.Try):
            yield from self._block(node.body, condition)
            for handler in node.handlers:
                yield from self._block(handler.body, condition or "only after an error")
            yield from self._block([*node.orelse, *node.finalbody], condition)
        elif isinstance(node, ast.With):
            yield from self._with(node, condition)
        elif isinstance(node, ast.While):
            yield from self._block(node.body, condition or "in a loop")
        else:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    yield from self._calls(child, condition)

    def _loop(self, node: ast.For, condition: str) -> Iterator[Call]:
        values = self._value(node.iter)
        if isinstance(values, dict):
            values = list(values)
        if not isinstance(values, list) or not isinstance(node.target, ast.Name):
            yield from self._block(node.body, condition)
            return
        for value in values[:_MOST]:
            self._values[node.target.id] = value
            yield from self._block(node.body, condition)

    def _with(self, node: ast.With, condition: str) -> Iterator[Call]:
        """``with open('requirements.txt', 'w') as f: f.write(...)`` makes a file that a later command reads."""
        opened: dict[str, str] = {}
        for item in node.items:
            call = item.context_expr
            if isinstance(call, ast.Call) and _dotted(call.func) == "open" and call.args:
                name = self._value(call.args[0])
                if isinstance(name, str) and isinstance(item.optional_vars, ast.Name):
                    opened[item.optional_vars.id] = name
        for handle, name in opened.items():
            parts = [
                self._value(call.args[0])
                for call in ast.walk(node)
                if isinstance(call, ast.Call) and _dotted(call.func) == f"{handle}.write" and call.args
            ]
            if parts and all(isinstance(part, str) for part in parts):
                yield Call("file", node.lineno, name, content="".join(parts))
        yield from self._block(node.body, condition)

    def _calls(self, node: ast.expr, condition: str) -> Iterator[Call]:
        for call in [n for n in ast.walk(node) if isinstance(n, ast.Call)]:
            yield from self._call(call, condition)

    def _call(self, node: ast.Call, condition: str) -> Iterator[Call]:
        name = _dotted(node.func)
        last = name.rpartition(".")[2]
        if name in ("exit", "quit", "os._exit", "os.kill", "os.abort", "sys.exit") or last == "do_shutdown":
            if name != "sys.exit" and not (name == "os.kill" and not _kills_itself(node)):
                yield Call("restart", node.lineno, ast.unparse(node), condition=condition)
            return
        if last.startswith("install") and name.startswith("condacolab."):
            yield Call("condacolab", node.lineno, ast.unparse(node))
            return
        if last in ("run_line_magic", "magic") and node.args:
            words = [self._value(a) for a in node.args]
            yield Call("shell", node.lineno, " ".join(map(_word, words)), condition=condition)
            return
        if name in ("pip.main", "pip._internal.main", "pipmain", "main") and node.args:
            words = self._value(node.args[0])
            if isinstance(words, list) and name != "main":
                yield Call("shell", node.lineno, " ".join(["pip", *map(_quoted, words)]), condition=condition)
            return
        runs = (name.startswith(("subprocess.", "os.", "sp.")) and last in _RUNNERS) or name in _RUNNERS[:5]
        shell = last in _IPYTHON and name.startswith(("get_ipython()", "ip.", "ipython.", "shell."))
        if (runs or shell) and node.args:
            yield from self._command(node, condition)
        elif name in self._functions and self._depth < 5:
            yield from self._follow(self._functions[name], node, condition)

    def _command(self, node: ast.Call, condition: str) -> Iterator[Call]:
        value = self._value(node.args[0])
        text = " ".join(map(_quoted, value)) if isinstance(value, list) else _word(value)
        yield Call("shell", node.lineno, text, condition=condition)

    def _follow(self, function: ast.FunctionDef, node: ast.Call, condition: str) -> Iterator[Call]:
        """A call of a function of the notebook's own, with its arguments bound."""
        saved = dict(self._values)
        names = [a.arg for a in function.args.args]
        for name, default in zip(reversed(names), reversed(function.args.defaults), strict=False):
            self._values[name] = self._value(default)
        for name, argument in zip(names, node.args, strict=False):
            self._values[name] = self._value(argument)
        if function.args.vararg:
            self._values[function.args.vararg.arg] = [self._value(a) for a in node.args[len(names) :]]
        for keyword in node.keywords:
            if keyword.arg:
                self._values[keyword.arg] = self._value(keyword.value)
        self._depth += 1
        try:
            for call in self._block(function.body, condition):
                yield Call(call.kind, node.lineno, call.text, call.content, call.condition)
        finally:
            self._depth -= 1
            self._values = saved

    def _value(self, node: ast.expr) -> Any:
        """A literal's value; None for what only running tells."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return self._values.get(node.id)
        if isinstance(node, ast.Attribute) and _dotted(node) == "sys.executable":
            return "python"
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            items: list[Any] = []
            for element in node.elts:
                if isinstance(element, ast.Starred):
                    inner = self._value(element.value)
                    items += inner if isinstance(inner, list) else [None]
                else:
                    items.append(self._value(element))
            return items
        if isinstance(node, ast.Dict):
            return {self._value(k): self._value(v) for k, v in zip(node.keys, node.values, strict=True) if k}
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.FormattedValue) else part for part in node.values)
            return "".join(_word(self._value(part)) for part in parts)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self._value(node.left), self._value(node.right)
            if isinstance(left, list) and isinstance(right, list):
                return left + right
            if isinstance(left, str) or isinstance(right, str):
                return _word(left) + _word(right)
        return self._method(node) if isinstance(node, ast.Call) else None

    def _method(self, node: ast.Call) -> Any:
        """``'a b'.split()``, ``' '.join(list)``, ``shlex.split(...)``."""
        if _dotted(node.func) == "shlex.split" and node.args:
            text = self._value(node.args[0])
            return shlex.split(text) if isinstance(text, str) else None
        if not isinstance(node.func, ast.Attribute):
            return None
        owner = self._value(node.func.value)
        if isinstance(owner, str) and node.func.attr == "split" and not node.args:
            return owner.split()
        if isinstance(owner, str) and node.func.attr == "join" and node.args:
            parts = self._value(node.args[0])
            return owner.join(map(_word, parts)) if isinstance(parts, list) else None
        if isinstance(owner, str) and node.func.attr in ("strip", "format"):
            return owner.strip() if node.func.attr == "strip" else None
        return None


def _dotted(node: ast.expr) -> str:
    """``a.b().c`` as text; empty for what is no such chain."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    if isinstance(node, ast.Call):
        inner = _dotted(node.func)
        return f"{inner}()" if inner else ""
    return ""


def _kills_itself(node: ast.Call) -> bool:
    return bool(node.args) and isinstance(node.args[0], ast.Call) and _dotted(node.args[0].func) == "os.getpid"


def _word(value: Any) -> str:
    return _UNKNOWN if value is None or isinstance(value, (list, dict)) else str(value)


def _quoted(value: Any) -> str:
    word = _word(value)
    return word if word == _UNKNOWN else shlex.quote(word)
