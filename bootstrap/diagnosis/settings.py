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
    base = PipSettings(
        index=None if no_index else pip.get("index-url", PYPI),
        extra=tuple(pip.get("extra-index-url", "").split()),
        find_links=tuple(pip.get("find-links", "").split()),
        trusted=tuple(pip.get("trusted-host", "").split()),
        constraints=tuple(pip.get("constraint", "").split()),
    )
    return add(base, options)


def add(base: PipSettings, options: Sequence[str]) -> PipSettings:
    """Settings and a command's options together."""
    index, no_index = base.index, base.index is None
    extra, links, trusted = list(base.extra), list(base.find_links), list(base.trusted)
    words = iter(options)
    for word in words:
        if word in ("--index-url", "-i"):
            index = next(words, index)
        elif word == "--extra-index-url":
            extra.append(next(words, ""))
        elif word in ("--find-links", "-f"):
            links.append(next(words, ""))
        elif word == "--trusted-host":
            trusted.append(next(words, ""))
        elif word == "--no-index":
            no_index = True
    return PipSettings(
        index=None if no_index or index is None else index.rstrip("/"),
        extra=() if no_index else tuple(dict.fromkeys(e.rstrip("/") for e in extra if e)),
        find_links=tuple(dict.fromkeys(link for link in links if link)),
        trusted=tuple(trusted),
        constraints=base.constraints,
    )
