"""What was changed in a root, and how two moments differ."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .root import Root


@dataclass(frozen=True)
class Entry:
    """One path.

    Attributes:
        kind: ``file``, ``folder``, ``link``, ``other``, or ``absent``.
        mode: Its permissions.
        owner: User and group.
        content: A file's sha256, a link's goal, else empty.
    """

    kind: str
    mode: int = 0
    owner: tuple[int, int] = (0, 0)
    content: str = ""

    @classmethod
    def of(cls, path: Path) -> Entry:
        """What is at a path; links are not followed."""
        try:
            return cls._there(path)
        except (FileNotFoundError, NotADirectoryError):  # or no longer: some process removes its temporary files
            return ABSENT

    @classmethod
    def _there(cls, path: Path) -> Entry:
        status = path.lstat()
        owner = (status.st_uid, status.st_gid)
        if stat.S_ISLNK(status.st_mode):
            return cls("link", 0, owner, os.readlink(path))
        mode = stat.S_IMODE(status.st_mode)
        if stat.S_ISDIR(status.st_mode):
            return cls("folder", mode, owner)
        if stat.S_ISREG(status.st_mode):
            with path.open("rb") as stream:
                return cls("file", mode, owner, hashlib.file_digest(stream, "sha256").hexdigest())
        return cls("other", mode, owner, f"{status.st_mode:o} {status.st_rdev}")


ABSENT = Entry("absent")


@dataclass(frozen=True)
class Difference:
    """One path that differs."""

    path: str
    before: Entry
    after: Entry

    def __str__(self) -> str:
        what = {self.before.kind: "new", self.after.kind: "gone"}.get("absent", "changed")
        return f"{what:7} {self.path}"


@dataclass(frozen=True)
class Snapshot:
    """Every path that is not as in the layers below, and how those have it.

    Attributes:
        changed: Path to what is there now.
        pristine: The same paths, as the machine had them new.
    """

    changed: Mapping[str, Entry]
    pristine: Mapping[str, Entry]

    def differences(self, later: Snapshot, *, but: Mapping[str, str] | None = None) -> list[Difference]:
        """What differs between this moment and a later one, of all the root.

        Args:
            later: Of the same root, or of a copy of it.
            but: Patterns of paths (as ``fnmatch`` has them) to leave out, each with the reason why. A pattern
                that leaves nothing out is an error: it would hide a fault one day.

        Raises:
            AssertionError: A pattern leaves nothing out.
        """
        found = []
        for path in sorted(self.changed.keys() | later.changed.keys()):
            before = self.changed.get(path) or later.pristine[path]
            after = later.changed.get(path) or self.pristine[path]
            if before != after:
                found.append(Difference(path, before, after))
        for pattern, reason in (but or {}).items():
            kept = [difference for difference in found if not fnmatch.fnmatchcase(difference.path, pattern)]
            assert len(kept) < len(found), f"nothing to leave out by {pattern} ({reason})"
            found = kept
        return found


def take(root: Root) -> Snapshot:
    """Looks at everything that was written in a root."""
    upper, merged, pristine = (root.outer(f"{root.stage}/{name}") for name in ("upper", "root", "pristine"))
    changed: dict[str, Entry] = {}
    new: dict[str, Entry] = {}

    def note(path: Path, name: str) -> None:
        now, then = Entry.of(merged / name), Entry.of(pristine / name)
        if now != then:
            changed[f"/{name}"], new[f"/{name}"] = now, then

    def compare(name: str) -> None:
        """Everything below a folder whose layers don't show through, or that is only on one side."""
        names = {entry.name for side in (merged, pristine) for entry in _entries(side / name)}
        for child in sorted(names):
            path = f"{name}/{child}"
            note(merged, path)
            compare(path)

    def walk(name: str) -> None:
        folder = upper / name
        for entry in sorted(_entries(folder), key=lambda entry: entry.name):
            path = f"{name}/{entry.name}" if name else entry.name
            note(merged, path)
            if entry.is_dir(follow_symlinks=False):
                if _stands_alone(entry.path) or not (pristine / path).is_dir() or (pristine / path).is_symlink():
                    compare(path)
                else:
                    walk(path)
            else:
                compare(path)  # a folder may have been here

    walk("")
    return Snapshot(changed, new)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    if folder.is_symlink():
        return []
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _stands_alone(folder: str) -> bool:
    """Whether overlayfs takes this folder without the layers below, or with another one of them (a move)."""
    names = os.listxattr(folder)
    return bool({"trusted.overlay.opaque", "trusted.overlay.redirect"} & set(names))
