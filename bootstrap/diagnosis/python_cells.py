"""Installations that Python code would run, found without running it.

The code is followed as a program: branches whose conditions literals decide, loops over literals, functions and
methods of its own where they are called. What can't be told is shown as ``{...}``, and what depends on it carries the
condition; neither is guessed.
"""

from __future__ import annotations

import ast
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from bootstrap.diagnosis.python_calls import (
    RUNNERS,
    SHELLS,
    Call,
    as_text,
    direct_calls,
    found_in,
    opened_file,
    unknown_calls,
    written_files,
)
from bootstrap.diagnosis.values import DEEPEST, UNKNOWN, Evaluator, Ref, as_word

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

_Flow = Literal["", "ends", "may end"]

_TURNS = 200
_STEPS = 50_000
"""So many statements are followed in a notebook; what comes after is said to be unread."""
_UNCALLED_STEPS = 500
_CALLS_WITHIN = 6
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
        self._functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda] = {}
        self._depth = 0
        self._steps = 0
        self._limit = _STEPS
        self._never = ""
        self._owner = ""

    def read(self, tree: ast.Module) -> Iterator[Call]:
        """What a cell's code would do, in order."""
        self._never = self._owner = ""
        yield from self._block(tree.body, "")

    # Statements

    def _block(self, body: list[ast.stmt], condition: str) -> Generator[Call, None, _Flow]:
        flow: _Flow = ""
        for statement in body:
            self._steps += 1
            if self._steps > self._limit:
                raise CodeTooLong
            ended = yield from self._statement(statement, condition)
            if ended == "ends":
                return "may end" if flow else "ends"
            if ended == "may end":
                flow = ended
                condition = condition or "unless it has returned before"
        return flow

    def _statement(self, node: ast.stmt, condition: str) -> Generator[Call, None, _Flow]:
        names = self.names
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from self._import(node, condition)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from self._define(node.name, node)
            self.passed.update(node.name for _ in node.decorator_list)
        elif isinstance(node, ast.ClassDef):
            names.values[node.name] = Ref(node.name)
            for inner in node.body:
                if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    yield from self._define(f"{node.name}().{inner.name}", inner)
        elif isinstance(node, ast.Assign):
            yield from self._expression(node.value, condition)
            for target in node.targets:
                if names.dotted(target.value if isinstance(target, ast.Subscript) else target) == "sys.path":
                    yield from self._here(found_in(node.value, names), condition)
                self._bind(target, names.value(node.value), node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield from self._expression(node.value, condition)
            self._bind(node.target, names.value(node.value), node.value)
        elif isinstance(node, ast.AugAssign):
            yield from self._expression(node.value, condition)
            if names.dotted(node.target) == "sys.path":
                yield from self._here(found_in(node.value, names), condition)
            elif isinstance(node.target, ast.Name):
                whole = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
                names.values[node.target.id] = names.value(whole)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            return (yield from self._loop(node, condition))
        elif isinstance(node, ast.While):
            return (yield from self._while(node, condition))
        elif isinstance(node, ast.If):
            return (yield from self._if(node, condition))
        elif isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
            return (yield from self._try(node, condition))  # type: ignore[arg-type]
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            return (yield from self._with(node, condition))
        elif isinstance(node, ast.Match):
            yield from self._expression(node.subject, condition)
            yield from self._branches([(case.body, "in a case") for case in node.cases], condition)
        elif isinstance(node, (ast.Return, ast.Raise, ast.Break, ast.Continue)):
            value = node.value if isinstance(node, ast.Return) else None
            yield from self._expression(value, condition)
            return "ends"
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self._bind(target, UNKNOWN, None)
        else:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    yield from self._expression(child, condition)
            return "ends" if isinstance(node, ast.Expr) and self._exits(node.value) else ""
        return ""

    def _exits(self, node: ast.expr) -> bool:
        """Whether an expression ends the cell."""
        return isinstance(node, ast.Call) and self.names.dotted(node.func) == "sys.exit"

    def _import(self, node: ast.Import | ast.ImportFrom, condition: str) -> Iterator[Call]:
        values = self.names.values
        if isinstance(node, ast.Import):
            for alias in node.names:
                values[alias.asname or alias.name.split(".")[0]] = Ref(
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
            yield from self._here([Call("import", node.lineno, alias.name) for alias in node.names], condition)
            return
        module = node.module or ""
        for alias in node.names:
            stars = _STARS.get(module, "").split() if alias.name == "*" else [alias.name]
            for name in stars:
                values[alias.asname or name] = Ref(f"{module}.{name}")
        yield from self._here([Call("import", node.lineno, module)], condition)

    def _here(self, calls: Iterable[Call], condition: str) -> Iterator[Call]:
        """Calls where the reader is now."""
        return (replace(call, condition=condition, never=self._never, owner=self._owner) for call in calls)

    def _define(self, name: str, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Iterator[Call]:
        """Remembers a function, and tells what it would do if somebody called it."""
        self._functions[name] = node
        self.called.discard(name)
        if not isinstance(node, ast.Lambda) and not self._owner:
            self.names.values.pop(name, None)
            outer = self._never
            self._owner, self._never = name, outer or f"in {name.replace('()', '')}, which nothing calls"
            saved = dict(self.names.values)
            self._limit = min(_STEPS, self._steps + _UNCALLED_STEPS)
            self.names.values.update(dict.fromkeys(_parameters(node), UNKNOWN))
            try:
                with suppress(CodeTooLong):
                    yield from self._block(node.body, "")
            finally:
                self._owner, self._never = "", outer
                self.names.values = saved
                self._limit = _STEPS

    def _bind(self, target: ast.expr, value: Any, source: ast.expr | None) -> None:
        values = self.names.values
        if isinstance(target, ast.Name):
            self._functions.pop(target.id, None)
            if isinstance(source, ast.Lambda):
                self._functions[target.id] = source
            elif isinstance(source, ast.Name) and source.id in self._functions:
                self._functions[target.id] = self._functions[source.id]
            elif isinstance(source, ast.Call) and value is UNKNOWN:
                value = self._made(source)
            elif isinstance(source, ast.Attribute) and value is UNKNOWN and (name := self.names.dotted(source)):
                value = Ref(name) if name in RUNNERS or name.startswith(SHELLS) else UNKNOWN
            values[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            items = (
                value if isinstance(value, list) and len(value) == len(target.elts) else [UNKNOWN] * len(target.elts)
            )
            for inner, item in zip(target.elts, items, strict=True):
                self._bind(inner, item, None)
        elif isinstance(target, ast.Starred):
            self._bind(target.value, UNKNOWN, None)
        elif isinstance(target, ast.Attribute) and (name := self.names.dotted(target)):
            values[name] = value
        elif isinstance(target, ast.Subscript):
            if self.names.dotted(target.value) == "os.environ":
                key = self.names.value(target.slice)
                if isinstance(key, str):
                    self.names.environ.pop(key, None)
                    if isinstance(value, str):
                        self.names.environ[key] = value
            elif isinstance(target.value, ast.Name):
                values[target.value.id] = UNKNOWN

    def _made(self, source: ast.Call) -> Any:
        """What a call makes: one of the notebook's own objects, an open file, or what isn't known."""
        name = self.names.dotted(source.func)
        if any(function.startswith(f"{name}().") for function in self._functions):
            return Ref(f"{name}()")
        opened = opened_file(source, self.names)
        return Ref(f"open file {opened[0]}{opened[1]}") if opened else UNKNOWN

    def _branches(
        self, bodies: list[tuple[list[ast.stmt], str]], condition: str, *, whole: bool = False
    ) -> Generator[Call, None, _Flow]:
        """Branches of which one runs, or none unless they are the ``whole``: names that differ are unknown after."""
        before = dict(self.names.values)
        after, flows = ([] if whole else [before]), ([] if whole else [""])
        for body, said in bodies:
            self.names.values = dict(before)
            flows.append((yield from self._block(body, condition or said)))
            after.append(self.names.values)
        every = {name for values in after for name in values}
        self.names.values = {}
        for name in every:
            held = [values.get(name, UNKNOWN) for values in after]
            same = all(type(h) is type(held[0]) and h == held[0] for h in held)
            self.names.values[name] = held[0] if same else UNKNOWN
        if all(flow == "ends" for flow in flows):
            return "ends"
        return "may end" if any(flows) else ""

    def _skipped(self, body: list[ast.stmt], reason: str) -> Iterator[Call]:
        """What a body that doesn't run would do."""
        values, never = dict(self.names.values), self._never
        self._never = never or reason
        try:
            yield from self._block(body, "")
        finally:
            self.names.values, self._never = values, never

    def _if(self, node: ast.If, condition: str) -> Generator[Call, None, _Flow]:
        yield from self._expression(node.test, condition)
        holds, said = self.names.truth(node.test), as_text(node.test)
        if holds is None:
            last = node.body[-1]
            stops = isinstance(last, ast.Raise) or (isinstance(last, ast.Expr) and self._exits(last.value))
            bodies = [(node.body, f"if {said}"), (node.orelse, f"unless {said}")]
            flow = yield from self._branches(bodies, condition, whole=True)
            return "" if stops and not node.orelse else flow  # an error is not foreseen
        yield from self._skipped(node.orelse if holds else node.body, f"under `{said}`, which is {holds}")
        return (yield from self._block(node.body if holds else node.orelse, condition))

    def _loop(self, node: ast.For | ast.AsyncFor, condition: str) -> Generator[Call, None, _Flow]:
        yield from self._expression(node.iter, condition)
        values = self.names.value(node.iter)
        values = list(values) if isinstance(values, dict) else values
        if not isinstance(values, list):
            self._bind(node.target, UNKNOWN, None)
            yield from self._branches([(node.body, f"in a loop over {as_text(node.iter)}")], condition)
            return ""
        if all(isinstance(value, (int, float)) for value in values):
            values = [UNKNOWN] * min(1, len(values))  # turns that are only counted are all alike
        for value in values[:_TURNS]:
            self._bind(node.target, value, None)
            flow = yield from self._block(node.body, condition)
            if flow:
                condition = condition or "unless the loop has ended before"
            if flow == "ends" and not any(isinstance(n, ast.Continue) for n in ast.walk(node)):
                break
        yield from self._block(node.orelse, condition)
        return ""

    def _while(self, node: ast.While, condition: str) -> Generator[Call, None, _Flow]:
        yield from self._expression(node.test, condition)
        holds = self.names.truth(node.test)
        if holds is False:
            yield from self._skipped(node.body, f"under `while {as_text(node.test)}`, which is False")
        elif holds:
            yield from self._block(node.body, condition)
            self._forget(node.body)
        else:
            yield from self._branches([(node.body, "in a loop")], condition)
        return ""

    def _forget(self, body: list[ast.stmt]) -> None:
        """What a loop of unknown length sets isn't known after it."""
        for statement in body:
            for inner in ast.walk(statement):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    self.names.values[inner.id] = UNKNOWN

    def _try(self, node: ast.Try, condition: str) -> Generator[Call, None, _Flow]:
        tried = [m for s in node.body for m in _modules(s, self.names)]
        others = [s for s in node.body if not isinstance(s, (ast.Import, ast.ImportFrom, ast.Assign, ast.Pass))]
        first = node.body[0]
        if isinstance(first, (ast.Import, ast.ImportFrom)):
            failing = [m for m in _modules(first, self.names) if self.names.importable(m) is False]
            caught = next((h for h in node.handlers if failing and _catches_import_error(h)), None)
            if caught is not None:
                flow = yield from self._block([*caught.body, *node.finalbody], condition)
                return flow
        there = bool(tried) and all(self.names.importable(module) for module in tried)
        before = dict(self.names.values)
        flow = yield from self._block(node.body, condition)
        after = self.names.values
        if there and len(others) <= sum(isinstance(s, ast.Expr) for s in others):
            for handler in node.handlers:
                yield from self._skipped(handler.body, f"only if {' or '.join(tried)} can't be imported")
        elif node.handlers:
            said = f"only if {' or '.join(tried)} can't be imported" if tried else "only after an error"
            self.names.values = dict(after)
            yield from self._branches([(handler.body, said) for handler in node.handlers], condition)
            if not flow:  # it may have failed before it came to its end
                for name, value in after.items():
                    if name not in before or before[name] is not value:
                        kept = self.names.values.get(name, UNKNOWN)
                        self.names.values[name] = value if kept is value and not isinstance(value, bool) else UNKNOWN
        rest = [*node.orelse, *node.finalbody]
        ended = yield from self._block(rest, condition)
        return ended or ("may end" if flow else "")

    def _with(self, node: ast.With | ast.AsyncWith, condition: str) -> Generator[Call, None, _Flow]:
        for item in node.items:
            yield from self._expression(item.context_expr, condition)
            if isinstance(item.optional_vars, ast.expr):
                self._bind(item.optional_vars, UNKNOWN, item.context_expr)
        return (yield from self._block(node.body, condition))

    # Expressions

    def _expression(self, node: ast.expr | None, condition: str, depth: int = 0) -> Iterator[Call]:
        """The calls in an expression, arguments before what they are given to."""
        if node is None or isinstance(node, (ast.Constant, ast.Lambda)):
            return
        if depth > DEEPEST:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call):
                    yield from self._call(inner, condition)
            return
        if isinstance(node, ast.Name):
            if node.id in self._functions:
                self.passed.add(node.id)
        elif isinstance(node, ast.BoolOp):
            yield from self._expression(node.values[0], condition, depth + 1)
            for before, value in zip(node.values, node.values[1:], strict=False):
                holds = self.names.truth(before)
                if holds is not None and holds == isinstance(node.op, ast.Or):
                    return
                said = condition or ("" if holds is not None else f"depending on {as_text(before)}")
                yield from self._expression(value, said, depth + 1)
        elif isinstance(node, ast.IfExp):
            yield from self._expression(node.test, condition, depth + 1)
            holds = self.names.truth(node.test)
            for branch, wanted in ((node.body, True), (node.orelse, False)):
                if holds is None or holds is wanted:
                    said = condition or ("" if holds is not None else f"depending on {as_text(node.test)}")
                    yield from self._expression(branch, said, depth + 1)
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
            yield from self._comprehension(node, condition, depth)
        elif isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Name):
                yield from self._expression(node.func, condition, depth + 1)
            for argument in (*node.args, *(k.value for k in node.keywords)):
                if isinstance(argument, ast.Lambda):  # whoever gets it may call it
                    yield from self._expression(argument.body, condition or "if the lambda is called", depth + 1)
                else:
                    yield from self._expression(argument, condition, depth + 1)
            yield from self._call(node, condition)
        else:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    yield from self._expression(child, condition, depth + 1)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, condition: str, depth: int
    ) -> Iterator[Call]:
        first = node.generators[0]
        yield from self._expression(first.iter, condition, depth + 1)
        values = self.names.value(first.iter)
        known = isinstance(values, (list, dict)) and len(node.generators) == 1
        saved = dict(self.names.values)
        for value in list(values)[:_TURNS] if known else [UNKNOWN]:
            self._bind(first.target, value, None)
            self._steps += 1
            chosen = [self.names.truth(test) for test in first.ifs]
            if False not in chosen:
                said = condition if known and None not in chosen else condition or "in a loop"
                yield from self._expression(node.elt, said, depth + 1)
        self.names.values = saved

    def _call(self, node: ast.Call, condition: str) -> Iterator[Call]:
        name = self.names.dotted(node.func)
        owner, _, last = name.rpartition(".")
        known = direct_calls(node, name, self.names, self._functions)
        if known is not None:
            yield from self._here(known, condition)
        elif name in self._functions:
            yield from self._follow(name, node, condition)
        elif name and f"{name}().__init__" in self._functions:
            yield from self._follow(f"{name}().__init__", node, condition)
        elif (method := self._method(last)) and (owner in ("self", "cls") or not self._known_owner(owner)):
            yield from self._follow(method, node, condition or f"if {as_text(node.func)} is this notebook's own")
        else:
            yield from self._here(written_files(node, self.names), condition)
            self._changes(node, last)
            yield from self._here(unknown_calls(node, name, self.names), condition)

    def _known_owner(self, owner: str) -> bool:
        return not owner or owner in self.names.values or any(f.startswith(f"{owner}.") for f in self._functions)

    def _method(self, last: str) -> str:
        """A method of the notebook's own classes by that name, if there is just one."""
        methods = [f for f in self._functions if f.endswith(f"().{last}") and not last.startswith("__")]
        return methods[0] if len(methods) == 1 else ""

    def _changes(self, node: ast.Call, last: str) -> None:
        """``names.append(...)`` and the like."""
        if not isinstance(node.func, ast.Attribute) or not isinstance(node.func.value, ast.Name):
            return
        name, values = node.func.value.id, self.names.values
        held = values.get(name)
        if not isinstance(held, (list, dict)):
            return
        given = self.names.value(node.args[0]) if node.args else UNKNOWN
        if last == "append" and isinstance(held, list) and len(held) < 1000:
            values[name] = [*held, given]
        elif last == "extend" and isinstance(held, list) and isinstance(given, list) and len(held) < 1000:
            values[name] = [*held, *given]
        elif last in ("insert", "remove", "pop", "clear", "update", "sort", "reverse", "append", "extend"):
            values[name] = UNKNOWN

    def _follow(self, name: str, node: ast.Call, condition: str) -> Iterator[Call]:
        """A call of a function of the notebook's own, with its arguments bound."""
        function = self._functions[name]
        if self._depth >= (2 if self._owner else _CALLS_WITHIN):
            return
        if not self._owner and not self._never:
            self.called.add(name)
        saved = dict(self.names.values)
        self._arguments(name, function, node)
        self._depth += 1
        try:
            body: list[ast.stmt] = [ast.Expr(function.body)] if isinstance(function, ast.Lambda) else function.body
            for call in self._block(body, condition):
                yield replace(call, line=node.lineno)
        finally:
            self._depth -= 1
            shared = {n for s in ast.walk(function) if isinstance(s, ast.Global) for n in s.names}
            now = self.names.values
            self.names.values = {**saved, **{n: now[n] for n in shared if n in now}}

    def _arguments(
        self, name: str, function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, node: ast.Call
    ) -> None:
        values, given = self.names.values, function.args
        names = [a.arg for a in (*given.posonlyargs, *given.args)]
        bound: dict[str, Any] = dict.fromkeys(_parameters(function), UNKNOWN)
        for parameter, default in zip(reversed(names), reversed(given.defaults), strict=False):
            bound[parameter] = self.names.value(default)
        for only, kw_default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
            if kw_default is not None:
                bound[only.arg] = self.names.value(kw_default)
        if "()." in name and names:
            bound[names.pop(0)] = Ref(name.partition("().")[0] + "()")
        arguments = self.names.value(ast.List(list(node.args), ast.Load()))
        arguments = arguments if isinstance(arguments, list) else [UNKNOWN] * len(node.args)
        bound.update(zip(names, arguments, strict=False))
        if given.vararg:
            bound[given.vararg.arg] = arguments[len(names) :]
        for keyword in node.keywords:
            if keyword.arg:
                bound[keyword.arg] = self.names.value(keyword.value)
        values.update(bound)


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> list[str]:
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return [a.arg for a in (*every, *(a for a in (given.vararg, given.kwarg) if a))]


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else set()
    return not names or bool(names & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


def _modules(node: ast.stmt, names: Evaluator) -> list[str]:
    """What a statement imports, by whichever means."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    value = getattr(node, "value", None)
    if isinstance(value, ast.Call) and names.dotted(value.func) in ("importlib.import_module", "__import__"):
        return [as_word(names.value(value.args[0]))] if value.args else []
    return []
