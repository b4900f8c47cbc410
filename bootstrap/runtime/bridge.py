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
import json
import os
import shutil
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap._util.atomic import write_atomically
from bootstrap.runtime import kernel_packages
from bootstrap.runtime.distributions import copy_distribution, copy_module, copy_package, module_path
from bootstrap.runtime.machine import COLAB_MODULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootstrap.runtime.environment_paths import EnvironmentPaths

PTH_NAME = "condacolab-bootstrap.pth"
DISTRIBUTIONS = ("condacolab-bootstrap", "condacolab", "py-rattler")


def build(layout: EnvironmentPaths, *, colab: bool) -> None:
    """Recreates the bridge in an environment that is not in use yet.

    Args:
        layout: The environment.
        colab: Whether this machine has `google.colab`.
    """
    for folder in (layout.bridge, layout.front, layout.behind):
        shutil.rmtree(folder, ignore_errors=True)
    for name in DISTRIBUTIONS:
        copy_distribution(name, layout.bridge)
    for package in _own_packages():
        # An editable install has only its data elsewhere.
        if not (layout.bridge / package.name / "__init__.py").exists():
            copy_package(package, layout.bridge / package.name)
    if colab:
        for name in COLAB_MODULES:
            copy_module(name, layout.bridge)
        kernel_packages.build(layout)
    connect(layout)
    write_atomically(_stamp_file(layout), json.dumps(_stamp(layout, colab=colab)), mode=0o644)


def connect(layout: EnvironmentPaths) -> None:
    """Puts the bridge on the path of the environment's Python, wherever the two are moved afterwards."""
    packages = layout.site_packages()
    path = os.path.relpath(layout.bridge, packages)
    write_atomically(packages / PTH_NAME, f"{path}\n", mode=0o644)


def is_current(layout: EnvironmentPaths, *, colab: bool) -> bool:
    """Whether the bridge is as it was made, and out of what there is to make it of now."""
    try:
        stamp = json.loads(_stamp_file(layout).read_bytes())
        connected = (layout.site_packages() / PTH_NAME).is_file()
    except (OSError, ValueError, IndexError):
        return False
    return connected and bool(stamp == _stamp(layout, colab=colab))


def _stamp_file(layout: EnvironmentPaths) -> Path:
    return layout.own / "bridge.json"


def _stamp(layout: EnvironmentPaths, *, colab: bool) -> dict[str, str]:
    return {"from": _digest(_sources(colab=colab)), "made": _digest([layout.bridge, layout.front, layout.behind])}


def _sources(*, colab: bool) -> list[Path | str]:
    """What the bridge is made of: folders and files, and the versions of distributions."""
    sources: list[Path | str] = [*_own_packages()]
    for name in (*DISTRIBUTIONS, *(kernel_packages.FRONT if colab else ())):
        with suppress(metadata.PackageNotFoundError):
            sources.append(f"{name} {metadata.version(name)}")
    return [*sources, *filter(None, map(module_path, COLAB_MODULES if colab else ()))]


def _own_packages() -> list[Path]:
    ours = Path(__file__).resolve().parents[1]
    return [ours, ours.with_name("workbench")]


def _digest(parts: Iterable[Path | str]) -> str:
    """Tells whether files were changed, added or taken away, by names, sizes and times. Texts count as they are."""
    seen = []
    for part in parts:
        if isinstance(part, str):
            seen.append(part)
            continue
        for file in [part] if part.is_file() else sorted(part.rglob("*")):
            # Bytecode comes and goes, under names of its own, whenever somebody imports.
            if file.parent.name == "__pycache__" or not file.is_file():
                continue
            info = file.stat()
            seen.append(f"{file.relative_to(part)} {info.st_size} {info.st_mtime_ns}")
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()
