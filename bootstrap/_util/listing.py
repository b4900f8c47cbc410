"""Long lists, cut to what somebody reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def capped(lines: Sequence[str], limit: int | None, more: str = "more") -> list[str]:
    """The first lines and, where there are others, one that counts them: ``and 3 more``.

    Args:
        lines: The lines.
        limit: How many to keep; None for all.
        more: How the last line names the others.
    """
    rest = 0 if limit is None else len(lines) - limit
    return [*lines[:limit], f"and {rest} {more}"] if rest > 0 else list(lines)


def count(number: int, noun: str) -> str:
    """A number of things: ``1 package``, ``2 packages``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def joined(items: Sequence[str], limit: int | None) -> str:
    """The first items with commas between them, and how many others there are: ``a, b and 3 more``."""
    rest = 0 if limit is None else len(items) - limit
    return ", ".join(items[:limit]) + (f" and {rest} more" if rest > 0 else "")
