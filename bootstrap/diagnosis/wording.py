"""What a finding comes to, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap._util.listing import joined
from bootstrap.diagnosis.model import NUMPY_NAME

if TYPE_CHECKING:
    from bootstrap.diagnosis.model import Finding


def names(finding: Finding) -> str:
    """The requirements of a finding, as they stand in the file."""
    return " + ".join(r.text for r in finding.requirements)


def effect(finding: Finding, *, limit: int | None = 3) -> str:
    """What a finding comes to: numpy's fate first, then the rest in short."""
    if finding.failed and finding.unread:
        return "; ".join(finding.unread)
    if finding.failed:
        more = "" if limit is None or len(finding.failed) < 2 else " ..."
        return "can't be resolved: " + (finding.failed[0] + more if limit else "; ".join(finding.failed))
    parts = []
    if finding.moves or finding.subject is not None:
        parts.append(finding.path or finding.reason)
    others = [str(c) for c in finding.changes if c.name != NUMPY_NAME]
    parts += _some("replaces", others, limit)
    parts += _some("breaks", [f"{b.name} {b.version} ({b.gap})" for b in finding.breakages], limit)
    if finding.added:
        parts.append(f"adds {len(finding.added)}")
    parts += finding.unread
    parts += [f"{', '.join(finding.unbuilt)} by its own metadata, not built"] if finding.unbuilt else []
    if not parts:
        parts.append(finding.reason or "nothing")
    return "; ".join(part for part in parts if part)


def _some(verb: str, items: list[str], limit: int | None) -> list[str]:
    return [f"{verb} {joined(items, limit)}"] if items else []


def count(number: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
