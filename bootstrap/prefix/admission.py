"""Judges an unpacked package before anything of it is linked: its paths, links, modes, sizes, entry points.

What its files hash to takes longest and decides nothing of where they go: that is left to whoever links, to be done
meanwhile (`compare_hashes`).

The archive's sha256 says that it is the one in the lock; it says nothing of what whoever made it put there. The
engine joins paths unchecked, follows links, and takes hashes from paths.json as true. It imports nothing but the
standard library: it runs in the engine's process.
"""

from __future__ import annotations

import json
import os
import re
import stat
import threading
from typing import TYPE_CHECKING, Any

from bootstrap.prefix.file_check import portions, sha256_of
from bootstrap.prefix.paths import META_DIR, above, fault, first_fault
from bootstrap.prefix.tree import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Hashes = list[tuple[str, str]]
"""Files of a package by their paths, each with the sha256 in paths.json, in hexadecimal digits."""

_TYPES = {"hardlink": stat.S_IFREG, "softlink": stat.S_IFLNK}
"""A third, ``directory``, the engine can't link."""
_TAKEN_AWAY = 0o7002
"""Bits of a mode that no file of a prefix has: setuid, setgid, sticky, writable for all."""
_ENTRY_POINT = re.compile(
    r"\s*(?P<command>[^\s=/\\.:][^\s=/\\:\x00]*)\s*=\s*(?P<module>[\w.]+)\s*:\s*(?P<name>[\w.]+)\s*"
)
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_CHUNK = 1 << 20
_MOST_LINKS = 40


class RefusedError(Exception):
    """A package that may not be linked.

    Args:
        kind: ``package`` where it is at fault by itself, ``conflict`` where two packages are, ``in-the-way`` where
            something in the environment is, which no package owns.
        message: What is wrong, in words.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class Admission:
    """Admits packages to a stage, one by one, in whatever order they come.

    Args:
        stage: The folder that they are linked into.
        python: The version of the stage's python, for where noarch packages go; empty where it has none.
        kept: Packages that are in the stage and stay, with the paths of each.
    """

    def __init__(self, stage: str, python: str, kept: Mapping[str, Iterable[str]]) -> None:
        self._stage = stage
        self._site = "lib/python{}.{}/site-packages".format(*[*python.split("."), "", ""][:2])
        self._lock = threading.Lock()
        self._owners: dict[str, str] = {}
        """Of every path that is no folder."""
        self._folders: dict[str, str] = {}
        """Folders, with a package that has something below each."""
        self._links: dict[str, str] = {}
        self._points: set[str] = set()
        self._updated = bool(kept) or any(name != META_DIR for name in os.listdir(stage))
        """Whether something may be in the stage already."""
        for owner, paths in kept.items():
            listed = list(paths)
            self._owners.update(dict.fromkeys(listed, owner))
            self._folders.update(dict.fromkeys(above(listed), owner))

    def admit(self, record: Mapping[str, Any], package: str, *, closely: bool) -> list[Hashes]:
        """Admits a package, or raises; it may be linked then.

        Args:
            record: Its name, version and build, as locked.
            package: The folder into which its archive was unpacked. Modes are corrected there.
            closely: Look at its files as well: whoever unpacked it didn't.

        Returns:
            What `compare_hashes` has to be called with before the package is used, in portions that take about as
            long as each other; nothing unless `closely`.

        Raises:
            RefusedError: It may not be linked.
        """
        index = _read(package, "index.json")
        for key in ("name", "version", "build"):
            if str(index.get(key)).lower() != str(record[key]).lower():
                raise RefusedError("package", f"info/index.json says {key} {index.get(key)!r}")
        entries = _entries(package, closely=closely)
        hashes = _look_at_files(package, entries) if closely else []
        python = index.get("noarch") == "python"
        targets = {self._target(entry["_path"]) if python else entry["_path"]: entry for entry in entries}
        points = {f"bin/{command}" for command in _commands(package)} if python else set()
        links = {
            target: _link_target(f"{package}/{entry['_path']}")
            for target, entry in targets.items()
            if entry.get("path_type") == "softlink"
        }
        with self._lock:
            self._register(str(record["name"]), set(targets), links, points)
        return hashes

    def _target(self, path: str) -> str:
        """Where a file of a noarch python package goes."""
        first, _, rest = path.partition("/")
        if first == "site-packages" and rest:
            return f"{self._site}/{rest}"
        return f"bin/{rest}" if first == "python-scripts" and rest else path

    def _register(self, name: str, files: set[str], links: Mapping[str, str], points: set[str]) -> None:
        needed = above([*files, *points])
        for path in needed & (files | points):
            what = "its own link" if path in links else "a file as well as a folder"
            raise RefusedError("package", f"{path}: {what}")
        for path in (files | points) & self._folders.keys():
            raise RefusedError("conflict", f"{path}: a file of {name}, and a folder of {self._folders[path]}")
        for path in {p for p in points if p in self._owners or p in files} | (files & self._points):
            raise RefusedError("conflict", f"{path}: of {name}, and of {self._owners.get(path, name)}")
        through: set[str] = set()
        for folder in [folder for folder in needed if folder not in self._folders]:
            if folder in self._owners and folder not in self._links and not os.path.islink(f"{self._stage}/{folder}"):
                raise RefusedError("conflict", f"{folder}: a folder of {name}, and a file of {self._owners[folder]}")
            if folder in self._owners or self._updated:
                through |= self._passed(folder, name)
        if self._updated:
            for path in files | points:
                if path not in self._owners:
                    self._clear(path)
        self._owners.update(dict.fromkeys(files | points, name))
        self._folders.update(dict.fromkeys(needed | through, name))
        self._links.update(links)
        self._points |= points

    def _passed(self, folder: str, name: str) -> set[str]:
        """The folders that lie on the way to a folder, links followed. None of them may become a link later."""
        waiting = folder.split("/")[::-1]
        here: list[str] = []
        passed: set[str] = set()
        followed = 0
        owner = ""
        while waiting:
            part = waiting.pop()
            if part == "..":
                if not here:
                    raise self._leads_out(folder, name, owner)
                here.pop()
                continue
            if part in ("", "."):
                continue
            path = "/".join([*here, part])
            target = self._links.get(path)
            if target is None and self._updated and path not in passed:
                target = self._on_disk(path, name)
            if target is None:
                here.append(part)
                passed.add(path)
                continue
            owner = owner or self._owners.get(path, "")
            followed += 1
            if target.startswith("/") or followed > _MOST_LINKS:
                raise self._leads_out(folder, name, owner)
            waiting += target.split("/")[::-1]
        if here and here[0] == META_DIR:
            raise self._leads_out(folder, name, owner)
        return passed if followed else set()

    def _on_disk(self, path: str, name: str) -> str | None:
        """Where a link leads that is in the stage already; None where there is a folder or nothing."""
        try:
            mode = os.lstat(f"{self._stage}/{path}").st_mode
            if stat.S_ISLNK(mode):
                return os.readlink(f"{self._stage}/{path}")
        except OSError:
            return None
        if not stat.S_ISDIR(mode):
            raise RefusedError("in-the-way", f"{path}: not a folder, but {name} needs one there")
        return None

    def _leads_out(self, folder: str, name: str, owner: str) -> RefusedError:
        words = f"{folder}: {name} has files there, but a link on the way leads out of the environment"
        return RefusedError("conflict", f"{words} of {owner}") if owner else RefusedError("in-the-way", words)

    def _clear(self, path: str) -> None:
        """Takes away what is in a file's place: it may be a link, or share its content with the prefix in place."""
        try:
            os.unlink(f"{self._stage}/{path}")
        except FileNotFoundError:
            pass
        except OSError as error:
            raise RefusedError("in-the-way", f"{path}: {error.strerror}, and a package has a file there") from error


