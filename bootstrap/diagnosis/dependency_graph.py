"""Distributions and what each needs, by an interpreter's markers: what is broken, reached, forced."""

from __future__ import annotations

import functools
import re
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from bootstrap._util.names import canonical_name
from bootstrap.diagnosis.model import Breakage
from bootstrap.provenance import admits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bootstrap.diagnosis.model import Dist

STRICT_PIP = (24, 1)
"""The first that refuses bounds like ``>=1.2.*``."""
_STARRED = re.compile(r"([<>]=?|~=)(\s*[\w.]+)\.\*")
Markers = tuple[tuple[str, str], ...]
"""What an interpreter's markers are evaluated with: names and values, as ``python_version`` and ``3.12``."""


def lenient(text: str) -> Requirement:
    """A requirement; of bounds like ``>=1.2.*``, which older pips accept, without the star.

    Raises:
        InvalidRequirement: It is none even so.
    """
    try:
        return Requirement(text)
    except InvalidRequirement:
        return Requirement(_STARRED.sub(r"\1\2", text))


def applies(wanted: Requirement, markers: Markers, extra: str = "") -> bool:
    """Whether a requirement counts with an extra ('' for none)."""
    return wanted.marker is None or wanted.marker.evaluate({**dict(markers), "extra": extra})


@dataclass(frozen=True)
class Need:
    """A requirement without its marker, and who has it."""

    owner: str
    """The normalized name of a distribution; empty for the command itself."""
    name: str
    extras: tuple[str, ...]
    bound: str
    """A specifier, or ``@`` and an address."""

    @property
    def key(self) -> str:
        """The normalized name of what is needed."""
        return canonical_name(self.name)

    @property
    def bracket(self) -> str:
        """Its extras, as they are written."""
        return f"[{','.join(self.extras)}]" if self.extras else ""

    def __str__(self) -> str:
        return f"{self.name}{self.bracket}{self.bound}"

    def allows(self, version: str) -> bool:
        """Whether it is content with an installed version."""
        return self.bound.startswith(" @ ") or _within(self.bound, version)


_within = functools.cache(admits)


@functools.cache
def _needs(owner: str, lines: tuple[str, ...], extra: str, markers: Markers) -> tuple[Need, ...]:
    """Those of ``Requires-Dist`` lines that count with an extra ('' for none), and would not without."""
    needs = []
    for line in lines:
        with suppress(ValueError, KeyError):  # a line, or a marker, that can't be read counts for nothing
            wanted = lenient(line)
            plain = applies(wanted, markers)
            if (not plain and applies(wanted, markers, extra)) if extra else plain:
                needs.append(_need(owner, wanted))
    return tuple(needs)


def _need(owner: str, wanted: Requirement) -> Need:
    bound = f" @ {wanted.url}" if wanted.url else str(wanted.specifier)
    return Need(owner, wanted.name, tuple(sorted(wanted.extras)), bound)


class Graph:
    """Distributions and what each needs here."""

    def __init__(self, dists: Iterable[Dist], markers: Markers) -> None:
        """Remembers them."""
        self._dists = {dist.key: dist for dist in dists}
        self._markers = markers

    def _needs(self, key: str, extra: str = "") -> tuple[Need, ...]:
        return _needs(key, self._dists[key].requires, extra, self._markers)

    def breakages(self, *, beside: Graph | None = None) -> list[Breakage]:
        """What pip's check would say: requirements that nothing installed meets; without those of another graph."""
        excluded = {(b.name, b.needs) for b in beside.breakages()} if beside else set()
        breakages = []
        for key, dist in self._dists.items():
            for need in self._needs(key):
                other = self._dists.get(need.key)
                if (other is None or not need.allows(other.version)) and (key, str(need)) not in excluded:
                    breakages.append(Breakage(key, dist.version, str(need), other.version if other else None))
        return breakages

    def ways(self, roots: Sequence[str]) -> dict[str, list[tuple[Need, ...]]]:
        """Every name that requirements lead to, and the ways there: the shortest to each distribution's needs."""
        ways: dict[str, list[tuple[Need, ...]]] = {}
        waiting: deque[tuple[Need, ...]] = deque()
        for root in roots:
            with suppress(InvalidRequirement):
                waiting.append((_need("", lenient(root)),))
        seen: set[tuple[str, str]] = set()
        while waiting:
            way = waiting.popleft()
            need = way[-1]
            ways.setdefault(need.key, []).append(way)
            for extra in ("", *need.extras) if need.key in self._dists else ():
                if (need.key, extra) not in seen:
                    seen.add((need.key, extra))
                    waiting.extend((*way, further) for further in self._needs(need.key, extra))
        return ways

    def reached(self, roots: Sequence[str]) -> set[str]:
        """The distributions that requirements lead to, by their normalized names."""
        return self.ways(roots).keys() & self._dists.keys()

    def chains(self, roots: Sequence[str], subject: str, version: str) -> list[tuple[Need, ...]]:
        """The ways from requirements to bounds on the subject that shut out a version, shortest first."""
        return sorted((way for way in self.ways(roots).get(subject, []) if not way[-1].allows(version)), key=len)

    def described(self, way: Sequence[Need]) -> tuple[str, ...]:
        """A way in words: every package on it, and the bound at its end."""
        dists = ((need, self._dists.get(need.key)) for need in way[:-1])
        links = (f"{need.key}{need.bracket} {dist.version if dist else ''}".strip() for need, dist in dists)
        return (*links, str(way[-1]))
