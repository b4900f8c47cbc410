"""What each file of a packed environment was: the part of a pack by which a restored one is compared."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

from bootstrap.prefix.paths import fault
from bootstrap.prefix.records import ENTRY_POINT, META_DIR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bootstrap.lock import Record
    from bootstrap.prefix.manifest import Manifest

_OWN = (
    "files",
    "paths_data",
    "link",
    "extracted_package_dir",
    "package_tarball_full_path",
    "requested_spec",
    "requested_specs",
)
"""Fields of a conda-meta record that are said of each file, or depend on where and how it was restored."""
_KINDS = ("hardlink", "softlink", "directory", "pyc_file", ENTRY_POINT)


Packages = dict[str, dict[str, Any]]
"""The manifest of a pack. By ``name-version-build``: ``record``, the fields of the conda-meta record, and ``files``:
by path ``type``, ``mode`` (755 or 644), ``size`` and ``sha256`` as the package has them; ``target`` of a link;
``rewritten`` where the prefix's own path is written into it, so that its content, and the size of a text, are not the
package's."""


def differences(packages: Packages, state: Manifest) -> list[str]:
    """How a restored environment differs, a line for each file.

    Files into which the prefix was written differ in size and content, and whether a script may be read by others is
    for the machine's umask to say.
    """
    lines = []
    for stem, package in packages.items():
        restored = {
            path: fingerprint
            for path, fingerprint in state.files.get(stem, {}).items()
            if path != f"{META_DIR}/{stem}.json"
        }
        files = package["files"]
        lines += [f"{path} ({stem}): only in the manifest" for path in files.keys() - restored.keys()]
        lines += [f"{path} ({stem}): not in the manifest" for path in restored.keys() - files.keys()]
        for path in files.keys() & restored.keys():
            if words := _differs(files[path], restored[path]):
                lines.append(f"{path} ({stem}): {words}")
    return lines


def _differs(entry: Mapping[str, Any], told: str | None) -> str | None:
    """How a file differs from its entry, by its `bootstrap.prefix.manifest.fingerprint`."""
    if told is None:
        return None if entry["type"] == "pyc_file" else "not there"
    if told.startswith("-> "):
        return None if entry.get("target") == told[3:] else f"leads to {told[3:]}, packed {entry.get('target')}"
    if told == "/":
        return None if entry["type"] == "directory" else "a folder"
    size, _, mode, _ = map(int, told.split())
    if entry.get("target") is not None or entry["type"] == "directory":
        return f"a file, packed as {entry['type']}"
    if not entry.get("rewritten") and size != entry["size"]:
        return f"{size} bytes, packed {entry['size']}"
    if mode & 0o100 != entry["mode"] & 0o100:
        return f"mode {stat.S_IMODE(mode):o}, packed {entry['mode']:o}"
    return None


def make_manifest(prefix: Path, records: Iterable[Record]) -> tuple[Packages, dict[str, int]]:
    """The manifest of an environment whose files were verified, and the bytes of each package's files by its name."""
    packages: Packages = {}
    sizes: dict[str, int] = {}
    for record in sorted(records, key=lambda record: record.stem):
        data = json.loads((prefix / META_DIR / f"{record.stem}.json").read_bytes())
        files = {entry["_path"]: _entry(prefix, entry) for entry in data["paths_data"]["paths"]}
        own = {key: value for key, value in data.items() if key not in _OWN}
        packages[record.stem] = {"record": own, "files": files}
        sizes[record.name] = sum(file["size"] for file in files.values())
    return packages, sizes


def _entry(prefix: Path, entry: Mapping[str, Any]) -> dict[str, Any]:
    """A file, without what depends on the prefix's path and the machine's umask: all packs of a lock are the same."""
    path = f"{prefix}/{entry['_path']}"
    info = os.lstat(path)
    kind = entry.get("path_type", "hardlink")
    made: dict[str, Any] = {"type": kind, "mode": 0o755 if info.st_mode & 0o100 else 0o644, "size": 0}
    if stat.S_ISLNK(info.st_mode):
        made["target"] = os.readlink(path)  # noqa: PTH115 (called for every file of an environment)
    elif stat.S_ISREG(info.st_mode):
        made["sha256"] = None if kind == ENTRY_POINT else entry.get("sha256")
        made["size"] = info.st_size
    if entry.get("prefix_placeholder") or kind == ENTRY_POINT:
        made["rewritten"] = True
        if entry.get("file_mode") != "binary":
            made["size"] = 0
    return made


def read_manifest(data: Any, records: Sequence[Record]) -> Packages:
    """The manifest in a pack's data, judged: it is of exactly these packages, with paths that packages may have.

    Raises:
        ValueError: It is not; or KeyError, TypeError, AttributeError.
    """
    packages: Packages = data["packages"]
    if packages.keys() != {record.stem for record in records}:
        raise ValueError("its packages aren't those in the lock")
    for stem, package in packages.items():
        for path, entry in package["files"].items():
            if words := fault(path, (META_DIR,)):
                raise ValueError(f"the path {path[:300]!r} of {stem} {words}")
            numbers = [entry["mode"], entry["size"]]
            if entry["type"] not in _KINDS or not all(isinstance(n, int) and n >= 0 for n in numbers):
                raise ValueError(f"{path} of {stem}: {entry!r}"[:500])
    return packages
