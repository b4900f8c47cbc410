"""The difference between two locks, for people: terminal, Markdown, changelog."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from bootstrap.maintain.variant import MEGABYTE

if TYPE_CHECKING:
    from bootstrap.lock.diff import Difference, Kind, PackageChange, Size
    from bootstrap.lock.model import Record

_STYLES = {"added": "green", "removed": "red", "upgraded": "cyan", "downgraded": "yellow", "rebuilt": "dim"}
_KINDS: tuple[Kind, ...] = ("upgraded", "downgraded", "added", "removed", "rebuilt")
_UNRELEASED = re.compile(r"^## \[?Unreleased\]?.*$", re.IGNORECASE | re.MULTILINE)
_FIRST_RELEASE = re.compile(r"^## ", re.MULTILINE)


def to_table(difference: Difference) -> Table:
    """The difference as a table for the terminal."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("package", no_wrap=True)
    for column in ("change", "from", "to"):
        table.add_column(column, overflow="fold")
    table.add_column("MB", justify="right")
    for change in difference.changes:
        style = "bold" if change.explicit else ""
        table.add_row(
            Text(change.name, style=style),
            Text(_what(change), style=_STYLES[change.kind]),
            _version(change, change.old),
            _version(change, change.new),
            _growth(change),
        )
    return table


def to_markdown(difference: Difference, *, title: str) -> str:
    """The difference as Markdown for a pull request; what isn't named in environment.yml is folded away."""
    lines = [f"### {title}", "", summary(difference), ""]
    explicit = [c for c in difference.changes if c.explicit]
    others = [c for c in difference.changes if not c.explicit]
    if explicit:
        lines += [*_markdown_table(explicit), ""]
    if others:
        lines += ["<details>", f"<summary>{_plural(len(others), 'other package')}</summary>", ""]
        lines += [*_markdown_table(others), "", "</details>", ""]
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
        parts.append(_plural(len(others), "more package" if named else "package that others need"))
    return f"- {title}: {'; '.join(parts)} ({_sizes(difference)}).\n"


def add_to_changelog(text: str, entries: str) -> str:
    """A changelog with entries added under ``Unreleased`` / ``Changed``, making those headings where they lack."""
    entries = entries.strip("\n")
    if not entries:
        return text
    found = _UNRELEASED.search(text)
    if not found:
        first = _FIRST_RELEASE.search(text)
        at = first.start() if first else len(text)
        head = text[:at].rstrip("\n")
        tail = f"\n\n{text[at:]}" if first else "\n"
        return f"{head}\n\n## [Unreleased]\n\n### Changed\n\n{entries}{tail}".lstrip("\n")
    following = _FIRST_RELEASE.search(text, found.end())
    end = following.start() if following else len(text)
    section = text[found.end() : end]
    changed = re.search(r"^### Changed\n+", section, re.MULTILINE)
    if changed:
        section = section[: changed.end()] + entries + "\n" + section[changed.end() :]
    else:
        section = section.rstrip("\n") + f"\n\n### Changed\n\n{entries}\n" + ("\n" if following else "")
    return text[: found.end()] + section + text[end:]


def summary(difference: Difference) -> str:
    """One line: how many of each kind, and the sizes."""
    counts = [f"{len(found)} {kind}" for kind in _KINDS if (found := difference.of(kind))]
    return f"{', '.join(counts) or 'unchanged'}; {_sizes(difference)}"


def _sizes(difference: Difference) -> str:
    old, new = difference.old_size, difference.new_size
    if not old.records:
        return f"{_plural(new.records, 'package')}, {_megabytes(new)}"
    if (old.records, old.known) == (new.records, new.known):
        return f"{_plural(new.records, 'package')}, {_megabytes(new)}, as before"
    records = "" if old.records == new.records else f"{old.records} to "
    return f"{records}{_plural(new.records, 'package')}, {_megabytes(old)} to {_megabytes(new)}"


def _megabytes(size: Size) -> str:
    shown = f"{size.known / MEGABYTE:.1f} MB"
    return f"{shown} without {size.unknown} of unknown size" if size.unknown else shown


def _what(change: PackageChange) -> str:
    return f"{change.kind} ({change.level})" if change.level else change.kind


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


def _markdown_table(changes: list[PackageChange]) -> list[str]:
    rows = [
        f"| {c.name} | {_what(c)} | {_version(c, c.old)} | {_version(c, c.new)} | {_growth(c)} |" for c in changes
    ]
    return ["| package | change | from | to | MB |", "|---|---|---|---|---:|", *rows]


def _plural(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number} packages that others need" if noun.endswith("others need") else f"{number} {noun}s"