def _read(package: str, name: str) -> dict[str, Any]:
    try:
        data = json.loads(_content(package, name))
    except (OSError, ValueError, RecursionError) as error:
        raise RefusedError("package", f"info/{name}: {error}") from error
    if not isinstance(data, dict):
        raise RefusedError("package", f"info/{name}: not a JSON object")
    return data


def _content(package: str, name: str) -> bytes:
    """Of a file in ``info``; a link or a device in its place is not followed."""
    if not stat.S_ISDIR(os.lstat(f"{package}/info").st_mode):
        raise RefusedError("package", "info: not a folder")
    descriptor = os.open(f"{package}/info/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise RefusedError("package", f"info/{name}: not a file")
        return file.read()


def _entries(package: str, *, closely: bool) -> list[dict[str, Any]]:
    """The lines of paths.json, each of which may be linked by its words; of ``info/files`` in packages of old."""
    if os.path.lexists(f"{package}/info/paths.json"):
        entries = _read(package, "paths.json").get("paths")
    else:
        entries = _old_entries(package)
    if not isinstance(entries, list):
        raise RefusedError("package", "info/paths.json: no list of paths")
    for entry in entries:
        if not isinstance(entry, dict):
            raise RefusedError("package", f"info/paths.json: {entry!r} is not a path")
    path_fault = first_fault([entry.get("_path") for entry in entries])
    if path_fault is None and closely:
        path_fault = next(((entry["_path"], words) for entry in entries if (words := _fault_beside(entry))), None)
    if path_fault is not None:
        raise RefusedError("package", f"info/paths.json: the path {path_fault[0]!r} {path_fault[1]}")
    return entries


def _fault_beside(entry: Mapping[str, Any]) -> str | None:
    """Why what paths.json says of a path is refused, in words."""
    kind, size, sha256 = entry.get("path_type", "hardlink"), entry.get("size_in_bytes"), entry.get("sha256")
    if kind not in _TYPES:
        return f"has an unsupported type, {kind!r}"
    if size is not None and (not isinstance(size, int) or size < 0):
        return f"has an invalid size, {size!r}"
    if sha256 is not None and not (isinstance(sha256, str) and _HASH.fullmatch(sha256)):
        return f"has an invalid sha256, {sha256!r}"
    placeholder = entry.get("prefix_placeholder")
    if placeholder is not None:
        if kind != "hardlink":
            return f"is a {kind}, but has a placeholder"
        if not isinstance(placeholder, str) or len(placeholder) < 2:
            return f"has an invalid placeholder, {placeholder!r}"
    return None


def _old_entries(package: str) -> list[dict[str, Any]]:
    try:
        paths = [line for line in _content(package, "files").decode().splitlines() if line]
    except (OSError, ValueError) as error:
        raise RefusedError("package", f"info/paths.json and info/files: {error}") from error
    links = [path for path in paths if not fault(path) and os.path.islink(f"{package}/{path}")]
    if links and os.path.lexists(f"{package}/info/has_prefix"):
        lines = _content(package, "has_prefix").decode(errors="replace").splitlines()
        rewritten = {line.strip().strip("\"'").rpartition(" ")[2].strip("\"'") for line in lines}
        for path in rewritten.intersection(links):
            raise RefusedError("package", f"info/has_prefix: {path} is a link")
    return [{"_path": path, "path_type": "softlink" if path in links else "hardlink"} for path in paths]


def _look_at_files(package: str, entries: Iterable[Mapping[str, Any]]) -> list[Hashes]:
    """Compares the files with what paths.json says of them, and takes away what no mode may have.

    Returns:
        What is left: their hashes, in portions.
    """
    statuses: dict[str, os.stat_result] = {}
    for path, info in walk(package):
        statuses[path] = info
        if info.st_mode & _TAKEN_AWAY and not stat.S_ISLNK(info.st_mode):
            os.chmod(f"{package}/{path}", stat.S_IMODE(info.st_mode) & ~_TAKEN_AWAY)
    hashed: list[tuple[tuple[str, str], int]] = []
    for entry in entries:
        path, kind = entry["_path"], entry.get("path_type", "hardlink")
        status = statuses.get(path)
        if status is None:
            raise RefusedError("package", f"{path}: in info/paths.json, but not in the archive")
        if stat.S_IFMT(status.st_mode) != _TYPES[kind]:
            raise RefusedError("package", f"{path}: not a {kind}, as info/paths.json says")
        if kind != "hardlink":
            continue
        size = entry.get("size_in_bytes")
        if size is not None and size != status.st_size:
            raise RefusedError("package", f"{path}: {status.st_size} bytes, but info/paths.json says {size}")
        if entry.get("sha256"):
            hashed.append(((path, entry["sha256"]), status.st_size))
    return portions(hashed)


def compare_hashes(package: str, hashes: Hashes) -> None:
    """Compares files of an admitted package with what paths.json says that they hash to.

    Args:
        package: The folder into which its archive was unpacked.
        hashes: A portion of what `Admission.admit` returned; several may be compared at a time.

    Raises:
        RefusedError: One differs: what was linked of the package must not be used.
    """
    buffer = memoryview(bytearray(_CHUNK))
    for path, sha256 in hashes:
        if sha256_of(f"{package}/{path}", buffer) != sha256.lower():
            raise RefusedError("package", f"{path}: its sha256 differs from info/paths.json")


def _link_target(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError as error:
        raise RefusedError("package", f"{path}: {error.strerror}") from error


def _commands(package: str) -> list[str]:
    """The names of a noarch package's entry points."""
    if not os.path.lexists(f"{package}/info/link.json"):
        return []
    noarch = _read(package, "link.json").get("noarch")
    points = noarch.get("entry_points", []) if isinstance(noarch, dict) and noarch.get("type") == "python" else None
    if not isinstance(points, list):
        raise RefusedError("package", "info/link.json: no list of entry points")
    matches = [_ENTRY_POINT.fullmatch(point) if isinstance(point, str) else None for point in points]
    for point, match in zip(points, matches, strict=True):
        if not match or not all(part.isidentifier() for part in f"{match['module']}.{match['name']}".split(".")):
            raise RefusedError("package", f"info/link.json: invalid entry point {point!r}")
    return [match["command"] for match in matches if match]
