"""What conda-meta says is installed in a prefix."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bootstrap.errors import NotAnEnvironmentError, PrefixNotFoundError

if TYPE_CHECKING:
    from pathlib import Path

META_DIR = "conda-meta"


@dataclass(frozen=True)
class InstalledFile:
    """One path of an installed package."""

    path: str
    """Relative to the prefix, with forward slashes."""
    sha256: str | None
    """Of the content as installed; None for links and directories."""
    size: int | None
    """Bytes as installed, where conda-meta states them."""
    kind: str
    """conda's path type: ``hardlink``, ``softlink``, ``directory``, or an entry point's."""
    rewritten: bool
    """Whether the prefix was written into it, so that it differs from the package's own file."""


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
        raise PrefixNotFoundError("There is no environment at the prefix.", evidence=[f"{prefix}: not there"])
    if not is_environment(prefix):
        what = "no conda-meta with records in it" if prefix.is_dir() else "not a folder"
        raise NotAnEnvironmentError("The prefix is not a conda environment.", evidence=[f"{prefix}: {what}"])


def read_records(prefix: Path) -> tuple[list[InstalledRecord], list[BadRecord]]:
    """Reads every record of a prefix, and says which can't be read."""
    good: list[InstalledRecord] = []
    bad: list[BadRecord] = []
    for meta in sorted((prefix / META_DIR).glob("*.json")):
        try:
            good.append(to_record(json.loads(meta.read_bytes()), meta))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            bad.append(BadRecord(meta, f"{type(error).__name__}: {error}"))
    return good, bad


def to_record(data: dict[str, Any], meta: Path) -> InstalledRecord:
    """The record in a conda-meta file's data. Raises KeyError, TypeError or AttributeError where it is none."""
    return InstalledRecord(
        name=data["name"],
        version=data["version"],
        build=data["build"],
        subdir=data.get("subdir", ""),
        url=data.get("url", ""),
        sha256=data.get("sha256"),
        files=tuple(map(installed_file, data["paths_data"]["paths"])),
        meta=meta,
    )


def installed_file(entry: dict[str, Any]) -> InstalledFile:
    """A file by its entry in a conda-meta record's ``paths_data``."""
    kind = entry.get("path_type", "hardlink")
    linked = kind in ("softlink", "directory")
    in_prefix = entry.get("sha256_in_prefix")
    return InstalledFile(
        path=entry["_path"],
        sha256=None if linked else in_prefix or entry.get("sha256"),
        size=None if linked else entry.get("size_in_bytes"),
        kind=kind,
        rewritten=bool(in_prefix or entry.get("prefix_placeholder")),
    )
