"""Locks written by hand for tests: a sound one, to be damaged in one place."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

CHANNEL = "https://conda.anaconda.org/conda-forge"


def package(name: str, version: str = "1.0", build: str = "h0_0", **changes: Any) -> dict[str, Any]:
    """One entry of a lock, as conda-lock writes it."""
    platform = changes.pop("platform", "linux-64")
    subdir = changes.pop("subdir", platform)
    entry = {
        "name": name,
        "version": version,
        "manager": "conda",
        "platform": platform,
        "dependencies": {},
        "url": f"{CHANNEL}/{subdir}/{name}-{version}-{build}.conda",
        "hash": {"md5": "0" * 32, "sha256": (name.encode().hex() + "0" * 64)[:64]},
        "category": "main",
        "optional": False,
    }
    return {**entry, **changes}


def sound_lock() -> dict[str, Any]:
    """A small lock that every rule accepts: two platforms, a package in two categories."""
    return {
        "version": 1,
        "metadata": {
            "content_hash": {"linux-64": "a" * 64, "osx-arm64": "b" * 64},
            "channels": [{"url": "conda-forge", "used_env_vars": []}],
            "platforms": ["linux-64", "osx-arm64"],
            "sources": ["environment.yml"],
        },
        "package": [
            package("python", "3.13.15", "h0_0_cp313"),
            package("numpy", "2.3.4", "py313_0", dependencies={"python": ">=3.13,<3.14.0a0", "__glibc": ">=2.17"}),
            package("tqdm", "4.67.1", "pyhd8ed1ab_1", subdir="noarch", dependencies={"python": ">=3.7"}),
            package("pytest", "8.4.2", "pyhd8ed1ab_0", subdir="noarch", category="dev", optional=True),
            package("attrs", "25.4.0", "pyhcf101f3_1", subdir="noarch", category="dev", optional=True),
            package("attrs", "25.4.0", "pyhcf101f3_1", subdir="noarch", category="docs", optional=True),
            package("python", "3.13.15", "h1_0_cp313", platform="osx-arm64"),
            package("numpy", "2.3.4", "py313_1", platform="osx-arm64", dependencies={"python": ""}),
        ],
    }


def damaged(**changes: Any) -> dict[str, Any]:
    """A sound lock whose numpy entry for linux-64 is changed."""
    lock = copy.deepcopy(sound_lock())
    lock["package"][1].update(changes)
    return lock


def write(path: Path, lock: dict[str, Any]) -> Path:
    """Writes a lock as YAML."""
    path.write_text(yaml.safe_dump(lock, sort_keys=False))
    return path
