"""Tiny packages for pip: real wheels and source archives of a few lines, in a folder for ``--find-links``."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_BACKEND = '''\
"""A build backend that needs nothing from anywhere."""
import os, zipfile
NAME, VERSION, METADATA, CODE = {name!r}, {version!r}, {metadata!r}, {code!r}
INFO = f"{{NAME}}-{{VERSION}}.dist-info"
FILES = {{f"{{NAME}}.py": CODE, f"{{INFO}}/METADATA": METADATA,
         f"{{INFO}}/WHEEL": "Wheel-Version: 1.0\\nGenerator: tiny\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}}

def get_requires_for_build_wheel(config_settings=None):
    return []

get_requires_for_build_editable = get_requires_for_build_wheel

def prepare_metadata_for_build_wheel(folder, config_settings=None):
    os.makedirs(os.path.join(folder, INFO))
    for path, text in FILES.items():
        if path.startswith(INFO):
            with open(os.path.join(folder, path), "w") as stream:
                stream.write(text)
    with open("built-here.txt", "a") as stream:  # as many backends do, it writes beside its sources
        stream.write("metadata\\n")
    return INFO

prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = f"{{NAME}}-{{VERSION}}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        for path, text in FILES.items():
            archive.writestr(path, text)
        lines = [f"{{path}},," for path in (*FILES, f"{{INFO}}/RECORD")]
        archive.writestr(f"{{INFO}}/RECORD", "\\n".join(lines) + "\\n")
    return name

build_editable = build_wheel
'''


def metadata(name: str, version: str, requires: Sequence[str] = (), extras: Mapping[str, Sequence[str]] = {}) -> str:
    """A METADATA file's text."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {text}" for text in requires]
    for extra, needs in extras.items():
        lines += [f"Provides-Extra: {extra}", *(f'Requires-Dist: {text}; extra == "{extra}"' for text in needs)]
    return "\n".join(lines) + "\n"


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    requires: Sequence[str] = (),
    *,
    extras: Mapping[str, Sequence[str]] = {},
    code: str = "",
) -> Path:
    """A wheel with one module of its name."""
    folder.mkdir(parents=True, exist_ok=True)
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    files = {
        f"{module}.py": code,
        f"{info}/METADATA": metadata(name, version, requires, extras),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tiny\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for place, text in files.items():
            archive.writestr(place, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{place},sha256={digest},{len(text.encode())}")
        archive.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,"]) + "\n")
    return path


def make_sources(folder: Path, name: str, version: str, requires: Sequence[str] = (), *, code: str = "") -> Path:
    """A folder of sources that pip can build without any index."""
    module = name.replace("-", "_")
    place = folder / f"{module}-{version}"
    place.mkdir(parents=True)
    text = metadata(name, version, requires)
    (place / "backend.py").write_text(_BACKEND.format(name=module, version=version, metadata=text, code=code))
    (place / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        f'[project]\nname = "{name}"\nversion = "{version}"\n'
    )
    (place / "PKG-INFO").write_text(text)
    return place


def make_sdist(folder: Path, name: str, version: str, requires: Sequence[str] = (), *, code: str = "") -> Path:
    """A source archive; pip has to build its metadata."""
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    module = name.replace("-", "_")
    sources = make_sources(folder / ".sources", name, version, requires, code=code)
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(sources, f"{module}-{version}")
    path = folder / f"{module}-{version}.tar.gz"
    path.write_bytes(buffer.getvalue())
    return path
