"""The solver's reasons, folded to what a person can read.

rattler prints a tree with one leaf for each build it gave up: a conflict of two bounds becomes hundreds of lines that
differ in a version. Leaves of one package with one reason are joined here; nothing else is left out.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PREAMBLE = "Cannot solve the request because of: "
_LEAF = re.compile(
    r"^(?P<branch>[│├└─ ]*)(?P<name>\S+) (?P<version>[^,]+)(?P<reason>, which conflicts with (?:the|any) .*)$"
)
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_NAMED_VERSIONS = 2


def explain(text: str, specs: Sequence[str]) -> list[str]:
    """The reasons, one line each.

    The solver drops what a bound of the specification excludes before it searches, and then says "no candidates were
    found" for the other side of a conflict: so the bounds that take part come first.

    Args:
        text: The solver's own words.
        specs: What was asked for.
    """
    tree = [line.rstrip() for line in text.replace(_PREAMBLE, "").splitlines() if line.strip()]
    named = set(_NAME.findall(" ".join(tree)))
    bounds = [spec for spec in specs if " " in spec and spec.split()[0] in named]
    return [*([f"requested: {', '.join(bounds)}"] if bounds else []), *_folded(tree)]


def _folded(tree: Sequence[str]) -> Iterator[str]:
    for key, group in groupby(tree, key=_family):
        lines = list(group)
        if key is None or len(lines) == 1:
            yield from lines
            continue
        leaves = [leaf for leaf in map(_LEAF.match, lines) if leaf]
        # The last one's branch says whether the tree goes on below.
        last = leaves[-1]
        reason = last["reason"].replace("which conflicts with", "which conflict with")
        yield f"{last['branch']}{last['name']} {_versions([leaf['version'] for leaf in leaves])}{reason}"


def _family(line: str) -> tuple[int, str, str] | None:
    """What leaves share that are joined: depth, package, reason."""
    leaf = _LEAF.match(line)
    return (len(leaf["branch"]), leaf["name"], leaf["reason"]) if leaf else None


def _versions(version_lists: Sequence[str]) -> str:
    versions = list(dict.fromkeys(v for several in version_lists for v in several.split(" | ")))
    shown = ", ".join(versions[:_NAMED_VERSIONS])
    rest = len(versions) - _NAMED_VERSIONS
    return f"{shown} and {rest} more versions" if rest > 1 else ", ".join(versions)
