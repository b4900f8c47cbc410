"""What conda-forge has and PyPI doesn't: small packages, each labelled as a stand-in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.specifiers import SpecifierSet

from .archive import PLACEHOLDER, Entry, write_package
from .names import conda_name, pip_constraint
from .target import ChannelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .resolve import Spec
    from .target import Target

# The version a stand-in has unless the specification asks for another.
_VERSIONS = {"conda": "26.1.0", "cuda-version": "12.8", "libblas": "3.11.0", "blas": "2.300"}


def version_for(name: str, constraint: str) -> str:
    """A version that the constraint allows: the usual one, else one of the constraint's own.

    Raises:
        ChannelError: None of them fits.
    """
    allowed = SpecifierSet(pip_constraint(constraint))
    bounds = [specifier.version.removesuffix(".*") for specifier in allowed]
    candidates = [_VERSIONS.get(name, "1.0"), *bounds, *(f"{bound}.1" for bound in bounds)]
    for candidate in candidates:
        if allowed.contains(candidate):
            return candidate
    raise ChannelError(f"The stand-in for {name} has no version for {constraint!r}.")


def _build_for(constraint: str) -> str:
    """A build string with ``standin`` in it that a glob in the spec's third field lets through."""
    _, _, build = constraint.partition(" ")
    if not build.strip():
        return "standin_0"
    return build.strip().replace("*", "standin", 1).replace("*", "0") if "*" in build else build.strip()


def _metapackage(name: str, version: str, build: str, depends: Sequence[str]) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "build": build,
        "build_number": 0,
        "depends": sorted(depends),
        "license": "BSD-3-Clause",
        "subdir": "noarch",
        "noarch": "generic",
        "arch": None,
        "platform": None,
    }


def standin_indexes(specs: Sequence[Spec], versions: dict[str, str], target: Target) -> list[dict[str, Any]]:
    """``info/index.json`` of every stand-in that a specification calls for.

    Args:
        specs: The specification.
        versions: Canonical PyPI name -> conda version of what was resolved.
        target: The interpreter, for ``python_abi``.
    """
    abi = _metapackage("python_abi", target.short, f"0_cp{target.tag}", [])
    abi["constrains"] = [f"python {target.short}.* *_cpython"]
    found = [abi]
    for spec in specs:
        if spec.name == "python" or spec.name == "python_abi" or spec.name.startswith("__"):
            continue
        if spec.project is None:
            depends = ["python >=3.10"] if spec.name == "conda" else []
            version = version_for(spec.name, spec.constraint)
            found.append(_metapackage(spec.name, version, _build_for(spec.constraint), depends))
        elif spec.name != (real := conda_name(spec.project)):
            # conda-forge spreads this project over several packages; here one holds it and the others lead to it.
            version = versions[spec.project]
            found.append(_metapackage(spec.name, version, "standin_0", [f"{real} =={version}"]))
    return found


def build_standin(folder: Path, index: dict[str, Any]) -> dict[str, Any]:
    """Write a stand-in's package and return its record, with ``fn``."""
    name = index["name"]
    entries = []
    if name == "conda":
        source = Path(__file__).with_name("conda_standin.py").read_bytes()
        script = f"#!{PLACEHOLDER}/bin/python\n".encode() + source
        entries = [Entry.data("bin/conda", script, executable=True)]
    about = {"summary": f"The local test channel's stand-in for {name}", "license": "BSD-3-Clause"}
    return write_package(folder, index, entries, about=about)
