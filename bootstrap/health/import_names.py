"""Which modules to import for a package: read from what is installed, not from a list of names."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bootstrap._util.names import canonical_name
from bootstrap.health.probe_runner import Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bootstrap.health.inventory import Inventory
    from bootstrap.health.record_files import Distribution, RecordEntry

DEPENDENTS = (
    "scipy",
    "pandas",
    "pyarrow",
    "torch",
    "matplotlib",
    "scikit-learn",
    "datasets",
    "transformers",
    "pytorch-lightning",
    "torchmetrics",
    "captum",
    "optuna",
    "onnx",
    "onnxruntime",
)
"""Packages that use numpy's binary interface and that a check imports where they are installed."""

QUICK_DEPENDENTS = ("scipy", "pandas", "pyarrow")
"""Those of them that load in about a second, for the quick check."""

_C_API = b"core._multiarray_umath"
_SMALL = 8 * 2**20
"""Bytes up to which an extension module is searched for numpy's C API, where no metadata tells."""
_NO_PACKAGES = {"benchmarks", "doc", "docs", "examples", "scripts", "test", "tests", "testing"}
_MODULE_SUFFIXES = (".py", ".so", ".pyd")


def import_tasks(names: Sequence[str], disk: Inventory) -> list[Task]:
    """One import for each of these packages that is installed, in their order.

    Args:
        names: Names of distributions, of conda packages, or of modules.
        disk: What is installed.
    """
    imports = ((name, import_names(name, disk)) for name in names)
    return [Task(f"import {name}", tuple(modules)) for name, modules in imports if modules]


def stand_on_numpy(disk: Inventory, known: Sequence[str]) -> list[str]:
    """Distributions with extension modules that ask for numpy, or that know its C API, beside those known already."""
    told = {canonical_name(name) for name in (*known, "numpy")}
    modules = {canonical_name(module) for name in known for module in import_names(name, disk)}
    standing = []
    for distribution in disk.distributions:
        if distribution.name in told or distribution.by_system:
            continue
        extensions = distribution.extensions()
        stands = extensions and ("numpy" in distribution.requires() or _knows_numpy(distribution, extensions))
        if stands and not modules.intersection(map(canonical_name, import_names(distribution.name, disk))):
            standing.append(distribution.name)
    return list(dict.fromkeys(standing))


def _knows_numpy(distribution: Distribution, extensions: Sequence[RecordEntry]) -> bool:
    """Whether one of its smaller extension modules holds the name of numpy's C API."""
    for entry in extensions:
        with suppress(OSError):
            if (entry.size or 0) < _SMALL and _C_API in (distribution.site / entry.path).read_bytes():
                return True
    return False


def import_names(name: str, disk: Inventory) -> list[str]:
    """The modules to import for one package; empty where it is not installed.

    A distribution's own RECORD is read first, then the paths of a conda package of that name, then the site
    folders for a module of that name.
    """
    wanted = canonical_name(name)
    for distribution in disk.distributions:
        if distribution.name == wanted:
            paths = (entry.path for entry in distribution.record())
            if modules := choose(wanted, paths) or _top_level(distribution.info, wanted):
                return modules
    if name in disk.conda:
        starts = f"{name} {disk.conda[name]}"
        for site in disk.sites:
            start = f"{site}/"
            paths = (p[len(start) :] for p, owner in disk.owners.items() if owner == starts and p.startswith(start))
            if modules := choose(wanted, paths):
                return modules
    module = name.replace("-", "_")
    parts = module.split(".")
    places = [site.joinpath(*parts) for site in disk.sites] if all(map(str.isidentifier, parts)) else []
    there = any((path / "__init__.py").is_file() or path.with_suffix(".py").is_file() for path in places)
    return [module] if there else []


def choose(name: str, paths: Iterable[str]) -> list[str]:
    """The importable name of a package, from the paths (relative to the site folder) of its files.

    The package that bears the distribution's name wins; otherwise the public one with the most files, which
    passes over helpers, tests and shims that share the distribution. In a namespace package (a folder without
    ``__init__.py``) it is the packages one level down.
    """
    listed = [PurePosixPath(path) for path in paths]
    with_init = {p.parent.parts for p in listed if p.name == "__init__.py"}
    counts: Counter[str] = Counter()
    for path in listed:
        parts = path.parts
        if ".." in parts or parts[0] == "__pycache__" or parts[0].endswith((".dist-info", ".data", ".libs")):
            continue
        if len(parts) == 1:
            if path.name.endswith(_MODULE_SUFFIXES):
                counts[path.name.split(".")[0]] += 1
            continue
        for depth in (1, 2):
            if parts[:depth] in with_init:
                counts[".".join(parts[:depth])] += 1
                break
    public = {n: c for n, c in counts.items() if not n.startswith("_") and all(map(str.isidentifier, n.split(".")))}
    public = {n: c for n, c in public.items() if n.split(".")[0] not in _NO_PACKAGES} or public
    own = [candidate for candidate in public if canonical_name(candidate) == name]
    return own[:1] or sorted(public, key=lambda n: (-public[n], n))[:1]


def _top_level(info: Path, name: str) -> list[str]:
    """The modules that an old-style distribution (egg-info, no RECORD) says it has."""
    try:
        lines = (info / "top_level.txt").read_text(encoding="utf-8").split()
    except OSError:
        return []
    public = [line for line in lines if line.isidentifier() and not line.startswith("_")]
    return [line for line in public if canonical_name(line) == name] or public[:1]
