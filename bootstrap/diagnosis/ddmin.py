"""Delta debugging: the smallest part of a list that still shows an effect, and the largest that doesn't."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
_MOST = 12
"""So many elements are tried in all combinations; beyond that a hitting set is found greedily."""


def smallest(items: Sequence[T], shows: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """A part of the items that shows the effect, and of which no element can be left out.

    Args:
        items: A list that shows it.
        shows: Whether a part of it does.
    """
    kept, parts = tuple(items), 2
    while len(kept) > 1:
        size = -(-len(kept) // parts)
        chunks = [kept[at : at + size] for at in range(0, len(kept), size)]
        rests = [tuple(x for x in kept if x not in chunk) for chunk in chunks]
        if smaller := next((chunk for chunk in chunks if shows(chunk)), None):
            kept, parts = smaller, 2
        elif parts > 2 and (smaller := next((rest for rest in rests if shows(rest)), None)):
            kept, parts = smaller, max(parts - 1, 2)
        elif size == 1:
            return kept
        else:
            parts = min(len(kept), parts * 2)
    return kept


def largest(items: Sequence[T], shows: Callable[[tuple[T, ...]], bool]) -> tuple[tuple[T, ...], list[tuple[T, ...]]]:
    """The largest part of the items that doesn't show the effect, and the smallest parts that do.

    Every smallest part found must lose an element; the fewest elements that do this for all of them are left out,
    until nothing shows any more. What is left is then the largest, provided that a part shows what its parts show.
    """
    cores: list[tuple[T, ...]] = []
    while True:
        out = _hitting(cores)
        rest = tuple(x for x in items if x not in out)
        if not rest or not shows(rest):
            return rest, cores
        cores.append(smallest(rest, shows))


def _hitting(cores: Sequence[tuple[T, ...]]) -> tuple[T, ...]:
    """The fewest elements of which every core has one."""
    # Cores of one element leave no choice.
    forced = tuple(dict.fromkeys(core[0] for core in cores if len(core) == 1))
    open_cores = [core for core in cores if not any(x in forced for x in core)]
    elements = list(dict.fromkeys(x for core in open_cores for x in core))
    if len(elements) <= _MOST:
        for count in range(len(elements) + 1):
            for choice in combinations(elements, count):
                if all(any(x in choice for x in core) for core in open_cores):
                    return (*forced, *choice)
    chosen: list[T] = []
    while open_cores:
        best = max(elements, key=lambda x: sum(x in core for core in open_cores))
        chosen.append(best)
        open_cores = [core for core in open_cores if best not in core]
    return (*forced, *chosen)
