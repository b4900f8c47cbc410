"""The nouns of a lock: record, lock."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ANACONDA_ORG = "https://conda.anaconda.org"
_ANACONDA = "https://repo.anaconda.com"
ARCHIVE_SUFFIXES = (".conda", ".tar.bz2")
MAIN_CATEGORY = "main"
LOCK_NAMES = {"cpu": "conda-lock.yml", "cuda": "conda-lock-cuda.yml"}
"""The file of each variant's lock."""
PLATFORM = "linux-64"
"""What is restored unless told otherwise: Colab has no other."""


@dataclass(frozen=True)
class Record:
    """One locked package on one platform."""

    name: str
    version: str
    manager: str
    """``conda``, or ``pip`` (which the policy refuses)."""
    platform: str
    """The platform it is locked for, e.g. ``linux-64``; noarch packages too."""
    url: str
    sha256: str | None
    md5: str | None
    depends: Mapping[str, str] = field(default_factory=dict)
    """Dependency name to version spec, as locked."""
    categories: tuple[str, ...] = (MAIN_CATEGORY,)
    locked_build: str | None = None
    """The build string, where the lock states it."""
    size: int | None = None
    """Bytes of the archive, where the lock states it."""
    line: int = 0
    """Line of the lock at which the record starts, from 1."""

    @cached_property
    def filename(self) -> str:
        """The archive's file name."""
        return posixpath.basename(unquote(urlsplit(self.url).path))

    @property
    def subdir(self) -> str:
        """The channel's folder that holds the archive: the platform's, or ``noarch``."""
        return posixpath.basename(posixpath.dirname(urlsplit(self.url).path))

    @property
    def channel(self) -> str:
        """The URL of the channel that holds the archive, without a trailing slash."""
        return self.url.rsplit("/", 2)[0]

    @cached_property
    def stem(self) -> str:
        """``name-version-build``, as conda-meta and package caches name it."""
        for suffix in ARCHIVE_SUFFIXES:
            if self.filename.endswith(suffix):
                return self.filename[: -len(suffix)]
        return self.filename

    @property
    def build(self) -> str:
        """The build string: the last part of the file name."""
        return self.stem.rsplit("-", 1)[-1]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Lock:
    """A conda-lock file of format version 1."""

    path: Path
    content_hash: Mapping[str, str]
    """Platform to the hash of the specification that it was solved from."""
    channels: tuple[str, ...]
    """As the lock names them: names (``conda-forge``, ``defaults``, ``pkgs/main``) or URLs."""
    platforms: tuple[str, ...]
    sources: tuple[str, ...]
    records: tuple[Record, ...]
    """In the file's order; one a package, platform and manager, its categories joined."""
    sha256: str
    """Of the file itself."""

    @property
    def channel_urls(self) -> tuple[str, ...]:
        """The URLs that conda takes the channels for by default, without a trailing slash; most have one."""
        return tuple(url for channel in self.channels for url in _urls(channel.rstrip("/")))

    def for_platform(self, platform: str) -> tuple[Record, ...]:
        """The records to install on a platform, e.g. ``linux-64``: those of the main category."""
        return tuple(r for r in self.records if r.platform == platform and MAIN_CATEGORY in r.categories)


def _urls(channel: str) -> tuple[str, ...]:
    if channel == "defaults":
        return (f"{_ANACONDA}/pkgs/main", f"{_ANACONDA}/pkgs/r")
    base = _ANACONDA if channel.startswith("pkgs/") else ANACONDA_ORG
    return (channel if "://" in channel else f"{base}/{channel}",)
