"""What comes from the machine's own Python into the prefix, as copies, and which programs see it.

Three folders of packages:

- ``bridge``, behind the environment's own packages by a .pth file, for every program of the environment: this
  distribution and the two of its dependencies that the lock doesn't have, with their metadata, so that pip in the
  environment finds them installed; and ``google.colab`` with Colab's kernel launcher, without metadata, because what
  google-colab pins is the VM's. ``google`` itself stays what it is in the environment (google-auth, protobuf): the
  folder adds a portion to that namespace.
- ``front``, before the environment's packages, in a kernel's process alone (`kernel.interface`): what lies between
  the page and Python, in the VM's versions, because ``google.colab`` and the page are written for those.
- ``behind``, after all others, in a kernel's process alone: what ``front`` and ``google.colab`` import, at once or
  later (portpicker, gspread), and the environment doesn't have.

A distribution comes only if it is pure Python, and so is all that would have to come with it: what is compiled has
to be in the lock. Nothing is fetched. All are copies (hard links where the file system has them): what pip replaces
in the environment and the bytecode that its Python writes stay there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.runtime.journal import write_beside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootstrap.runtime.layout import Layout

PTH_NAME = "condacolab-bootstrap.pth"
DISTRIBUTIONS = ("condacolab-bootstrap", "condacolab", "py-rattler")
COLAB_MODULES = ("google.colab", "colab_kernel_launcher")
COLAB_DISTRIBUTION = "google-colab"
FRONT = ("ipython", "ipykernel", "ipywidgets", "anywidget")
"""Between the page and Python."""
ABSENT_NAME = "absent"
"""File in ``front``: names, one a line, of what its packages require and the environment has, but not the machine."""
_NO_BYTECODE = shutil.ignore_patterns("__pycache__")


def build(layout: Layout, *, colab: bool) -> None:
    """Makes the bridge anew.

    Args:
        layout: The prefix.
        colab: Whether this machine has `google.colab`.
    """
    new = {folder: folder.with_name(f"{folder.name}.new") for folder in _folders(layout)}
    for folder in new.values():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for name in DISTRIBUTIONS:
        _copy_distribution(name, new[layout.bridge])
    if colab:
        for name in COLAB_MODULES:
            _copy_module(name, new[layout.bridge])
        _fill(new[layout.front], new[layout.behind], layout.site_packages(), new[layout.bridge] / "google/colab")
    for folder, made in new.items():
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    connect(layout)
    stamp = {"from": _digest(_sources(colab=colab)), "made": _digest(_folders(layout))}
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
    made = {"from": _digest(_sources(colab=colab)), "made": _digest(_folders(layout))}
    return connected and bool(stamp == made)


def _folders(layout: Layout) -> tuple[Path, ...]:
    return layout.bridge, layout.front, layout.behind


def _stamp(layout: Layout) -> Path:
    return layout.own / "bridge.json"


def _sources(*, colab: bool) -> list[Path | str]:
    """What the bridge is made of: folders and files, and the versions of distributions."""
    found: list[Path | str] = [Path(__file__).resolve().parents[1]]
    for name in (*DISTRIBUTIONS, *(FRONT if colab else ())):
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


def _fill(front: Path, behind: Path, site_packages: Path, colab: Path) -> None:
    """Copies what a kernel's process has around the environment's packages."""
    there = {_canonical(path.name.partition("-")[0]) for path in site_packages.glob("*.*-info")}
    roots = {name: _closure(name, there) for name in FRONT}
    before = {name for name, closure in roots.items() if closure is not None}
    wanted = [closure for closure in roots.values() if closure is not None]
    later = [name for name in _imports(colab) if not _has_module(site_packages, name)]
    wanted += [_closure(name, there) or set() for name in later]
    for name in before:
        _copy_distribution(name, front)
    for name in set().union(*wanted) - before:
        _copy_distribution(name, behind)
    _copy_distribution(COLAB_DISTRIBUTION, behind, only=".dist-info")
    required = {name for root in before for name in _required(metadata.distribution(root))}
    absent = sorted(name for name in required & there if _distribution(name) is None)
    (front / ABSENT_NAME).write_text("".join(f"{name}\n" for name in absent), encoding="utf-8")


def _closure(name: str, there: set[str]) -> set[str] | None:
    """A distribution and what it requires that the environment doesn't have; None if not all of it is pure Python."""
    found: set[str] = set()
    waiting = [_canonical(name)]
    while waiting:
        name = waiting.pop()
        distribution = _distribution(name)
        if distribution is None or name in found:
            if not found:
                return None
            continue
        if not distribution.files or any(".so" in file.suffixes for file in distribution.files):
            return None
        found.add(name)
        waiting += _required(distribution) - there - set(FRONT)
    return found


def _distribution(name: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def _required(distribution: metadata.Distribution) -> set[str]:
    """The names that a distribution requires without an extra."""
    plain = [line for line in distribution.requires or () if "extra ==" not in line]
    return {_canonical(match[0]) for line in plain if (match := re.match(r"[\w.-]+", line))}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _has_module(site_packages: Path, name: str) -> bool:
    return (site_packages / name).is_dir() or any(site_packages.glob(f"{name}.*"))


def _imports(package: Path) -> set[str]:
    """The top-level names that a package's files import, at once or later, also in code that they hold as text.

    The standard library's and ``google`` are left out.
    """
    found: set[str] = set()
    for file in package.rglob("*.py"):
        found.update(re.findall(r"^\s*(?:import|from) (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE))
    return found - sys.stdlib_module_names - {"google"}


def _copy_distribution(name: str, folder: Path, *, only: str = "") -> None:
    """Copies a distribution's modules and metadata, also of an editable install; or only folders of a suffix."""
    if (found := _distribution(name)) is None:
        return
    base = Path(str(found.locate_file("")))
    for file in found.files or ():
        source = base / file
        if ".." in file.parts or file.suffix in (".pyc", ".pth") or not file.parts[0].endswith(only):
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
