"""Archives of a few bytes, made without the code that reads them: a conda package, a wheel, a lock of one record."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from typing import TYPE_CHECKING

import zstandard

if TYPE_CHECKING:
    from pathlib import Path

LOCK = """\
version: 1
metadata:
  content_hash:
    linux-64: abc
  channels:
  - url: conda-forge
    used_env_vars: []
  platforms:
  - linux-64
  sources:
  - environment.yml
package:
- name: alpha
  version: '1.0'
  manager: conda
  platform: linux-64
  dependencies: {}
  url: https://example.org/conda-forge/noarch/alpha-1.0-py_0.conda
  hash:
    sha256: 00  # size: 12
  category: main
  optional: false
"""


def tar_zst(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as members:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            members.addfile(member, io.BytesIO(content))
    return zstandard.compress(buffer.getvalue())


def write_conda(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    info = {
        "info/index.json": b"{}",
        "info/paths.json": json.dumps({"paths": [{"_path": name} for name in files]}).encode(),
    }
    with zipfile.ZipFile(path, "w") as parts:
        parts.writestr("metadata.json", "{}")
        parts.writestr(f"pkg-{path.stem}.tar.zst", tar_zst(files))
        parts.writestr(f"info-{path.stem}.tar.zst", tar_zst(info))
    return path


def write_wheel(path: Path, metadata: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    name, version = path.name.split("-")[:2]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/_vendor/other-2.dist-info/METADATA", "Name: other\n")
        archive.writestr(f"{name}-{version}.dist-info/METADATA", metadata)
    return path


def write_channel(folder: Path) -> Path:
    """A channel of LOCK's one package, with metadata of two distributions."""
    files = {
        "site-packages/alpha.py": b"x = 1\n" * 50_000,
        "site-packages/alpha-1.0.dist-info/METADATA": b"Name: alpha\n",
        "lib/python3.11/site-packages/Be_ta-2!3.0+cpu.dist-info/METADATA": b"Name: be-ta\n",
        "share/site-packages-not/gamma-1.dist-info/METADATA": b"",
    }
    write_conda(folder / "noarch/alpha-1.0-py_0.conda", files)
    return folder
