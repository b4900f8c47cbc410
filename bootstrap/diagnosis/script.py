"""Shell text as a program: what its simple commands are, and whether each of them runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bootstrap.diagnosis.shell_words import Operator, QuotedWord, Word, expand, tokens

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
    def __init__(self, tokens: list[Word | Operator], variables: dict[str, str]) -> None:
        self._tokens = tokens
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
        token = self._peek()
        return not isinstance(token, (Operator, QuotedWord)) and token in words

    def _take(self, *words: str) -> bool:
        """Goes past a keyword, if it comes next."""
        taken = self._is(*words)
        self._at += taken
        return taken

    def _sees(self, *operators: str) -> bool:
        token = self._peek()
        return isinstance(token, Operator) and token in operators

    def _list(self, until: Sequence[str], condition: str, never: str) -> Iterator[Simple]:
        """Commands up to a closing word, which is left where it is."""
        while self._peek() is not None and not self._is(*until) and not self._sees(")", ";;"):
            if isinstance(self._peek(), Operator) and not self._sees("(", *_REDIRECTIONS):
                self._at += 1
            else:
                yield from self._chain(condition, never)

    def _body(self, until: Sequence[str], condition: str, never: str) -> Iterator[Simple]:
        """Commands with what closes them."""
        yield from self._list(until, condition, never)
        self._at += 1

    def _chain(self, condition: str, never: str) -> Iterator[Simple]:
        """Pipelines joined by ``&&`` and ``||``."""
        may, not_run = condition, never
        while True:
            first = ""
            before = self._at
            for simple in self._pipeline(may, not_run):
                first = first or " ".join(simple.words)
                yield simple
            if not self._sees("&&", "||"):
                self._at += self._at == before  # nothing could be read here
                return
            may, not_run = _joined(str(self._peek()), first, condition, never, may, not_run)
            self._at += 1

    def _pipeline(self, condition: str, never: str) -> Iterator[Simple]:
        source: tuple[str, ...] = ()
        while True:
            last: tuple[str, ...] = ()
            for simple in self._command(condition, never, source=source):
                last = simple.words
                yield simple
            if not self._sees("|", "|&"):
                return
            self._at += 1
            source = last or ("?",)

    def _command(self, condition: str, never: str, *, source: tuple[str, ...]) -> Iterator[Simple]:
        if self._sees("("):
            self._at += 1
            before = self._folder, self._outside, dict(self._variables)
            yield from self._body((), condition, never)
            self._folder, self._outside, self._variables = before
        elif self._take("{"):
            yield from self._body(("}",), condition, never)
        elif self._is("if"):
            yield from self._if(condition, never)
        elif self._take("while", "until"):
            yield from self._body(("do",), condition, never)
            yield from self._body(("done",), condition or "in a loop", never)
        elif self._take("for", "select"):
            yield from self._for(condition, never)
        elif self._is("case"):
            yield from self._case(condition, never)
        elif self._take(*_STRAY):
            return
        elif self._is("function") or [str(t) for t in self._tokens[self._at + 1 : self._at + 3]] == ["(", ")"]:
            self._define()
        elif self._peek() is not None:
            yield from self._simple(condition, never, source=source)

    def _if(self, condition: str, never: str) -> Iterator[Simple]:
        closed = never  # why later branches don't run
        said, false = "", False
        while self._take("if", "elif"):
            start = self._at
            yield from self._list(("then",), condition, closed)
            asked = [str(t) for t in self._tokens[start : self._at] if t not in (";", "\n")]
            self._at += 1
            said = " ".join(asked)
            false, true = said in ("false", "! true"), said in ("true", ":")
            may = condition if true else condition or f"if {said}"
            yield from self._list(("elif", "else", "fi"), may, closed or (f"if {said}: never" if false else ""))
            if true and not closed:
                closed = f"the other branch of if {said}"
        if self._take("else"):
            yield from self._list(("fi",), condition if false else condition or f"unless {said}", closed)
        self._at += 1

    def _for(self, condition: str, never: str) -> Iterator[Simple]:
        name = str(self._peek() or "")
        self._at += 1
        values: list[str | None] = []
        given = self._take("in")
        while (token := self._peek()) is not None and not self._is("do"):
            if given and self._sees(";", "\n"):
                given = False
            values += expand(token, self._variables) if given else []
            self._at += 1
        self._at += 1
        start = self._at
        known = bool(values) and not any(set(value or "") & set("$`*?") for value in values)
        for value in values if known else [None]:
            self._at = start
            self._variables.pop(name, None)
            if value is not None:
                self._variables[name] = value
            yield from self._list(("done",), condition if known else condition or "in a loop", never)
        self._at += 1

    def _case(self, condition: str, never: str) -> Iterator[Simple]:
        said = " of ".join(["in a case", *self._tokens[self._at + 1 : self._at + 2]])
        while self._peek() is not None and not self._is("esac"):
            closes = self._sees(")")
            self._at += 1
            if closes:
                yield from self._list(("esac",), condition or said, never)
        self._at += 1

    def _define(self) -> None:
        """Remembers where a function's body is, and goes past it."""
        self._take("function")
        name = str(self._peek() or "")
        self._at += 1
        while self._sees("(", ")", "\n"):
            self._at += 1
        start, depth = self._at, 0
        while self._peek() is not None:
            depth += self._is("{") - self._is("}")
            self._at += 1
            if depth <= 0:
                break
        self._functions[name] = (start, self._at)

    def _follow(self, name: str, condition: str, never: str) -> Iterator[Simple]:
        back = self._at, self._tokens
        self._at, end = self._functions[name]
        self._tokens = self._tokens[:end]
        self._depth += 1
        try:
            yield from self._list((), condition, never)
        finally:
            self._depth -= 1
            self._at, self._tokens = back

    def _simple(self, condition: str, never: str, *, source: tuple[str, ...]) -> Iterator[Simple]:
        words: list[str] = []
        sent: list[tuple[str, str, str]] = []
        test = self._is("[[")
        while (part := self._peek()) is not None and (test or not self._sees(*_ENDS, "(")):
            self._at += 1
            if isinstance(part, Operator) and part in _REDIRECTIONS and not test:
                goal = self._peek()
                before = words.pop() if words and words[-1] in ("0", "1", "2") else words[-1] if words else ""
                named = isinstance(goal, Word)
                sent.append((before, str(part), " ".join(expand(goal, self._variables)) if goal and named else ""))
                self._at += named
                continue
            words += expand(part, self._variables)
            test = test and part != "]]"
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
