"""A larger payload: each package of a lock several times, to see how costs grow with an environment.

A copy has its package's files below a folder of its own, another name, and depends on nothing.
"""

from __future__ import annotations

import json
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
import zstandard

from benchmarks.payload import locked_archives

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.channel.archive import Entry


def multiplied(lock: Path, channel: Path, platform: str, times: int, folder: Path) -> tuple[Path, Path]:
    """A channel and a lock of it, with every package of a lock `times` times.

    Args:
        lock: A conda-lock file whose records lie in the channel.
        channel: The channel's folder.
        platform: The platform whose records are copied.
        times: How often each package is there afterwards.
        folder: Where both are written; minutes and gigabytes for a large lock.

    Returns:
        The new channel's folder and the new lock.
    """
    from tests.support.channel.tiny import lock_entry

    data = yaml.load(lock.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    archives = locked_archives(data, channel, platform)
    for archive in archives:
        place = folder / archive.parent.name / archive.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(archive.resolve())
    for number in range(2, times + 1):
        for archive in archives:
            record = _copy(archive, number, folder)
            data["package"].append(lock_entry(record, "https://copies", platform))
    goal = folder / "conda-lock.yml"
    goal.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return folder, goal


def _copy(archive: Path, number: int, channel: Path) -> dict[str, Any]:
    """Writes one copy of a package into a channel, and gives its record."""
    from tests.support.channel.archive import write_package

    with tempfile.TemporaryDirectory(prefix="bench-copy-") as scratch:
        tree = Path(scratch)
        with zipfile.ZipFile(archive) as parts:
            for name in parts.namelist():
                if name.endswith(".tar.zst"):
                    with (
                        parts.open(name) as packed,
                        zstandard.ZstdDecompressor().stream_reader(packed) as plain,
                        tarfile.open(fileobj=plain, mode="r|") as members,
                    ):
                        members.extractall(tree, filter="tar")
        index = json.loads((tree / "info/index.json").read_text(encoding="utf-8"))
        index |= {"name": f"{index['name']}-copy{number}", "depends": [], "constrains": []}
        index.pop("noarch", None)
        return write_package(channel / archive.parent.name, index, list(_entries(tree, f"copies/{number}")), level=1)


def _entries(tree: Path, below: str) -> Iterator[Entry]:
    from tests.support.channel.archive import Entry

    for item in json.loads((tree / "info/paths.json").read_text(encoding="utf-8"))["paths"]:
        source, path = tree / item["_path"], f"{below}/{item['_path']}"
        yield Entry.symlink(path, str(source.readlink())) if source.is_symlink() else Entry.file(path, source)
