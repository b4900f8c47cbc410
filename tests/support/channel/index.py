"""A channel's index: ``repodata.json`` (and its zstd form) for each subdir."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SUBDIRS = ("linux-64", "noarch")


def write_repodata(channel: Path, records: Iterable[dict[str, Any]], *, subdirs: Iterable[str] = ()) -> None:
    """Write the index of every subdir that the records, ``SUBDIRS`` or ``subdirs`` name.

    Args:
        channel: The channel's folder.
        records: Records with ``fn`` and ``subdir``.
        subdirs: Further subdirs, which may be empty.
    """
    packages: dict[str, dict[str, Any]] = {subdir: {} for subdir in (*SUBDIRS, *subdirs)}
    for record in records:
        packages.setdefault(record["subdir"], {})[record["fn"]] = {
            key: value for key, value in record.items() if key not in ("fn", "url")
        }
    for subdir, content in packages.items():
        folder = channel / subdir
        folder.mkdir(parents=True, exist_ok=True)
        repodata = {
            "info": {"subdir": subdir},
            "packages": {},
            "packages.conda": dict(sorted(content.items())),
            "removed": [],
            "repodata_version": 1,
        }
        text = json.dumps(repodata, indent=1).encode()
        for name, data in (
            ("repodata.json", text),
            ("repodata.json.zst", zstandard.ZstdCompressor(level=3).compress(text)),
        ):
            part = folder / f".{name}.part"
            part.write_bytes(data)
            part.replace(folder / name)


def read_repodata(channel: Path) -> list[dict[str, Any]]:
    """Every record of a channel, with ``fn``, ``subdir`` and ``url`` (``file://``)."""
    records = []
    for index in sorted(channel.glob("*/repodata.json")):
        for fn, record in json.loads(index.read_bytes())["packages.conda"].items():
            url = (index.parent / fn).as_uri()
            records.append({**record, "fn": fn, "subdir": index.parent.name, "url": url})
    return records
