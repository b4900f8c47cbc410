"""What is held: the locked packages, under conda's names and under those that pip knows."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from bootstrap.errors import GuardNothingLockedError
from bootstrap.lock import read_lock
from bootstrap.prefix.manifest import read_manifest
from bootstrap.prefix.records import read_records, require_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bootstrap.prefix.records import InstalledRecord

_METADATA = re.compile(r"(?:^|/)(?P<name>[^/]+?)-(?P<version>[^/-]+)\.dist-info/METADATA$")
_HEADER = re.compile(r"^(Name|Version):[ \t]*(.*?)\s*$", re.MULTILINE)


def held_packages(prefix: Path, lock: Path | None) -> list[InstalledRecord]:
    """The installed packages that are locked.

    Args:
        prefix: The environment.
        lock: The lock; without one, the packages of the last restore.

    Raises:
        PrefixError: There is no environment.
        GuardNothingLockedError: There is neither a lock nor a manifest of a restore.
        LockError: The lock can't be used.
    """
    require_environment(prefix)
    state = read_manifest(prefix)
    if lock is not None:
        locked = {record.stem for record in read_lock(lock).records}
    elif state is not None:
        locked = set(state.records)
    else:
        raise GuardNothingLockedError(
            "Unknown which packages of this prefix are locked.",
            evidence=[f"{prefix}: not restored by bootstrap (no manifest in conda-meta)"],
        )
    records, _ = read_records(prefix)
    return [record for record in records if record.stem in locked]


def _distributions(prefix: Path, record: InstalledRecord) -> Iterator[tuple[str, str]]:
    """Name and version of the Python distributions that a package brings, as their own metadata has them."""
    for file in record.files:
        # The ending first: an environment has some ten thousand files.
        match = _METADATA.search(file.path) if file.path.endswith(".dist-info/METADATA") else None
        if match is None or "/_vendor/" in file.path:
            continue
        # Where pip has taken the package's own metadata away, the folder's name still tells.
        told = match.groupdict()
        with suppress(OSError):
            text = (prefix / file.path).read_text(encoding="utf-8", errors="replace")
            told |= {key.lower(): value for key, value in _HEADER.findall(text.partition("\n\n")[0])}
        yield told["name"], told["version"]


def pin_lines(held: list[InstalledRecord]) -> list[str]:
    """Lines for conda-meta/pinned: name, version, build."""
    return [f"{package.name} {package.version} {package.build}" for package in held]


def constraint_lines(prefix: Path, held: list[InstalledRecord], reason: str) -> list[str]:
    """Lines of a constraints file for pip and uv.

    Args:
        prefix: The environment.
        held: What is held of it.
        reason: Words of letters, digits and dots. They stand in each line as a version that is excluded, which
            changes nothing for the resolver and is what pip prints when it refuses.
    """
    # With its local part, where there is one (2.13.0+cpu): what is installed has to satisfy its own line.
    lines = [f"{name}=={version},!=0+{reason}" for record in held for name, version in _distributions(prefix, record)]
    return sorted(set(lines), key=str.lower)
