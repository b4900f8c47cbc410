"""What an installed distribution asks for, as the examined interpreter reads it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bootstrap.health.record_files import Distribution


def applying(distribution: Distribution, version: Sequence[int]) -> Iterator[tuple[str, Any]]:
    """Each line of Requires-Dist that applies without extras, and what packaging makes of it.

    Nothing without the library packaging; lines that it can't read are left out.

    Args:
        distribution: Whose metadata is read.
        version: Of the examined Python, whose markers count.
    """
    parse: Any = _packaging("requirements")
    if parse is None:
        return
    short, full = ".".join(map(str, version[:2])), ".".join(map(str, version[:3]))
    environment = {"extra": "", "python_version": short, "python_full_version": full}
    for line in distribution.requirements():
        try:
            wanted = parse.Requirement(line)
            applies = wanted.marker is None or wanted.marker.evaluate(environment)
        except ValueError:  # what packaging raises for a line that it can't read
            continue
        if applies:
            yield line, wanted


def _packaging(name: str) -> Any:
    """A module of the library packaging, or of pip's copy of it; None without either."""
    for home in ("packaging", "pip._vendor.packaging"):
        try:
            return import_module(f"{home}.{name}")
        except ImportError:
            continue
    return None
