"""Installations that Python code would run, found without running it.

The code is followed as a program: branches whose conditions literals decide, loops over literals, functions and
methods of its own where they are called. What can't be told is shown as ``{...}``, and what depends on it carries the
condition; neither is guessed.
"""

from __future__ import annotations

import ast
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from bootstrap.diagnosis.events import Event
from bootstrap.diagnosis.python_calls import (
    FETCHERS,
    RUNNERS,
    SHELLS,
    as_text,
    found_in,
    library_call,
    opened_file,
    unknown_call,
    written_files,
)
from bootstrap.diagnosis.values import DEEPEST, UNKNOWN, Evaluator, Ref, as_word

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from contextlib import AbstractContextManager

_Flow = Literal["", "ends", "may end"]
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_SAFE = (ast.Import, ast.ImportFrom, ast.Assign, ast.Pass, ast.Expr)
"""Statements that are not expected to fail behind an import that succeeds."""
_TURNS = 200
_STEPS = 50_000
"""So many statements are followed in a notebook; what comes after is said to be unread."""
_UNCALLED_STEPS = 500
_CALLS_WITHIN = 6
_CHANGES = ("insert", "remove", "pop", "clear", "update", "sort", "reverse", "append", "extend")
"""Methods after which a list or dictionary isn't known."""
_STARS = {"subprocess": "run call check_call check_output Popen getoutput getstatusoutput", "os": "system popen"}


class CodeTooLong(Exception):  # noqa: N818 - not an error of the notebook's
    """There is too much to be followed."""


