"""Channels of a few kB, for tests of what goes wrong."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from .archive import PLACEHOLDER, Entry, record_of, write_package, write_raw
from .index import read_repodata, write_repodata

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Symlink:
    """A file's content: a link to this target."""

    target: str


@dataclass(frozen=True)
class Placeholder:
    """A file's content with ``{prefix}`` where the prefix will stand.

    Attributes:
        content: The text; ``{prefix}`` may come more than once.
        mode: ``text``, or ``binary`` for a NUL-padded replacement of the same length.
    """

    content: str
    mode: str = "text"


@dataclass(frozen=True)
class Executable:
    """A file's content, with mode 0755."""

    content: bytes | str | Placeholder


Content = bytes | str | Symlink | Placeholder | Executable


class TinyChannel:
    """A channel that a test fills with packages of its own.

    Attributes:
        path: The channel's folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records: dict[str, dict[str, Any]] = {}

    @property
    def url(self) -> str:
        """``file://`` URL of the folder."""
        return self.path.resolve().as_uri()

    def add(
        self,
        name: str,
        version: str = "1.0",
        *,
        build: str = "0",
        depends: Sequence[str] = (),
        constrains: Sequence[str] = (),
        files: Mapping[str, Content] | None = None,
        noarch: str | None = None,
        entry_points: Sequence[str] = (),
        subdir: str = "",
        python_site_packages_path: str = "",
    ) -> dict[str, Any]:
        """Write a package; :meth:`index` makes it known.

        Args:
            name: Package name.
            version: Its version.
            build: Its build string, which may end in ``_NUMBER``.
            depends: Conda specs.
            constrains: Conda specs.
            files: Path in the prefix -> content. One small file, ``share/NAME/VERSION``, by default. With
                ``noarch="python"``, ``site-packages/`` and ``python-scripts/`` are moved by the installer.
            noarch: ``python`` or ``generic``.
            entry_points: ``name = module:function``, for ``noarch="python"``.
            subdir: By default ``noarch`` where ``noarch`` is given, else ``linux-64``.
            python_site_packages_path: For a package named ``python``.

        Returns:
            The repodata record, with ``fn``.
        """
        subdir = subdir or ("noarch" if noarch else "linux-64")
        number = build.rpartition("_")[2]
        index: dict[str, Any] = {
            "name": name,
            "version": version,
            "build": build,
            "build_number": int(number) if number.isdigit() else 0,
            "depends": list(depends),
            "constrains": list(constrains),
            "license": "BSD-3-Clause",
            "subdir": subdir,
        }
        if noarch:
            index["noarch"] = noarch
        if python_site_packages_path:
            index["python_site_packages_path"] = python_site_packages_path
        if files is None:
            files = {f"share/{name}/{version}": f"{name} {version} {build}\n"}
        link = None
        if noarch == "python":
            points = {"type": "python", "entry_points": list(entry_points)}
            link = {"noarch": points, "package_metadata_version": 1}
        folder = self.path / subdir
        folder.mkdir(parents=True, exist_ok=True)
        entries = [_entry(path, content) for path, content in files.items()]
        record = write_package(folder, index, entries, about={"summary": f"Test package {name}"}, link=link)
        self._records[f"{subdir}/{record['fn']}"] = record
        return record

    def add_big(self, name: str, version: str = "1.0", *, size: int, seed: int = 0, **options: Any) -> dict[str, Any]:
        """Write a package with ``size`` bytes that don't compress, so that its download lasts.

        Args:
            name: Package name.
            version: Its version.
            size: Bytes.
            seed: Another seed gives other bytes.
            options: As for :meth:`add`, besides ``files``.
        """
        content = random.Random(f"{name} {version} {seed}").randbytes(size)
        return self.add(name, version, files={f"share/{name}/data.bin": content}, **options)

    def add_raw(
        self,
        name: str,
        members: Sequence[tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]],
        paths: object,
        suffix: str,
    ) -> None:
        """Write a package with whatever members and paths.json, which need not be true.

        Args:
            name: Package name; it is version 1.0, build 0.
            members: What lies in its tar, with content.
            paths: The lines of ``info/paths.json``.
            suffix: ``.conda`` or ``.tar.bz2``.
        """
        index = {"name": name, "version": "1.0", "build": "0", "build_number": 0, "depends": [], "subdir": "linux-64"}
        archive = self.path / f"linux-64/{name}-1.0-0{suffix}"
        write_raw(archive, index, members, paths)
        self._records[f"linux-64/{archive.name}"] = record_of(archive, index)

    def index(self, *, subdirs: Iterable[str] = ()) -> TinyChannel:
        """Write the repodata of every package added, and return the channel."""
        write_repodata(self.path, self._records.values(), subdirs=subdirs)
        return self

    def records(self) -> list[dict[str, Any]]:
        """The indexed records, with ``fn``, ``subdir`` and ``url``."""
        return read_repodata(self.path)

    def write_lock(
        self,
        path: Path,
        *,
        platform: str = "linux-64",
        packages: Iterable[str] | None = None,
        channel_url: str | None = None,
        hashes: Mapping[str, Mapping[str, str]] | None = None,
        edit: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Path:
        """Write a conda-lock v1 lock of packages in this channel.

        Args:
            path: The lock.
            platform: The platform that every record is locked for.
            packages: Their names, each once in the channel or at its last added version; all by default.
            channel_url: The channel's URL in the lock; ``file://`` by default.
            hashes: Package name -> hashes that replace the true ones.
            edit: Package name -> fields that replace or extend the record's (None removes a field).

        Returns:
            The path.

        Raises:
            KeyError: A package isn't in the channel.
        """
        base = (channel_url or self.url).rstrip("/")
        by_name = {record["name"]: record for record in self._records.values()}
        chosen = [by_name[name] for name in (packages if packages is not None else by_name)]
        entries = []
        for record in sorted(chosen, key=lambda item: item["name"]):
            entry = lock_entry(record, base, platform)
            entry["hash"] |= dict((hashes or {}).get(record["name"], {}))
            entry |= (edit or {}).get(record["name"], {})
            entries.append({key: value for key, value in entry.items() if value is not None})
        content_hash = hashlib.sha256(repr(sorted(by_name)).encode()).hexdigest()
        lock = {
            "version": 1,
            "metadata": {
                "content_hash": {platform: content_hash},
                "channels": [{"url": base, "used_env_vars": []}],
                "platforms": [platform],
                "sources": ["environment.yml"],
            },
            "package": entries,
        }
        path.write_text(yaml.safe_dump(lock, sort_keys=False), encoding="utf-8")
        return path


def lock_entry(record: Mapping[str, Any], base: str, platform: str) -> dict[str, Any]:
    """A repodata record as conda-lock v1 writes it."""
    dependencies = {}
    for spec in record["depends"]:
        name, _, constraint = spec.partition(" ")
        if not name.startswith("__"):
            dependencies[name] = constraint
    return {
        "name": record["name"],
        "version": record["version"],
        "manager": "conda",
        "platform": platform,
        "dependencies": dependencies,
        "url": f"{base}/{record['subdir']}/{record['fn']}",
        "hash": {"md5": record["md5"], "sha256": record["sha256"]},
        "category": "main",
        "optional": False,
    }


def _entry(path: str, content: Content) -> Entry:
    executable = isinstance(content, Executable)
    if isinstance(content, Executable):
        content = content.content
    if isinstance(content, Symlink):
        return Entry.symlink(path, content.target)
    if isinstance(content, Placeholder):
        binary = content.mode == "binary"
        data = content.content.replace("{prefix}", PLACEHOLDER).encode()
        # A binary's string ends at a NUL; the installer pads up to it.
        return Entry.data(path, data + b"\0" * binary, executable=executable, binary=binary)
    data = content.encode() if isinstance(content, str) else content
    return Entry.data(path, data, executable=executable)
