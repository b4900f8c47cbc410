"""Modules of the machine's own Python that programs of the environment need, made visible in the prefix.

Two kinds, in one folder that a .pth file puts behind the environment's own packages:

- ``google.colab`` and Colab's kernel launcher: they fit the VM, whichever it is, and there is no other source for
  them. Without metadata: what google-colab pins is the VM's. ``google`` itself stays what it is in the environment
  (google-auth, protobuf): the folder adds a portion to that namespace.
- this distribution and the two of its dependencies that the lock doesn't have, with their metadata, so that pip in
  the environment finds them installed.

Nothing is fetched. What only a kernel's process has is made with it: see `kernel_packages`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap._util.atomic import write_atomically
from bootstrap.runtime import kernel_packages
from bootstrap.runtime.distributions import copy_distribution, copy_module, copy_package

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootstrap.runtime.environment_paths import EnvironmentPaths

PTH_NAME = "condacolab-bootstrap.pth"
DISTRIBUTIONS = ("condacolab-bootstrap", "condacolab", "py-rattler")
COLAB_MODULES = ("google.colab", "colab_kernel_launcher")


def build(layout: EnvironmentPaths, *, colab: bool) -> None:
    """Recreates the bridge.

    Args:
        layout: The prefix.
        colab: Whether this machine has `google.colab`.
    """
    new = layout.bridge.with_name("bridge.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for name in DISTRIBUTIONS:
        copy_distribution(name, new)
    for package in _own_packages():
        if not (new / package.name / "__init__.py").exists():  # an editable install has only its data elsewhere
            copy_package(package, new)
    if colab:
        for name in COLAB_MODULES:
            copy_module(name, new)
    shutil.rmtree(layout.bridge, ignore_errors=True)
    new.rename(layout.bridge)
    connect(layout)
    if colab:
        kernel_packages.build(layout)
    stamp = {"from": _digest(_sources(colab=colab)), "made": _digest([layout.bridge, layout.front, layout.behind])}
    write_atomically(_stamp(layout), json.dumps(stamp), mode=0o644)


def connect(layout: EnvironmentPaths) -> None:
    """Puts the bridge on the path of the environment's Python, wherever the two are moved afterwards."""
    packages = layout.site_packages()
    path = os.path.relpath(layout.bridge, packages)
    write_atomically(packages / PTH_NAME, f"{path}\n", mode=0o644)


def is_current(layout: EnvironmentPaths, *, colab: bool) -> bool:
    """Whether the bridge is as it was made, and out of what there is to make it of now."""
    try:
        stamp = json.loads(_stamp(layout).read_bytes())
        connected = (layout.site_packages() / PTH_NAME).is_file()
    except (OSError, ValueError, IndexError):
        return False
    made = {"from": _digest(_sources(colab=colab)), "made": _digest([layout.bridge, layout.front, layout.behind])}
    return connected and bool(stamp == made)


def _stamp(layout: EnvironmentPaths) -> Path:
    return layout.own / "bridge.json"


def _sources(*, colab: bool) -> list[Path | str]:
    """What the bridge is made of: folders and files, and the versions of distributions."""
    sources: list[Path | str] = [*_own_packages()]
    for name in (*DISTRIBUTIONS, *(kernel_packages.FRONT if colab else ())):
        with suppress(metadata.PackageNotFoundError):
            sources.append(f"{name} {metadata.version(name)}")
    for name in COLAB_MODULES if colab else ():
        with suppress(ModuleNotFoundError):
            spec = importlib.util.find_spec(name)
            if spec and spec.origin:
                sources.append(Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin))
    return sources


def _own_packages() -> list[Path]:
    ours = Path(__file__).resolve().parents[1]
    return [ours, ours.with_name("workbench")]


def _digest(parts: Iterable[Path | str]) -> str:
    """Tells whether files were changed, added or taken away, by names, sizes and times. Texts count as they are."""
    seen = []
    for part in parts:
        files = [part] if isinstance(part, Path) and part.is_file() else []
        if isinstance(part, str):
            seen.append(part)
        elif part.is_dir():
            files = sorted(file for file in part.rglob("*") if file.is_file() and file.suffix != ".pyc")
        for file in files:
            info = file.stat()
            seen.append(f"{file.relative_to(part)} {info.st_size} {info.st_mtime_ns}")
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()
