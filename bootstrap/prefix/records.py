"""What conda-meta says is installed in a prefix: as the engine writes it, and as conda does.

Of a noarch python package conda's ``paths_data`` has the places in the package (``site-packages/x.py``), the engine's
those in the prefix, as ``files`` has in both. Of a file that the prefix was written into, conda's size is the
package's. ``requested_spec`` and what else there is besides files is alike.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from bootstrap.errors import NotAnEnvironmentError, PrefixNotFoundError
from bootstrap.prefix.paths import META_DIR as META_DIR
from bootstrap.prefix.paths import first_fault

if TYPE_CHECKING:
    from pathlib import Path

ENTRY_POINT = "unix_python_entry_point"
"""The path type of a script that the installer makes; its first line names the prefix."""
_SITE = "site-packages/"
_SCRIPTS = "python-scripts/"


class InstalledFile(NamedTuple):
    """One path of an installed package."""

    path: str
    """Relative to the prefix, with forward slashes."""
    sha256: str | None
    """Of the content as installed; None where nothing states it, and for links and directories."""
    size: int | None
    """Bytes as installed, where conda-meta states them."""
    kind: str
    """conda's path type: ``hardlink``, ``softlink``, ``directory``, ``pyc_file``, or an entry point's."""
    rewritten: bool
    """Whether the prefix's path was written into it."""


@dataclass(frozen=True)
class InstalledRecord:
    """One conda-meta record."""

    name: str
    version: str
    build: str
    subdir: str
    url: str
    sha256: str | None
    files: tuple[InstalledFile, ...]
    meta: Path
    """The record's own file."""

    @property
    def stem(self) -> str:
        """``name-version-build``."""
        return f"{self.name}-{self.version}-{self.build}"

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class BadRecord:
    """A conda-meta file that can't be read as a record."""

    meta: Path
    reason: str
    astray: bool = False
    """Whether it names a path that may not be touched: the record was edited, or somebody's package is at fault."""


def is_environment(prefix: Path) -> bool:
    """Whether the folder is a conda environment: it has conda-meta with a history or records."""
    meta = prefix / META_DIR
    return meta.is_dir() and ((meta / "history").exists() or any(meta.glob("*.json")))


def require_environment(prefix: Path) -> None:
    """Raises unless the prefix is a conda environment.

    Raises:
        PrefixNotFoundError: There is nothing.
        NotAnEnvironmentError: There is something else.
    """
    if not prefix.exists():
        raise PrefixNotFoundError("There is no environment at the prefix.", evidence=[f"{prefix}: not found"])
    if not is_environment(prefix):
        what = "no conda-meta with records in it" if prefix.is_dir() else "not a folder"
        raise NotAnEnvironmentError("The prefix is not a conda environment.", evidence=[f"{prefix}: {what}"])


def read_records(prefix: Path) -> tuple[list[InstalledRecord], list[BadRecord]]:
    """Reads every record of a prefix, and says which can't be read."""
    good: list[InstalledRecord] = []
    bad: list[BadRecord] = []
    for meta in sorted((prefix / META_DIR).glob("*.json")):
        try:
            record = to_record(json.loads(meta.read_bytes()), meta)
            words = _astray(record)
            if words:
                bad.append(BadRecord(meta, words, astray=True))
            else:
                good.append(record)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            bad.append(BadRecord(meta, f"{type(error).__name__}: {error}"))
    return good, bad


def _astray(record: InstalledRecord) -> str | None:
    """Why a record's files may not be touched, nor the record itself; None where they may."""
    if "/" in record.stem:
        return f"{record.stem!r} is not a package"
    fault = first_fault([file.path for file in record.files], (META_DIR,))
    return f"the path {fault[0]!r} {fault[1]}" if fault else None


def to_record(data: dict[str, Any], meta: Path) -> InstalledRecord:
    """The record in a conda-meta file's data. Raises KeyError, TypeError or AttributeError where it is none."""
    return InstalledRecord(
        name=data["name"],
        version=data["version"],
        build=data["build"],
        subdir=data.get("subdir", ""),
        url=data.get("url", ""),
        sha256=data.get("sha256"),
        files=tuple(map(installed_file, in_prefix(data)["paths_data"]["paths"])),
        meta=meta,
    )


def adopt_records(meta: Path) -> None:
    """Rewrites conda's records as the engine understands them.

    Else it leaves a package's files where they are when it removes the package.

    Args:
        meta: A stage's conda-meta; what can't be read is left as it is.
    """
    for path in meta.glob("*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            data = json.loads(path.read_bytes())
            placed = in_prefix(data)
            if placed is not data:
                path.write_text(json.dumps(placed, indent=2, ensure_ascii=False), encoding="utf-8")


def in_prefix(data: dict[str, Any]) -> dict[str, Any]:
    """A record's data with its paths' places in the prefix; the same object where it has these already."""
    if data.get("package_type") != "noarch_python" and data.get("noarch") != "python":
        return data
    entries = data["paths_data"]["paths"]
    first = next((e["_path"] for e in entries if e["_path"].startswith(_SITE)), None)
    scripts = any(e["_path"].startswith(_SCRIPTS) for e in entries)
    if first is None and not scripts:
        return data
    places = (f for f in data.get("files") or () if first and f.endswith(f"/{first}"))
    site = next(places, "")[: -len(first or "")]

    def place(path: str) -> str:
        if path.startswith(_SITE) and site:
            return site + path
        return f"bin/{path.removeprefix(_SCRIPTS)}" if path.startswith(_SCRIPTS) else path

    placed = [{**entry, "_path": place(entry["_path"])} for entry in entries]
    return {**data, "paths_data": {**data["paths_data"], "paths": placed}}


def installed_file(entry: dict[str, Any]) -> InstalledFile:
    """A file by its entry in a conda-meta record's ``paths_data``, with its place in the prefix."""
    kind = entry.get("path_type", "hardlink")
    size, sha256 = entry.get("size_in_bytes"), entry.get("sha256_in_prefix")
    rewritten = bool(entry.get("prefix_placeholder"))
    if kind in ("softlink", "directory"):
        size = sha256 = None
    elif rewritten:
        # The size may be the package's, as its sha256 is; a binary file keeps its size.
        size = size if entry.get("file_mode") == "binary" else None
    else:
        sha256 = sha256 or entry.get("sha256")
    return InstalledFile(entry["_path"], sha256, size, kind, rewritten=rewritten or kind == ENTRY_POINT)
