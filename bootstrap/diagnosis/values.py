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
_PATHS: dict[str, Callable[..., Any]] = {
    f"os.path.{name}": getattr(posixpath, name) for name in ("join", "basename", "dirname", "splitext", "normpath")
}
_FACTS = {"sys.executable": "python", "sys.platform": "linux", "os.name": "posix", "os.sep": "/"}
"""What is the same on every machine that this is about."""
_METHODS = ("split", "strip", "lower", "upper", "replace", "splitlines", "lstrip", "rstrip", "startswith", "endswith")


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
        if isinstance(node, ast.Name):
            held = self.values.get(node.id)
            return str(held) if isinstance(held, Ref) else node.id
        if isinstance(node, ast.Attribute):
            inner = self.dotted(node.value, depth + 1)
            return f"{inner}.{node.attr}" if inner else ""
        if isinstance(node, ast.Call):
            inner = self.dotted(node.func, depth + 1)
            return f"{inner}()" if inner else ""
        return ""

    def value(self, node: ast.expr | None, depth: int = 0) -> Any:
        """An expression's value, or `UNKNOWN`; never larger than it may be."""
        if node is None or depth > DEEPEST:
            return UNKNOWN
        try:
            found = self._value(node, depth + 1)
        except (ArithmeticError, TypeError, ValueError, LookupError, AttributeError):
            return UNKNOWN  # as running it would fail
        return UNKNOWN if isinstance(found, (str, list, dict)) and len(found) > _LARGEST else found

    def truth(self, node: ast.expr) -> bool | None:
        """Whether a condition holds; None where only running tells."""
        if self.value(node) == Ref("get_ipython()"):
            return True
        found = self._plain(node, 0)
        return None if found is UNKNOWN else bool(found)

    def _plain(self, node: ast.expr, depth: int) -> Any:
        """A value that is known whole: a module's attribute is not, nor a text with a placeholder."""
        found = self.value(node, depth)
        partly = isinstance(found, str) and (PLACEHOLDER in found or MODULE_VERSION.search(found))
        return UNKNOWN if isinstance(found, Ref) or partly else found

    def _value(self, node: ast.expr, depth: int) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return self.values.get(node.id, UNKNOWN)
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return self._items(node.elts, depth)
        if isinstance(node, ast.Dict):
            pairs = [
                (self.value(k, depth), self.value(v, depth)) for k, v in zip(node.keys, node.values, strict=True)
            ]
            return {tuple(k) if isinstance(k, list) else k: v for k, v in pairs if k is not UNKNOWN}
        if isinstance(node, ast.JoinedStr):
            return _joined("", (self._part(part, depth) for part in node.values))
        if isinstance(node, ast.BinOp):
            return self._binary(node, depth)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.truth(node.operand)
            return UNKNOWN if inner is None else not inner
        if isinstance(node, ast.BoolOp):
            return self._bool(node, depth)
        if isinstance(node, ast.Compare):
            return self._compare(node, depth)
        if isinstance(node, ast.IfExp):
            holds = self.truth(node.test)
            return UNKNOWN if holds is None else self.value(node.body if holds else node.orelse, depth)
        if isinstance(node, ast.NamedExpr):
            found = self.values[node.target.id] = self.value(node.value, depth)
            return found
        if isinstance(node, ast.Subscript):
            return self._subscript(node, depth)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, depth)
        return self._call(node, depth) if isinstance(node, ast.Call) else UNKNOWN

    def _items(self, nodes: list[ast.expr], depth: int) -> Any:
        items: list[Any] = []
        for element in nodes:
            if isinstance(element, ast.Starred):
                inner = self.value(element.value, depth)
                items += inner if isinstance(inner, list) else [UNKNOWN]
            else:
                items.append(self.value(element, depth))
        return items

    def _part(self, part: ast.expr, depth: int) -> str:
        if not isinstance(part, ast.FormattedValue):
            return as_word(self.value(part, depth))
        return PLACEHOLDER if part.format_spec is not None else as_word(self.value(part.value, depth))

    def _binary(self, node: ast.BinOp, depth: int) -> Any:
        left, right = self.value(node.left, depth), self.value(node.right, depth)
        if isinstance(node.op, ast.Add):
            if isinstance(left, list) and isinstance(right, list):
                return left + right
            if isinstance(left, str) or isinstance(right, str):
                return as_word(left) + as_word(right)
        if UNKNOWN in (left, right) or isinstance(left, Ref) or isinstance(right, Ref):
            return UNKNOWN
        if isinstance(node.op, ast.Mod) and isinstance(left, str) and not _WIDTH.search(left):
            return left % (tuple(right) if isinstance(right, list) else right)
        if isinstance(node.op, ast.Div) and isinstance(left, FilePath):
            return FilePath(PurePosixPath(left) / right)
        simple = {ast.Add: operator.add, ast.Sub: operator.sub}.get(type(node.op))
        return simple(left, right) if simple and {type(left), type(right)} <= {int, float} else UNKNOWN

    def _bool(self, node: ast.BoolOp, depth: int) -> Any:
        values = [self._plain(v, depth) for v in node.values]
        decides = isinstance(node.op, ast.Or)
        if any(v is not UNKNOWN and bool(v) == decides for v in values):
            known = next(v for v in values if v is not UNKNOWN and bool(v) == decides)
            return known if values[0] is not UNKNOWN else decides
        return UNKNOWN if UNKNOWN in values else values[-1]

    def _compare(self, node: ast.Compare, depth: int) -> Any:
        if len(node.ops) != 1:
            return UNKNOWN
        left, right = self._plain(node.left, depth), self._plain(node.comparators[0], depth)
        op = node.ops[0]
        if isinstance(left, str) and isinstance(op, (ast.In, ast.NotIn)):
            place = self.dotted(node.comparators[0])
            module = left if place == "sys.modules" else ""
            if left == "google.colab" and place.startswith(("get_ipython()", "str")):
                module = left
            elif left.startswith("COLAB_") and "os.environ" in ast.unparse(node.comparators[0]):
                module = "google.colab"  # every Colab machine sets some
            if module:
                return isinstance(op, ast.In) if self.importable(module) else UNKNOWN
            if place == "os.environ" and left in self.environ:
                return isinstance(op, ast.In)
        if left is UNKNOWN or right is UNKNOWN or (isinstance(right, (list, dict)) and not _known(right)):
            return UNKNOWN
        return _COMPARISONS[type(op)](left, right)

    def _subscript(self, node: ast.Subscript, depth: int) -> Any:
        owner = self.value(node.value, depth)
        if self.dotted(node.value) == "os.environ":
            name = self.value(node.slice, depth)
            return self.environ.get(name, UNKNOWN) if isinstance(name, str) else UNKNOWN
        if isinstance(node.slice, ast.Slice):
            parts = [0 if p is None else self.value(p, depth) for p in (node.slice.lower, node.slice.upper)]
            whole = isinstance(owner, (str, list)) and not isinstance(owner, Ref)
            if UNKNOWN in parts or node.slice.step is not None or not whole:
                return UNKNOWN
            return owner[parts[0] : None if node.slice.upper is None else parts[1]]
        key: Any = self._plain(node.slice, depth)
        if key is UNKNOWN or isinstance(owner, Ref) or not isinstance(owner, (str, list, dict)):
            return UNKNOWN
        key = tuple(key) if isinstance(key, list) else key
        found: Any = owner
        return found[key]

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
        arguments = self._items(list(node.args), depth)
        if name in ("get_ipython", "IPython.get_ipython", "IPython.core.getipython.get_ipython"):
            return Ref("get_ipython()")
        if _known(arguments) and not node.keywords and (found := self._function(name, arguments)) is not UNKNOWN:
            return found
        if not isinstance(node.func, ast.Attribute):
            return UNKNOWN
        owner, method = self.value(node.func.value, depth), node.func.attr
        if isinstance(owner, Ref) or (method in ("startswith", "endswith") and PLACEHOLDER in str(owner)):
            return UNKNOWN
        if isinstance(owner, FilePath) and method in ("absolute", "resolve", "expanduser"):
            return owner
        if isinstance(owner, str) and method == "join" and arguments and isinstance(arguments[0], list):
            return _joined(owner, map(as_word, arguments[0]))
        if isinstance(owner, str) and method == "format" and not _WIDTH.search(owner):
            named = {k.arg: as_word(self.value(k.value, depth)) for k in node.keywords if k.arg}
            return owner.format(*map(as_word, arguments), **named)
        if isinstance(owner, str) and method in _METHODS and UNKNOWN not in arguments and not node.keywords:
            if method == "replace" and len(owner) * len(arguments[-1]) > _LARGEST:
                return UNKNOWN
            return getattr(str(owner), method)(*arguments)
        if isinstance(owner, dict) and method in ("keys", "values", "items"):
            return [list(i) if isinstance(i, tuple) else i for i in getattr(owner, method)()]
        if isinstance(owner, dict) and method == "get" and arguments and arguments[0] is not UNKNOWN:
            return owner.get(*arguments)
        return UNKNOWN

    def _function(self, name: str, arguments: list[Any]) -> Any:
        """A function of the standard library, called with what is known."""
        first = arguments[0] if arguments else None
        if name in ("os.environ.get", "os.getenv") and first in self.environ:
            return self.environ[first]
        if name == "platform.system":
            return "Linux"
        if name == "importlib.util.find_spec" and isinstance(first, str):
            known = self.importable(first)
            return UNKNOWN if known is None else f"the module {first}" if known else None
        if name in ("Path", "pathlib.Path", "pathlib.PurePath"):
            return FilePath(PurePosixPath(*arguments))
        if name in _PATHS and all(isinstance(a, str) for a in arguments):
            found = _PATHS[name](*arguments)
            return list(found) if isinstance(found, tuple) else found
        if name == "shlex.split" and isinstance(first, str):
            return shlex.split(first)
        if name == "range" and all(isinstance(a, int) for a in arguments):
            return list(range(*arguments)[:_LARGEST])
        if name in ("list", "tuple", "sorted", "set") and isinstance(first, (list, dict)):
            return list(first)
        if name == "enumerate" and isinstance(first, list):
            return [list(pair) for pair in enumerate(first)]
        if name == "zip" and all(isinstance(a, list) for a in arguments):
            return [list(items) for items in zip(*arguments, strict=False)]
        if name == "str" and len(arguments) == 1 and isinstance(first, (str, int, float)):
            return str(first)
        return UNKNOWN


def _joined(separator: str, parts: Iterable[str]) -> Any:
    found: list[str] = []
    size = 0
    for part in parts:
        found.append(part)
        size += len(part) + len(separator)
        if size > _LARGEST:
            return UNKNOWN
    return separator.join(found)


def _known(value: Any) -> bool:
    held = value.values() if isinstance(value, dict) else value
    return not any(one is UNKNOWN or isinstance(one, Ref) for one in held)


def as_word(value: Any) -> str:
    """A value within a text; a placeholder where it isn't known: ``{numpy.__version__}``, ``{...}``."""
    if isinstance(value, Ref) and MODULE_VERSION.fullmatch(f"{{{value}}}"):
        return f"{{{value}}}"
    return PLACEHOLDER if isinstance(value, (list, dict, Ref, _Unknown)) else str(value)