class CodeReader:
    """Reads cell after cell and remembers literals and functions."""

    def __init__(self, importable: Callable[[str], bool | None] = lambda _: None) -> None:
        self.names = Evaluator(importable)
        self.called: set[str] = set()
        """The functions that were called."""
        self.passed: set[str] = set()
        """Functions that were handed on, so that others may call them."""
        self._functions: dict[str, _Function] = {}
        self._depth = 0
        self._steps = 0
        self._limit = _STEPS
        self._place: dict[str, Any] = {"condition": "", "never": "", "owner": ""}
        """What holds for all that is found here: its events' fields; in a call, the line that has led here too."""

    def read(self, tree: ast.Module) -> Iterator[Event]:
        """What a cell's code would do, in order."""
        yield from self._block(tree.body)

    @contextmanager
    def _at(self, **changes: Any) -> Iterator[None]:
        before = self._place
        self._place = {**before, **changes}
        try:
            yield
        finally:
            self._place = before

    @contextmanager
    def _scope(self) -> Iterator[None]:
        """Names that are set within are as before after it."""
        before = dict(self.names.values)
        try:
            yield
        finally:
            self.names.values = before

    def _under(self, said: str) -> AbstractContextManager[None]:
        """Where something may not run; a condition around it stays the one that is told."""
        return self._at(condition=self._place["condition"] or said)

    def _here(self, events: Iterable[Event]) -> list[Event]:
        return [replace(event, **self._place) for event in events]

    # Statements

    def _block(self, body: list[ast.stmt], said: str = "") -> Generator[Event, None, _Flow]:
        """Statements in order; ``said`` is why they may not run."""
        flow: _Flow = ""
        with self._under(said):
            for statement in body:
                self._steps += 1
                if self._steps > self._limit:
                    raise CodeTooLong
                ended = yield from self._statement(statement)
                if ended == "ends":
                    return "may end" if flow else "ends"
                if ended == "may end":
                    flow = ended
                    said = self._place["condition"] or "unless it has returned before"
                    self._place = {**self._place, "condition": said}
        return flow

    def _statement(self, node: ast.stmt) -> Generator[Event, None, _Flow]:
        match node:
            case ast.Import() | ast.ImportFrom():
                yield from self._import(node)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield from self._define(name, node)
                self.passed.update(name for _ in node.decorator_list)
            case ast.ClassDef(name=name):
                self.names.values[name] = Ref(name)
                for inner in node.body:
                    if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)):
                        yield from self._define(f"{name}().{inner.name}", inner)
            case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
                yield from self._expression(value)
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    yield from self._searched(target, value)
                    self._bind(target, self.names.value(value), value)
            case ast.AugAssign(target=target, op=op, value=value):
                yield from self._expression(value)
                yield from self._searched(target, value)
                self._bind(target, self.names.value(ast.BinOp(target, op, value)))
            case ast.For() | ast.AsyncFor():
                return (yield from self._for(node))
            case ast.While():
                yield from self._while(node)
            case ast.If():
                return (yield from self._if(node))
            case ast.Try():
                return (yield from self._try(node))
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    yield from self._expression(item.context_expr)
                    if item.optional_vars is not None:
                        self._bind(item.optional_vars, UNKNOWN, item.context_expr)
                return (yield from self._block(node.body))
            case ast.Match():
                yield from self._expression(node.subject)
                yield from self._branches([(case.body, "in a case") for case in node.cases])
            case ast.Return(value=result):
                yield from self._expression(result)
                return "ends"
            case ast.Raise() | ast.Break() | ast.Continue():
                return "ends"
            case ast.Delete(targets=targets):
                for target in targets:
                    self._bind(target, UNKNOWN)
            case _:
                if type(node).__name__ == "TryStar":
                    return (yield from self._try(node))  # type: ignore[arg-type]
                yield from self._expressions(node)
                return "ends" if self._exits(node) else ""
        return ""

    def _searched(self, target: ast.expr, value: ast.expr) -> Iterator[Event]:
        """The folders that ``sys.path = ...``, ``sys.path[:0] = ...`` or ``sys.path += ...`` adds."""
        if self.names.dotted(target.value if isinstance(target, ast.Subscript) else target) == "sys.path":
            yield from self._here(found_in(value, self.names))

    def _exits(self, node: ast.stmt) -> bool:
        """Whether a statement ends the cell."""
        match node:
            case ast.Expr(value=ast.Call(func=function)):
                return self.names.dotted(function) == "sys.exit"
        return False

    def _import(self, node: ast.Import | ast.ImportFrom) -> Iterator[Event]:
        values = self.names.values
        modules = _modules(node, self.names)
        for alias in node.names:
            if isinstance(node, ast.Import):
                first = alias.name.partition(".")[0]
                values[alias.asname or first] = Ref(alias.name if alias.asname else first)
                continue
            for name in _STARS.get(modules[0], "").split() if alias.name == "*" else [alias.name]:
                values[alias.asname or name] = Ref(f"{modules[0]}.{name}")
        yield from self._here(Event("import", module, node.lineno) for module in modules)

    def _define(self, name: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Event]:
        """Remembers a function, and tells what it would do if somebody called it."""
        self._functions[name] = node
        self.called.discard(name)
        if self._place["owner"]:
            return
        self.names.values.pop(name, None)
        never = self._place["never"] or f"in {name.replace('()', '')}, which nothing calls"
        self._limit = min(_STEPS, self._steps + _UNCALLED_STEPS)
        with self._at(owner=name, never=never, condition=""), self._scope(), suppress(CodeTooLong):
            self.names.values.update(dict.fromkeys(_parameters(node), UNKNOWN))
            yield from self._block(node.body)
        self._limit = _STEPS

    def _bind(self, target: ast.expr, value: Any, source: ast.expr | None = None) -> None:
        """Gives a target a value; where that isn't known, its source may tell something all the same."""
        names, values = self.names, self.names.values
        match target:
            case ast.Name(id=name):
                self._functions.pop(name, None)
                if isinstance(source, ast.Lambda):
                    self._functions[name] = source
                elif isinstance(source, ast.Name) and source.id in self._functions:
                    self._functions[name] = self._functions[source.id]
                values[name] = self._made(source) if value is UNKNOWN else value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                known = isinstance(value, list) and len(value) == len(targets)
                for inner, item in zip(targets, value if known else [UNKNOWN] * len(targets), strict=True):
                    self._bind(inner, item)
            case ast.Starred(value=inner):
                self._bind(inner, UNKNOWN)
            case ast.Attribute() if name := names.dotted(target):
                values[name] = value
            case ast.Subscript(value=owner, slice=key) if names.dotted(owner) == "os.environ":
                variable = names.value(key)
                if isinstance(variable, str):
                    names.environ.pop(variable, None)
                    if isinstance(value, str):
                        names.environ[variable] = value
            case ast.Subscript(value=ast.Name(id=name)):
                values[name] = UNKNOWN

    def _made(self, source: ast.expr | None) -> Any:
        """What a source without a value gives: a runner, an object of the notebook's own, a file, a fetched text."""
        name = self.names.dotted(source) if source else ""
        if name.startswith(FETCHERS):
            return Ref(name)
        if isinstance(source, ast.Call):
            own = any(function.startswith(f"{name}.") for function in self._functions)
            return Ref(name) if own else opened_file(source, self.names)
        runs = isinstance(source, ast.Attribute) and (name in RUNNERS or name.startswith(SHELLS))
        return Ref(name) if runs else UNKNOWN

    def _branches(
        self, bodies: list[tuple[list[ast.stmt], str]], *, whole: bool = False
    ) -> Generator[Event, None, _Flow]:
        """Branches of which one runs, or none unless they are the ``whole``: names that differ are unknown after."""
        before = dict(self.names.values)
        after, flows = ([] if whole else [before]), ([] if whole else [""])
        for body, said in bodies:
            self.names.values = dict(before)
            flows.append((yield from self._block(body, said)))
            after.append(self.names.values)
        self.names.values = {}
        for name in {name for values in after for name in values}:
            held = [values.get(name, UNKNOWN) for values in after]
            same = all(type(h) is type(held[0]) and h == held[0] for h in held)
            self.names.values[name] = held[0] if same else UNKNOWN
        if all(flow == "ends" for flow in flows):
            return "ends"
        return "may end" if any(flows) else ""

    def _skipped(self, body: list[ast.stmt], reason: str) -> Iterator[Event]:
        """What a body that doesn't run would do."""
        with self._at(never=self._place["never"] or reason, condition=""), self._scope():
            yield from self._block(body)

    def _if(self, node: ast.If) -> Generator[Event, None, _Flow]:
        yield from self._expression(node.test)
        holds, said = self.names.truth(node.test), as_text(node.test)
        if holds is None:
            stops = isinstance(node.body[-1], ast.Raise) or self._exits(node.body[-1])
            flow = yield from self._branches([(node.body, f"if {said}"), (node.orelse, f"unless {said}")], whole=True)
            return "" if stops and not node.orelse else flow  # an error is not foreseen
        yield from self._skipped(node.orelse if holds else node.body, f"under `{said}`, which is {holds}")
        return (yield from self._block(node.body if holds else node.orelse))

    def _for(self, node: ast.For | ast.AsyncFor) -> Generator[Event, None, _Flow]:
        yield from self._expression(node.iter)
        values = self.names.value(node.iter)
        if not isinstance(values, (list, dict)):
            self._bind(node.target, UNKNOWN)
            yield from self._branches([(node.body, f"in a loop over {as_text(node.iter)}")])
            return ""
        values = list(values)
        if all(isinstance(value, (int, float)) for value in values):
            values = [UNKNOWN] * min(1, len(values))  # turns that are only counted are all alike
        continues = any(isinstance(inner, ast.Continue) for inner in ast.walk(node))
        said = ""
        for value in values[:_TURNS]:
            self._bind(node.target, value)
            flow = yield from self._block(node.body, said)
            if flow:
                said = "unless the loop has ended before"
            if flow == "ends" and not continues:
                break
        yield from self._block(node.orelse, said)
        return ""

    def _while(self, node: ast.While) -> Iterator[Event]:
        yield from self._expression(node.test)
        holds = self.names.truth(node.test)
        if holds is False:
            yield from self._skipped(node.body, f"under `while {as_text(node.test)}`, which is False")
        elif holds is None:
            yield from self._branches([(node.body, "in a loop")])
        else:
            yield from self._block(node.body)
            for inner in ast.walk(node):  # how often it runs isn't known
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    self.names.values[inner.id] = UNKNOWN

    def _try(self, node: ast.Try) -> Generator[Event, None, _Flow]:
        tried = [module for statement in node.body for module in _modules(statement, self.names)]
        if isinstance(node.body[0], (ast.Import, ast.ImportFrom)):
            failing = any(self.names.importable(m) is False for m in _modules(node.body[0], self.names))
            caught = next((h for h in node.handlers if failing and _catches_import_error(h)), None)
            if caught is not None:
                return (yield from self._block([*caught.body, *node.finalbody]))
        there = bool(tried) and all(self.names.importable(module) for module in tried)
        before = dict(self.names.values)
        flow = yield from self._block(node.body)
        after = self.names.values
        said = f"only if {' or '.join(tried)} can't be imported" if tried else "only after an error"
        if there and all(
            isinstance(s, (ast.Import, ast.ImportFrom, ast.Assign, ast.Pass, ast.Expr)) for s in node.body
        ):
            for handler in node.handlers:
                yield from self._skipped(handler.body, said)
        elif node.handlers:
            yield from self._branches([(handler.body, said) for handler in node.handlers])
            if not flow:  # it may have failed before it came to its end
                for name, value in after.items():
                    if name not in before or before[name] is not value:
                        kept = self.names.values.get(name, UNKNOWN)
                        self.names.values[name] = value if kept is value and not isinstance(value, bool) else UNKNOWN
        ended = yield from self._block([*node.orelse, *node.finalbody])
        return ended or ("may end" if flow else "")

    # Expressions

    def _expressions(self, node: ast.AST, depth: int = 0) -> Iterator[Event]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from self._expression(child, depth)

    def _expression(self, node: ast.expr | None, depth: int = 0) -> Iterator[Event]:
        """The calls in an expression, arguments before what they are given to."""
        if depth > DEEPEST and node is not None:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call):
                    yield from self._call(inner)
            return
        match node:
            case None | ast.Constant() | ast.Lambda():
                return
            case ast.Name(id=name):
                if name in self._functions:
                    self.passed.add(name)
            case ast.BoolOp(op=op, values=values):
                yield from self._expression(values[0], depth + 1)
                for before, value in pairwise(values):
                    holds = self.names.truth(before)
                    if holds is not None and holds == isinstance(op, ast.Or):
                        return
                    yield from self._maybe(
                        value, "" if holds is not None else f"depending on {as_text(before)}", depth
                    )
            case ast.IfExp(test=test):
                yield from self._expression(test, depth + 1)
                holds = self.names.truth(test)
                said = "" if holds is not None else f"depending on {as_text(test)}"
                for branch, wanted in ((node.body, True), (node.orelse, False)):
                    if holds is None or holds is wanted:
                        yield from self._maybe(branch, said, depth)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                yield from self._comprehension(node, depth)
            case ast.Call(func=function):
                if not isinstance(function, ast.Name):
                    yield from self._expression(function, depth + 1)
                for argument in (*node.args, *(k.value for k in node.keywords)):
                    if isinstance(argument, ast.Lambda):  # whoever gets it may call it
                        yield from self._maybe(argument.body, "if the lambda is called", depth)
                    else:
                        yield from self._expression(argument, depth + 1)
                yield from self._call(node)
            case _:
                yield from self._expressions(node, depth + 1)

    def _maybe(self, node: ast.expr, said: str, depth: int) -> Iterator[Event]:
        with self._under(said):
            yield from self._expression(node, depth + 1)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, depth: int) -> Iterator[Event]:
        first = node.generators[0]
        yield from self._expression(first.iter, depth + 1)
        values = self.names.value(first.iter)
        known = isinstance(values, (list, dict)) and len(node.generators) == 1
        with self._scope():
            for value in list(values)[:_TURNS] if known else [UNKNOWN]:
                self._bind(first.target, value)
                self._steps += 1
                chosen = [self.names.truth(test) for test in first.ifs]
                if False not in chosen:
                    yield from self._maybe(node.elt, "" if known and None not in chosen else "in a loop", depth)

    def _call(self, node: ast.Call) -> Iterator[Event]:
        name = self.names.dotted(node.func)
        owner, _, last = name.rpartition(".")
        known = library_call(node, name, self.names, self._functions)
        if known is not None:
            yield from self._here(known)
        elif name in self._functions:
            yield from self._follow(name, node)
        elif name and f"{name}().__init__" in self._functions:
            yield from self._follow(f"{name}().__init__", node)
        elif method := self._method(owner, last):
            with self._under(f"if {as_text(node.func)} is this notebook's own"):
                yield from self._follow(method, node)
        else:
            yield from self._here(written_files(node, self.names))
            self._change(node)
            yield from self._here(unknown_call(node, name, self.names))

    def _method(self, owner: str, name: str) -> str:
        """The one method of the notebook's own classes by that name, if its owner isn't something else."""
        methods = [f for f in self._functions if f.endswith(f"().{name}") and not name.startswith("__")]
        known = not owner or owner in self.names.values or any(f.startswith(f"{owner}.") for f in self._functions)
        return methods[0] if len(methods) == 1 and (owner in ("self", "cls") or not known) else ""

    def _change(self, node: ast.Call) -> None:
        """``names.append(...)`` and the like."""
        match node.func:
            case ast.Attribute(value=ast.Name(id=name), attr=method):
                held = self.names.values.get(name)
            case _:
                return
        given = self.names.value(node.args[0]) if node.args else UNKNOWN
        given = [given] if method == "append" else given
        if isinstance(held, list) and method in ("append", "extend") and isinstance(given, list) and len(held) < 1000:
            self.names.values[name] = [*held, *given]
        elif isinstance(held, (list, dict)) and method in _CHANGES:
            self.names.values[name] = UNKNOWN

    def _follow(self, name: str, node: ast.Call) -> Iterator[Event]:
        """A call of a function of the notebook's own, with its arguments bound."""
        function, owner = self._functions[name], self._place["owner"]
        if self._depth >= (2 if owner else _CALLS_WITHIN):
            return
        if not owner and not self._place["never"]:
            self.called.add(name)
        body: list[ast.stmt] = [ast.Expr(function.body)] if isinstance(function, ast.Lambda) else function.body
        shared = {n for s in ast.walk(function) if isinstance(s, ast.Global) for n in s.names}
        self._depth += 1
        try:
            with self._at(line=self._place.get("line", node.lineno)), self._scope():
                self.names.values.update(self._arguments(name, function, node))
                yield from self._block(body)
                now = self.names.values
        finally:
            self._depth -= 1
        self.names.values.update((n, now[n]) for n in shared if n in now)

    def _arguments(self, name: str, function: _Function, node: ast.Call) -> dict[str, Any]:
        """What a function's parameters hold within a call."""
        given, value = function.args, self.names.value
        names = [a.arg for a in (*given.posonlyargs, *given.args)]
        bound: dict[str, Any] = dict.fromkeys(_parameters(function), UNKNOWN)
        bound.update((n, value(d)) for n, d in zip(reversed(names), reversed(given.defaults), strict=False))
        bound.update((a.arg, value(d)) for a, d in zip(given.kwonlyargs, given.kw_defaults, strict=True) if d)
        if "()." in name and names:
            bound[names.pop(0)] = Ref(name.partition("().")[0] + "()")
        arguments = self.names.items(node.args)
        bound.update(zip(names, arguments, strict=False))
        if given.vararg:
            bound[given.vararg.arg] = arguments[len(names) :]
        bound.update((k.arg, value(k.value)) for k in node.keywords if k.arg)
        return bound


def _parameters(function: _Function) -> list[str]:
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return [a.arg for a in (*every, *(a for a in (given.vararg, given.kwarg) if a))]


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else set()
    return not names or bool(names & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


def _modules(node: ast.stmt, names: Evaluator) -> list[str]:
    """What a statement imports, by whichever means."""
    match node:
        case ast.Import(names=aliases):
            return [alias.name for alias in aliases]
        case ast.ImportFrom(module=module):
            return [module or ""]
        case (
            ast.Expr(value=ast.Call(func=function, args=[module, *_]))
            | ast.Assign(value=ast.Call(func=function, args=[module, *_]))
        ):
            if names.dotted(function) in ("importlib.import_module", "__import__"):
                return [as_word(names.value(module))]
    return []
