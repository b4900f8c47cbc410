"""Facts built for unit tests: locked records, locks of them, and what conda-meta says of an installed package."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.lock.model import Lock, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

CHANNEL = "https://conda.anaconda.org/conda-forge"


def record(name: str, version: str = "1.0", build: str = "h0_0", **changes: Any) -> Record:
    """A locked record; its sha256 comes from its name, version and build."""
    subdir = changes.pop("subdir", "noarch")
    stem = f"{name}-{version}-{build}"
    facts: dict[str, Any] = {
        "name": name,
        "version": version,
        "manager": "conda",
        "platform": "linux-64",
        "url": f"{CHANNEL}/{subdir}/{stem}.conda",
        "sha256": hashlib.sha256(stem.encode()).hexdigest(),
        "md5": None,
        "size": 10,
    }
    return Record(**{**facts, **changes})


def lock(*records: Record, **changes: Any) -> Lock:
    """A lock for linux-64 that holds these records."""
    facts: dict[str, Any] = {
        "path": Path("conda-lock.yml"),
        "content_hash": {"linux-64": "cafe"},
        "channels": ("conda-forge",),
        "platforms": ("linux-64",),
        "sources": ("environment.yml",),
        "records": records,
        "sha256": "0",
    }
    return Lock(**{**facts, **changes})


def path_entry(path: str, content: str, **more: Any) -> dict[str, Any]:
    """A file as conda-meta lists it."""
    return {
        "_path": path,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(content.encode()).hexdigest(),
        "size_in_bytes": len(content),
        **more,
    }


def write_meta(prefix: Path, package: Record, entries: list[dict[str, Any]]) -> Path:
    """Writes a package's conda-meta record as the engine does: a new file each time."""
    data = {
        "name": package.name,
        "version": package.version,
        "build": package.build,
        "subdir": package.subdir,
        "url": package.url,
        "sha256": package.sha256,
        "files": [entry["_path"] for entry in entries],
        "paths_data": {"paths_version": 1, "paths": entries},
    }
    meta = prefix / f"conda-meta/{package.stem}.json"
    meta.parent.mkdir(parents=True, exist_ok=True)
    beside = meta.with_suffix(".engine")
    beside.write_text(json.dumps(data, indent=2))
    return beside.replace(meta)


def install(prefix: Path, package: Record, files: Mapping[str, str]) -> None:
    """Puts a package's files and its record into a prefix, as the engine would."""
    for path, content in files.items():
        (prefix / path).parent.mkdir(parents=True, exist_ok=True)
        (prefix / path).write_text(content)
    write_meta(prefix, package, [path_entry(path, content) for path, content in files.items()])
