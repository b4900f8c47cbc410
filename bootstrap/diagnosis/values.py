"""What expressions of Python come to, as far as literals tell it; nothing is run."""

from __future__ import annotations

import ast
import operator
import posixpath
import re
import shlex
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DEEPEST = 60
"""Expressions nested deeper than this count as unknown."""
_LARGEST = 20_000
"""Texts and lists longer than this count as unknown."""
PLACEHOLDER = "{...}"
MODULE_VERSION = re.compile(r"\{(?P<module>[A-Za-z_][\w.]*)\.__version__\}")
"""Stands for a module's version, which depends on what was installed before."""


class _Unknown:
    """What only running tells."""

    def __repr__(self) -> str:
        return PLACEHOLDER


UNKNOWN: Any = _Unknown()


class Ref(str):
    """A name's meaning: ``subprocess.run``, ``get_ipython()``, the name of one of the notebook's own classes."""

    __slots__ = ()


class FilePath(str):
    """A ``pathlib.Path``."""

    __slots__ = ()


_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: lambda a, b: a is b,
    ast.IsNot: lambda a, b: a is not b,
}
_WIDTH = re.compile(r"%[^a-z%]*[\d*]|\{[^{}]*:")
"""Formats that could make a text of any length."""
_PATHS = ("join", "basename", "dirname", "splitext", "normpath")
_FACTS = {"sys.executable": "python", "sys.platform": "linux", "os.name": "posix", "os.sep": "/"}
"""What is the same on every machine that this is about."""
_METHODS = ("split", "strip", "lower", "upper", "replace", "splitlines", "lstrip", "rstrip", "startswith", "endswith")
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "platform.system": lambda: "Linux",
    **dict.fromkeys(("Path", "pathlib.Path", "pathlib.PurePath"), lambda *parts: FilePath(PurePosixPath(*parts))),
    **{f"os.path.{name}": getattr(posixpath, name) for name in _PATHS},
    "shlex.split": lambda text: shlex.split(text) if isinstance(text, str) else UNKNOWN,
    "range": lambda *bounds: list(range(*bounds)[:_LARGEST]),
    **dict.fromkeys(("list", "tuple", "sorted", "set"), list),
    "enumerate": lambda items: [list(pair) for pair in enumerate(items)],
    "zip": lambda *lists: [list(items) for items in zip(*lists, strict=False)],
    "str": lambda value: UNKNOWN if isinstance(value, (list, dict)) else str(value),
}
"""Functions of the standard library, called only with what is known."""


