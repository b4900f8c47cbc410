"""Where the examined interpreter keeps its packages."""

from __future__ import annotations

import os
import site
import sys
from typing import TYPE_CHECKING, Any

from .registry import probe

if TYPE_CHECKING:
    from collections.abc import Iterator


def _configuration(folder: str) -> dict[str, str]:
    """The keys of a virtual environment's ``pyvenv.cfg``; empty where there is none."""
    try:
        with open(os.path.join(folder, "pyvenv.cfg"), encoding="utf-8") as file:
            pairs = [line.split("=", 1) for line in file if "=" in line]
    except OSError:
        return {}
    return {key.strip().lower(): value.strip() for key, value in pairs}


def _one_user() -> bool:
    """Whether the process runs as who started it: else Python reads no user site."""
    return os.getuid() == os.geteuid() and os.getgid() == os.getegid()


@probe("layout", catches="an interpreter that does not start", cost_ms=5, needs="")
def layout(_module: Any, facts: dict[str, Any]) -> Iterator[str]:
    """Read the prefix, the version and the site folders of the interpreter.

    It runs under ``-S``, so that no ``.pth`` file and no sitecustomize has a say; ``pyvenv.cfg``, which
    site would have read, is read here.
    """
    prefix = sys.prefix
    above = os.path.dirname(os.path.dirname(os.path.abspath(sys.executable)))
    settings = _configuration(above)
    with_system = settings.get("include-system-site-packages", "").lower() == "true"
    if settings:
        prefix = above
    prefixes = [prefix, sys.base_prefix] if with_system else [prefix]
    folders = [path for path in site.getsitepackages(prefixes) if os.path.isdir(path)]
    facts.update(
        prefix=prefix,
        version=list(sys.version_info[:3]),
        site=folders,
        user_site=site.getusersitepackages() if (not settings or with_system) and _one_user() else None,
    )
    yield from ()
