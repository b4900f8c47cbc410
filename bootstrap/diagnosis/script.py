"""Shell text as a program: what its simple commands are, and whether each of them runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bootstrap.diagnosis.shell_words import Operator, Word, expand, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MOST = 2000
"""So many simple commands are followed."""
_ENDS = {";", "\n", "&", "&&", "||", "|", "|&", ";;", ")"}
_TESTS = ("[", "[[", "test", "command", "which", "type", "hash", "grep", "egrep", "diff", "cmp", "nvidia-smi")
_STRAY = ("then", "do", "else", "elif", "fi", "done", "esac", "}", "!", "time")
_REDIRECTIONS = {">", ">>", "<", "<<", "<<<", ">&", "&>", "&>>", "<&", ">|"}


@dataclass(frozen=True)
class Simple:
    """One simple command."""

    words: tuple[str, ...]
    sent: tuple[tuple[str, str, str], ...] = ()
    """Redirections: the word before, the operator, and what follows it."""
    condition: str = ""
    """Why it may not run."""
    never: str = ""
    """Why it doesn't run."""
    folder: str = ""
    """Where a ``cd`` before it has gone, from where the shell began."""
    outside: str = ""
    """An environment of its own that was activated before it."""
    source: tuple[str, ...] = ()
    """The words of the command whose output is its input."""
    path: str = ""
    """PATH, as far as it was set."""


def simple_commands(text: str, variables: Mapping[str, str]) -> Iterator[Simple]:
    """The simple commands of a shell script, in order, loops over words unrolled and functions followed.

    Raises:
        ScriptTooLong: There are too many.
    """
    yield from _Script(tokens(text), dict(variables)).run()


class ScriptTooLong(Exception):  # noqa: N818 - not an error of the script's
    """There is too much to be followed."""


class _Ended(Exception):  # noqa: N818 - no error: the script has ended
    """``exit``."""


