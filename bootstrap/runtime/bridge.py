"""Modules of the machine's own Python that the environment's kernel needs, made visible in the prefix.

Three kinds, in one folder that a .pth file puts behind the environment's own packages:

- ``google.colab`` and Colab's kernel launcher: they fit the VM, whichever it is, and there is no other source for
  them. ``google`` itself stays what it is in the environment (google-auth, protobuf): the folder adds a
  portion to that namespace.
- this distribution and the two of its dependencies that the lock doesn't have, with their metadata, so that pip in
  the environment finds them installed.
- pure Python modules that ``google.colab`` imports and the lock doesn't have (portpicker).

Nothing is fetched. All are copies (hard links where the file system has them): what pip replaces in the environment
and the bytecode that its Python writes stay there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.errors import KernelProofError
from bootstrap.runtime.journal import write_beside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootstrap.runtime.layout import Layout

PTH_NAME = "condacolab-bootstrap.pth"
DISTRIBUTIONS = ("condacolab-bootstrap", "condacolab", "py-rattler")
COLAB_MODULES = ("google.colab", "colab_kernel_launcher")
_MOST_MISSING = 20
_NO_BYTECODE = shutil.ignore_patterns("__pycache__")


def build(layout: Layout, *, colab: bool) -> None:
    """Makes the bridge anew.

    Args:
        layout: The prefix.
        colab: Whether this machine has `google.colab`.

    Raises:
        KernelProofError: `google.colab` needs a module that neither the lock nor this machine can give.
    """
    new = layout.bridge.with_name("bridge.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for name in DISTRIBUTIONS:
        _copy_distribution(name, new)
    if colab:
        for name in COLAB_MODULES:
            _copy_module(name, new)
    shutil.rmtree(layout.bridge, ignore_errors=True)
    new.rename(layout.bridge)
    connect(layout)
    if colab:
        _complete(layout)
    stamp = {"from": _digest(_sources(colab=colab)), "made": _digest([layout.bridge])}
    write_beside(_stamp(layout), json.dumps(stamp), mode=0o644)


def connect(layout: Layout) -> None:
    """Puts the bridge on the path of the environment's Python, wherever the two are moved afterwards."""
    packages = layout.site_packages()
    path = os.path.relpath(layout.bridge, packages)
    write_beside(packages / PTH_NAME, f"{path}\n", mode=0o644)


def is_current(layout: Layout, *, colab: bool) -> bool:
    """Whether the bridge is as it was made, and out of what there is to make it of now."""
    try:
        stamp = json.loads(_stamp(layout).read_bytes())
        connected = (layout.site_packages() / PTH_NAME).is_file()
    except (OSError, ValueError, IndexError):
        return False
    made = {"from": _digest(_sources(colab=colab)), "made": _digest([layout.bridge])}
    return connected and bool(stamp == made)


def _stamp(layout: Layout) -> Path:
    return layout.own / "bridge.json"


def _sources(*, colab: bool) -> list[Path | str]:
    """What the bridge is made of: folders and files, and the versions of distributions."""
    found: list[Path | str] = [Path(__file__).resolve().parents[1]]
    for name in DISTRIBUTIONS:
        with suppress(metadata.PackageNotFoundError):
            found.append(f"{name} {metadata.version(name)}")
    for name in COLAB_MODULES if colab else ():
        with suppress(ModuleNotFoundError):
            spec = importlib.util.find_spec(name)
            if spec and spec.origin:
                found.append(Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin))
    return found


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


def _copy_distribution(name: str, folder: Path) -> None:
    """Copies a distribution's modules and metadata; those of an editable install, too."""
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return
    base = Path(str(found.locate_file("")))
    for file in found.files or ():
        source = base / file
        if ".." in file.parts or file.parts[0] == "__pycache__" or file.suffix in (".pyc", ".pth"):
            continue
        if source.is_file():
            _copy(source, folder / file)
    if name == DISTRIBUTIONS[0] and not (folder / "bootstrap").exists():
        package = Path(__file__).resolve().parents[1]
        shutil.copytree(package, folder / "bootstrap", ignore=_NO_BYTECODE)


def _copy(source: str | Path, target: str | Path) -> None:
    """A copy that shares the file's blocks where both lie on one file system: nobody edits these in place."""
    source, target = Path(source), Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _copy_module(name: str, folder: Path) -> bool:
    """Copies a module or package of Python code; whether there is one."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return False
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return False
    source = Path(spec.origin)
    above = folder.joinpath(*name.split(".")[:-1])
    if not spec.submodule_search_locations:
        _copy(source, above / source.name)
        return True
    above.mkdir(parents=True, exist_ok=True)
    package = source.parent
    shutil.copytree(package, above / package.name, copy_function=_copy, ignore=_NO_BYTECODE)
    return True


IMPORT_FIRST_MISSING = """\
import importlib, json, sys
missing = None
try:
    for name in sys.argv[1:]:
        importlib.import_module(name)
except ModuleNotFoundError as error:
    missing = error.name
print(json.dumps(missing))
"""


def _complete(layout: Layout) -> None:
    """Adds what `google.colab` imports and the environment doesn't have."""
    added: list[str] = []
    while (missing := _first_missing(layout, (COLAB_MODULES[0], f"{COLAB_MODULES[0]}._kernel"))) is not None:
        top = missing.split(".")[0]
        if top in added or len(added) == _MOST_MISSING or not _pure(top) or not _copy_module(top, layout.bridge):
            evidence = [f"google.colab imports {missing}, which the lock doesn't have"]
            evidence += [f"taken from this machine: {', '.join(added)}"] if added else []
            raise KernelProofError("google.colab can't be imported in the environment.", evidence=evidence)
        added.append(top)


def _pure(name: str) -> bool:
    """Whether a module of this machine is Python code only, and so runs in another Python, too."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        return False
    places: Iterable[Any] = spec.submodule_search_locations or ()
    return not any(file.suffix == ".so" for place in places for file in Path(place).rglob("*"))


def _first_missing(layout: Layout, names: Iterable[str]) -> str | None:
    command = [str(layout.python), "-I", "-c", IMPORT_FIRST_MISSING, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise KernelProofError(
            "google.colab can't be imported in the environment.", evidence=done.stderr.strip().splitlines()[-3:]
        )
    missing: str | None = json.loads(done.stdout.splitlines()[-1])
    return missing
