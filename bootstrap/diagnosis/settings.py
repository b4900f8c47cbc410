"""Where packages come from: pip's own settings and the options of a command, for those who are not pip."""

from __future__ import annotations

import ast
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bootstrap.children import captured
from bootstrap.diagnosis.interpreter_process import quiet_environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PYPI = "https://pypi.org/simple"
_SECONDS = 60.0
_REPEATED = ("extra-index-url", "find-links", "trusted-host")


@dataclass(frozen=True)
class PipSettings:
    """The places of packages."""

    index: str | None = PYPI
    """None where no index may be asked."""
    extra: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()

    @property
    def indexes(self) -> tuple[str, ...]:
        """All indexes."""
        return (*((self.index,) if self.index else ()), *self.extra)


def pip_settings(python: Path) -> dict[str, str]:
    """pip's settings, by name; the command's own and the environment's come after the global ones."""
    command = [str(python), "-m", "pip", "config", "list"]
    try:
        done = captured(command, _SECONDS, env=quiet_environment())
    except (OSError, subprocess.TimeoutExpired):
        return {}
    levels: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        level, _, key = name.rpartition(".")
        if level in levels:
            try:
                levels[level][key] = str(ast.literal_eval(value))
            except (ValueError, SyntaxError):
                levels[level][key] = value
    return {**levels["global"], **levels["install"], **levels[":env:"]}


def combine(pip: dict[str, str], options: Sequence[str]) -> PipSettings:
    """Settings and options together: a given index replaces pip's, everything else is added."""
    no_index = pip.get("no-index", "").lower() in ("1", "true", "yes", "on")
    base = PipSettings(None if no_index else pip.get("index-url", PYPI), constraints=_words(pip, "constraint"))
    own = [word for name in _REPEATED for value in _words(pip, name) for word in (f"--{name}", value)]
    return add(base, [*own, *options])


def _words(pip: dict[str, str], name: str) -> tuple[str, ...]:
    return tuple(pip.get(name, "").split())


def add(base: PipSettings, options: Sequence[str]) -> PipSettings:
    """Settings and a command's options together."""
    given: dict[str, list[str]] = {name: [] for name in ("index-url", *_REPEATED)}
    words = iter(options)
    for word in words:
        name = {"-i": "--index-url", "-f": "--find-links"}.get(word, word).removeprefix("--")
        if name in given:
            given[name].append(next(words, ""))
    index, extra, links, trusted = given.values()
    no_index = base.index is None or "--no-index" in options
    return PipSettings(
        index=None if no_index else [base.index or "", *filter(None, index)][-1].rstrip("/"),
        extra=() if no_index else tuple(dict.fromkeys(e.rstrip("/") for e in (*base.extra, *extra) if e)),
        find_links=tuple(dict.fromkeys(link for link in (*base.find_links, *links) if link)),
        trusted=(*base.trusted, *trusted),
        constraints=base.constraints,
    )