class Evaluator:
    """Names and what they hold."""

    def __init__(self, importable: Callable[[str], bool | None]) -> None:
        """Begins with nothing known.

        Args:
            importable: Whether a module can be imported; None where that can't be told.
        """
        self.values: dict[str, Any] = {"__name__": "__main__"}
        self.environ: dict[str, str] = {}
        self.importable = importable

    def dotted(self, node: ast.expr, depth: int = 0) -> str:
        """``a.b().c`` as text, names as they were imported; empty for what is no such chain."""
        if depth > DEEPEST:
            return ""
        match node:
            case ast.Name(id=name):
                held = self.values.get(name)
                return str(held) if isinstance(held, Ref) else name
            case ast.Attribute(value=inner, attr=attribute):
                end = f".{attribute}"
            case ast.Call(func=inner):
                end = "()"
            case _:
                return ""
        start = self.dotted(inner, depth + 1)
        return start and f"{start}{end}"

    def value(self, node: ast.expr | None, depth: int = 0) -> Any:
        """An expression's value, or `UNKNOWN`; never larger than it may be."""
        if node is None or depth > DEEPEST:
            return UNKNOWN
        try:
            value = self._value(node, depth + 1)
        except (ArithmeticError, TypeError, ValueError, LookupError, AttributeError):
            return UNKNOWN  # as running it would fail
        return UNKNOWN if isinstance(value, (str, list, dict)) and len(value) > _LARGEST else value

    def items(self, nodes: list[ast.expr], depth: int = 0) -> list[Any]:
        """The values of a list's elements, or of a call's arguments."""
        values: list[Any] = []
        for element in nodes:
            if isinstance(element, ast.Starred):
                inner = self.value(element.value, depth)
                values += inner if isinstance(inner, list) else [UNKNOWN]
            else:
                values.append(self.value(element, depth))
        return values

    def truth(self, node: ast.expr) -> bool | None:
        """Whether a condition holds; None where only running tells."""
        value = self.value(node)
        if value == Ref("get_ipython()"):
            return True
        return None if plain(value) is UNKNOWN else bool(value)

    def _value(self, node: ast.expr, depth: int) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self.values.get(name, UNKNOWN)
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                return self.items(elements, depth)
            case ast.Dict(keys=keys, values=values):
                pairs = [(self.value(k, depth), self.value(v, depth)) for k, v in zip(keys, values, strict=True)]
                return {_key(k): v for k, v in pairs if k is not UNKNOWN}
            case ast.JoinedStr(values=parts):
                return _joined("", (as_word(self.value(part, depth)) for part in parts))
            case ast.FormattedValue(value=inner, format_spec=None):
                return self.value(inner, depth)
            case ast.BinOp():
                return self._binary(node, depth)
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                holds = self.truth(inner)
                return UNKNOWN if holds is None else not holds
            case ast.BoolOp():
                return self._bool(node, depth)
            case ast.Compare(ops=[op], comparators=[right]):
                return self._compare(node.left, op, right, depth)
            case ast.IfExp():
                holds = self.truth(node.test)
                return UNKNOWN if holds is None else self.value(node.body if holds else node.orelse, depth)
            case ast.NamedExpr(target=ast.Name(id=name), value=inner):
                assigned = self.values[name] = self.value(inner, depth)
                return assigned
            case ast.Subscript():
                return self._subscript(node, depth)
            case ast.Attribute():
                return self._attribute(node, depth)
            case ast.Call():
                return self._call(node, depth)
        return UNKNOWN

    def _binary(self, node: ast.BinOp, depth: int) -> Any:
        left, right = self.value(node.left, depth), self.value(node.right, depth)
        if isinstance(node.op, ast.Add):
            if isinstance(left, list) and isinstance(right, list):
                return left + right
            if isinstance(left, str) or isinstance(right, str):
                return as_word(left) + as_word(right)
        if not _known((left, right)):
            return UNKNOWN
        match node.op:
            case ast.Mod() if isinstance(left, str) and not _WIDTH.search(left):
                return left % (tuple(right) if isinstance(right, list) else right)
            case ast.Div() if isinstance(left, FilePath):
                return FilePath(PurePosixPath(left) / right)
            case ast.Add() | ast.Sub() if {type(left), type(right)} <= {int, float}:
                return left + right if isinstance(node.op, ast.Add) else left - right
        return UNKNOWN

    def _bool(self, node: ast.BoolOp, depth: int) -> Any:
        values = [plain(self.value(v, depth)) for v in node.values]
        decides = isinstance(node.op, ast.Or)
        deciding = [v for v in values if v is not UNKNOWN and bool(v) == decides]
        if deciding:
            return decides if values[0] is UNKNOWN else deciding[0]
        return UNKNOWN if UNKNOWN in values else values[-1]

    def _compare(self, first: ast.expr, op: ast.cmpop, second: ast.expr, depth: int) -> Any:
        left, right = plain(self.value(first, depth)), plain(self.value(second, depth))
        if isinstance(left, str) and isinstance(op, (ast.In, ast.NotIn)):
            place = self.dotted(second)
            module = left if place == "sys.modules" else ""
            if left == "google.colab" and place.startswith(("get_ipython()", "str")):
                module = left
            elif left.startswith("COLAB_") and "os.environ" in ast.unparse(second):
                module = "google.colab"  # every Colab machine sets some
            if module:
                return isinstance(op, ast.In) if self.importable(module) else UNKNOWN
            if place == "os.environ" and left in self.environ:
                return isinstance(op, ast.In)
        if UNKNOWN in (left, right) or (isinstance(right, (list, dict)) and not _known(right)):
            return UNKNOWN
        return _COMPARISONS[type(op)](left, right)

    def _subscript(self, node: ast.Subscript, depth: int) -> Any:
        owner: Any = self.environ if self.dotted(node.value) == "os.environ" else self.value(node.value, depth)
        if isinstance(owner, Ref) or not isinstance(owner, (str, list, dict)):
            return UNKNOWN
        match node.slice:
            case ast.Slice(lower=lower, upper=upper, step=None):
                bounds = [None if bound is None else self.value(bound, depth) for bound in (lower, upper)]
                return owner[slice(*bounds)]
            case _:
                return owner[_key(plain(self.value(node.slice, depth)))]

    def _attribute(self, node: ast.Attribute, depth: int) -> Any:
        name = self.dotted(node)
        if name in _FACTS:
            return _FACTS[name]
        if name in self.values:
            return self.values[name]
        owner = self.value(node.value, depth)
        if isinstance(owner, FilePath) and node.attr in ("name", "stem", "parent"):
            return str(getattr(PurePosixPath(owner), node.attr))
        return Ref(name) if name and isinstance(owner, Ref) else UNKNOWN

    def _call(self, node: ast.Call, depth: int) -> Any:
        name = self.dotted(node.func)
        arguments = self.items(node.args, depth)
        first = arguments[0] if arguments else UNKNOWN
        if name in ("get_ipython", "IPython.get_ipython", "IPython.core.getipython.get_ipython"):
            return Ref("get_ipython()")
        if name in ("os.environ.get", "os.getenv") and first in self.environ:
            return self.environ[first]
        if name == "importlib.util.find_spec" and isinstance(first, str):
            there = self.importable(first)
            return UNKNOWN if there is None else f"the module {first}" if there else None
        if name in _FUNCTIONS and _known(arguments) and not node.keywords:
            result = _FUNCTIONS[name](*arguments)
            return list(result) if isinstance(result, tuple) else result
        if not isinstance(node.func, ast.Attribute):
            return UNKNOWN
        owner, method = self.value(node.func.value, depth), node.func.attr
        match owner:
            case Ref():
                return UNKNOWN
            case FilePath() if method in ("absolute", "resolve", "expanduser"):
                return owner
            case str() if method == "join" and isinstance(first, list):
                return _joined(owner, map(as_word, first))
            case str() if method == "format" and not _WIDTH.search(owner):
                named = {k.arg: as_word(self.value(k.value, depth)) for k in node.keywords if k.arg}
                return owner.format(*map(as_word, arguments), **named)
            case str() if method in _METHODS and UNKNOWN not in arguments and not node.keywords:
                grows = method == "replace" and len(owner) * len(arguments[-1]) > _LARGEST
                asked = method in ("startswith", "endswith") and PLACEHOLDER in owner
                return UNKNOWN if grows or asked else getattr(str(owner), method)(*arguments)
            case dict() if method in ("keys", "values", "items"):
                return [list(i) if isinstance(i, tuple) else i for i in getattr(owner, method)()]
            case dict() if method == "get" and first is not UNKNOWN:
                return owner.get(*arguments)
        return UNKNOWN


def plain(value: Any) -> Any:
    """A value that is known whole: a module's attribute is not, nor a text with a placeholder."""
    partly = isinstance(value, str) and (PLACEHOLDER in value or MODULE_VERSION.search(value))
    return UNKNOWN if isinstance(value, Ref) or partly else value


def _key(value: Any) -> Any:
    """A value as a dictionary's key, or as an index."""
    return tuple(value) if isinstance(value, list) else value


def _joined(separator: str, parts: Iterable[str]) -> Any:
    pieces: list[str] = []
    size = 0
    for part in parts:
        pieces.append(part)
        size += len(part) + len(separator)
        if size > _LARGEST:
            return UNKNOWN
    return separator.join(pieces)


def _known(values: Iterable[Any]) -> bool:
    held = values.values() if isinstance(values, dict) else values
    return not any(value is UNKNOWN or isinstance(value, Ref) for value in held)


def as_word(value: Any) -> str:
    """A value within a text; a placeholder where it isn't known: ``{numpy.__version__}``, ``{...}``."""
    if isinstance(value, Ref) and MODULE_VERSION.fullmatch(f"{{{value}}}"):
        return f"{{{value}}}"
    return PLACEHOLDER if isinstance(value, (list, dict, Ref, _Unknown)) else str(value)