class _Script:
    def __init__(self, found: list[Word | Operator], variables: dict[str, str]) -> None:
        self._tokens = found
        self._at = 0
        self._variables = variables
        self._functions: dict[str, tuple[int, int]] = {}
        self._folder = ""
        self._outside = ""
        self._count = 0
        self._depth = 0

    def run(self) -> Iterator[Simple]:
        try:
            while self._at < len(self._tokens):
                yield from self._list((), "", "")
                self._at += 1  # a stray closing word
        except _Ended:
            return

    def _peek(self) -> Word | Operator | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _is(self, *words: str) -> bool:
        """Whether a keyword comes next: quoted, it is none."""
        found_ = self._peek()
        return isinstance(found_, Word) and not found_.quoted and found_ in words

    def _list(self, until: Sequence[str], condition: str, never: str) -> Iterator[Simple]:
        """Commands up to a closing word, which is left where it is."""
        while (found_ := self._peek()) is not None and not self._is(*until):
            if isinstance(found_, Operator) and found_ in (")", ";;"):
                return
            if isinstance(found_, Operator) and found_ not in ("(", *_REDIRECTIONS):
                self._at += 1
                continue
            yield from self._chain(condition, never)

    def _chain(self, condition: str, never: str) -> Iterator[Simple]:
        """Pipelines joined by ``&&`` and ``||``."""
        may, not_run = condition, never
        while True:
            first = ""
            before = self._at
            for simple in self._pipeline(may, not_run):
                first = first or " ".join(simple.words)
                yield simple
            found_ = self._peek()
            if not isinstance(found_, Operator) or found_ not in ("&&", "||"):
                self._at += self._at == before  # nothing could be read here
                return
            self._at += 1
            may, not_run = _joined(found_, first, condition, never, may, not_run)

    def _pipeline(self, condition: str, never: str) -> Iterator[Simple]:
        source: tuple[str, ...] = ()
        while True:
            last: tuple[str, ...] = ()
            for simple in self._command(condition, never, source=source):
                last = simple.words
                yield simple
            found_ = self._peek()
            if not isinstance(found_, Operator) or found_ not in ("|", "|&"):
                return
            self._at += 1
            source = last or ("?",)

    def _command(self, condition: str, never: str, *, source: tuple[str, ...]) -> Iterator[Simple]:
        found_ = self._peek()
        if found_ is None:
            return
        if isinstance(found_, Operator) and found_ == "(":
            self._at += 1
            folder, outside, variables = self._folder, self._outside, dict(self._variables)
            yield from self._list((), condition, never)
            self._at += 1
            self._folder, self._outside, self._variables = folder, outside, variables
        elif self._is("{"):
            self._at += 1
            yield from self._list(("}",), condition, never)
            self._at += 1
        elif self._is("if"):
            yield from self._if(condition, never)
        elif self._is("while", "until"):
            self._at += 1
            yield from self._list(("do",), condition, never)
            self._at += 1
            yield from self._list(("done",), condition or "in a loop", never)
            self._at += 1
        elif self._is("for", "select"):
            yield from self._for(condition, never)
        elif self._is("case"):
            yield from self._case(condition, never)
        elif self._is(*_STRAY):
            self._at += 1
        elif self._is("function") or self._defines():
            self._define()
        else:
            yield from self._simple(condition, never, source=source)

    def _if(self, condition: str, never: str) -> Iterator[Simple]:
        closed = never  # why later branches don't run
        while self._is("if", "elif"):
            self._at += 1
            start = self._at
            yield from self._list(("then",), condition, closed)
            asked = [str(t) for t in self._tokens[start : self._at] if t not in (";", "\n")]
            self._at += 1
            said = "if " + " ".join(asked)
            false, true = asked in (["false"], ["!", "true"]), asked in (["true"], [":"])
            may = condition if true else condition or said
            yield from self._list(("elif", "else", "fi"), may, closed or (f"{said}: never" if false else ""))
            if true and not closed:
                closed = f"the other branch of {said}"
        if self._is("else"):
            self._at += 1
            yield from self._list(("fi",), condition if false else condition or f"unless {said[3:]}", closed)
        self._at += 1

    def _for(self, condition: str, never: str) -> Iterator[Simple]:
        self._at += 1
        name = str(self._peek() or "")
        self._at += 1
        values: list[str] | None = None
        if self._is("in"):
            self._at += 1
            values = []
            while (found_ := self._peek()) is not None and found_ not in (";", "\n") and not self._is("do"):
                values += expand(found_, self._variables)
                self._at += 1
        while not self._is("do") and self._peek() is not None:
            self._at += 1
        self._at += 1
        start = self._at
        known = values is not None and not any(set(v) & set("$`*?") for v in values)
        for value in values if known and values else [None]:
            self._at = start
            if value is not None:
                self._variables[name] = value
            else:
                self._variables.pop(name, None)
            yield from self._list(("done",), condition if known else condition or "in a loop", never)
        self._at += 1

    def _case(self, condition: str, never: str) -> Iterator[Simple]:
        said = f"in a case of {self._tokens[self._at + 1]}" if self._at + 1 < len(self._tokens) else "in a case"
        while (found_ := self._peek()) is not None and not self._is("esac"):
            self._at += 1
            if isinstance(found_, Operator) and found_ == ")":
                yield from self._list(("esac",), condition or said, never)
        self._at += 1

    def _defines(self) -> bool:
        return [str(t) for t in self._tokens[self._at + 1 : self._at + 3]] == ["(", ")"]

    def _define(self) -> None:
        """Remembers where a function's body is, and goes past it."""
        self._at += self._is("function")
        name = str(self._peek() or "")
        self._at += 1
        while self._peek() in ("(", ")", "\n"):
            self._at += 1
        start, depth = self._at, 0
        while self._peek() is not None:
            depth += self._is("{") - self._is("}")
            self._at += 1
            if depth <= 0:
                break
        self._functions[name] = (start, self._at)

    def _follow(self, name: str, condition: str, never: str) -> Iterator[Simple]:
        start, end = self._functions[name]
        back, tokens_ = self._at, self._tokens
        self._at, self._tokens = start, tokens_[:end]
        self._depth += 1
        try:
            yield from self._list((), condition, never)
        finally:
            self._depth -= 1
            self._at, self._tokens = back, tokens_

    def _simple(self, condition: str, never: str, *, source: tuple[str, ...]) -> Iterator[Simple]:
        words: list[str] = []
        sent: list[tuple[str, str, str]] = []
        test = self._is("[[")
        while (found_ := self._peek()) is not None:
            if isinstance(found_, Operator) and found_ in _REDIRECTIONS and not test:
                self._at += 1
                goal = self._peek()
                named = goal is not None and not isinstance(goal, Operator)
                before = words.pop() if words and words[-1] in ("0", "1", "2") else words[-1] if words else ""
                sent.append((before, str(found_), " ".join(expand(goal, self._variables)) if named and goal else ""))
                self._at += named
                continue
            if isinstance(found_, Operator) and found_ in (*_ENDS, "(") and not test:
                break
            words += expand(found_, self._variables)
            self._at += 1
            test = test and found_ != "]]"
        self._count += 1
        if self._count > _MOST:
            raise ScriptTooLong
        if words and words[0] in self._functions and self._depth < 5:
            yield from self._follow(words[0], condition, never)
            return
        if words or sent:
            yield Simple(
                tuple(words),
                tuple(sent),
                condition,
                never,
                self._folder,
                self._outside,
                source,
                self._variables.get("PATH", ""),
            )
        if not never and not source:
            self._effects(words, condition)

    def _effects(self, words: Sequence[str], condition: str) -> None:
        """What a command changes for those after it."""
        given = [w.partition("=") for w in (words[1:] if words[:1] in (["export"], ["set"]) else words)]
        if given and all(sign and name.isidentifier() for name, sign, _ in given):
            for name, _, value in given:
                if condition:
                    self._variables.pop(name, None)
                else:
                    self._variables[name] = value
            return
        name = words[0] if words else ""
        goal = next((w for w in words[1:] if not w.startswith("-")), "")
        if name in ("cd", "pushd") and goal:
            self._folder = str(PurePosixPath(self._folder) / goal)
        elif name in ("source", ".") and goal.endswith("/activate"):
            self._outside = str(PurePosixPath(goal).parent.parent)
        elif words[1:2] == ["activate"] and name in ("conda", "source", "mamba", "micromamba", "."):
            self._outside = words[2] if len(words) > 2 else ""
        elif name == "deactivate" or words[1:2] == ["deactivate"]:
            self._outside = ""
        elif name in ("exit", "return") and not condition and self._depth == 0:
            raise _Ended


def _joined(operator: str, first: str, condition: str, never: str, may: str, not_run: str) -> tuple[str, str]:
    """The condition of what follows ``&&`` or ``||``, and why it doesn't run."""
    name = first.partition(" ")[0]
    succeeds, fails = first in ("true", ":"), first == "false"
    if operator == "||":
        if fails or not_run:
            return condition, never
        return may or f"only if `{first}` fails", not_run or ("the command before it succeeds" if succeeds else "")
    if fails:
        return may, not_run or "the command before it fails"
    return (may or f"if `{first}`" if name in _TESTS else may), not_run
