"""The difference between two locks, for people: terminal, Markdown, changelog."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bootstrap._util.listing import count
from bootstrap.card import Card, Emphasis, Table
from bootstrap.maintain.variant import MEGABYTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.card import Verdict
    from bootstrap.lock.diff import Difference, Kind, PackageChange, Size
    from bootstrap.lock.model import Record

_KINDS: dict[Kind, Verdict] = {
    "upgraded": "info",
    "downgraded": "doubtful",
    "added": "ok",
    "removed": "broken",
    "rebuilt": "note",
}
"""In the order of the summary, each with what gives its colour."""
_UNRELEASED = re.compile(r"^## \[?Unreleased\]?.*$", re.IGNORECASE | re.MULTILINE)
_FIRST_RELEASE = re.compile(r"^## ", re.MULTILINE)


def to_card(difference: Difference, *, title: str) -> Card:
    """The difference for the terminal; what environment.yml names is bold."""
    parts = (_table(difference.changes, bold=True),) if difference.changes else ()
    return Card(title=summary(difference), word=title, parts=parts)


def _table(changes: Sequence[PackageChange], *, bold: bool = False) -> Table:
    rows = tuple(
        (
            Emphasis(c.name) if bold and c.explicit else c.name,
            Emphasis(f"{c.kind} ({c.level})" if c.level else c.kind, _KINDS[c.kind]),
            _version(c, c.old),
            _version(c, c.new),
            _growth(c),
        )
        for c in changes
    )
    return Table(columns=("package", "change", "from", "to", "MB"), rows=rows, numbers="MB")


def to_markdown(difference: Difference, *, title: str) -> str:
    """The difference as Markdown for a pull request; what isn't named in environment.yml is folded away."""
    lines = [f"### {title}", "", summary(difference), ""]
    explicit = [c for c in difference.changes if c.explicit]
    others = [c for c in difference.changes if not c.explicit]
    if explicit:
        lines += [*_table(explicit).to_markdown(), ""]
    if others:
        lines += ["<details>", f"<summary>{count(len(others), 'other package')}</summary>", ""]
        lines += [*_table(others).to_markdown(), "", "</details>", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def to_changelog(difference: Difference, *, title: str) -> str:
    """A changelog entry's draft: explicit packages by name, the others by number."""
    if not difference.changes:
        return ""
    named = [
        f"{c.name} {_from_to(c)}" if c.old and c.new else f"{c.name} {_from_to(c)} ({c.kind})"
        for c in difference.changes
        if c.explicit
    ]
    others = [c for c in difference.changes if not c.explicit]
    parts = [", ".join(named)] if named else []
    if others:
        needed = f"{count(len(others), 'package')} that others need"
        parts.append(count(len(others), "more package") if named else needed)
    return f"- {title}: {'; '.join(parts)} ({_sizes(difference)}).\n"


def add_to_changelog(text: str, entries: str) -> str:
    """A changelog with entries added under ``Unreleased`` / ``Changed``, making those headings where they lack."""
    entries = entries.strip("\n")
    if not entries:
        return text
    unreleased = _UNRELEASED.search(text)
    if not unreleased:
        first = _FIRST_RELEASE.search(text)
        at = first.start() if first else len(text)
        head = text[:at].rstrip("\n")
        tail = f"\n\n{text[at:]}" if first else "\n"
        return f"{head}\n\n## [Unreleased]\n\n### Changed\n\n{entries}{tail}".lstrip("\n")
    following = _FIRST_RELEASE.search(text, unreleased.end())
    end = following.start() if following else len(text)
    section = text[unreleased.end() : end]
    changed = re.search(r"^### Changed\n+", section, re.MULTILINE)
    if changed:
        section = section[: changed.end()] + entries + "\n" + section[changed.end() :]
    else:
        section = section.rstrip("\n") + f"\n\n### Changed\n\n{entries}\n" + ("\n" if following else "")
    return text[: unreleased.end()] + section + text[end:]


def summary(difference: Difference) -> str:
    """One line: how many of each kind, and the sizes."""
    counts = [f"{len(changes)} {kind}" for kind in _KINDS if (changes := difference.of(kind))]
    return f"{', '.join(counts) or 'unchanged'}; {_sizes(difference)}"


def _sizes(difference: Difference) -> str:
    old, new = difference.old_size, difference.new_size
    if not old.records:
        return f"{count(new.records, 'package')}, {_megabytes(new)}"
    if (old.records, old.known) == (new.records, new.known):
        return f"{count(new.records, 'package')}, {_megabytes(new)}, as before"
    records = "" if old.records == new.records else f"{old.records} to "
    return f"{records}{count(new.records, 'package')}, {_megabytes(old)} to {_megabytes(new)}"


def _megabytes(size: Size) -> str:
    shown = f"{size.known / MEGABYTE:.1f} MB"
    return f"{shown} without {size.unknown} of unknown size" if size.unknown else shown


def _version(change: PackageChange, record: Record | None) -> str:
    if record is None:
        return ""
    return f"{record.version} {record.build}" if change.kind == "rebuilt" else record.version


def _from_to(change: PackageChange) -> str:
    sides = [_version(change, side) for side in (change.old, change.new) if side]
    return " to ".join(sides)


def _growth(change: PackageChange) -> str:
    sizes = [side.size if side else 0 for side in (change.old, change.new)]
    if sizes[0] is None or sizes[1] is None:
        return "?"
    growth = (sizes[1] - sizes[0]) / MEGABYTE
    return f"{growth:+.1f}" if abs(growth) >= 0.05 else "0"
