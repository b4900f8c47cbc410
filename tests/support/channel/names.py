"""Names and versions, said in PyPI's way and in conda-forge's way."""

from __future__ import annotations

import re

from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

# PyPI's canonical name -> conda-forge's name, where the two differ.
_CONDA_NAMES = {
    "antlr4-python3-runtime": "antlr-python-runtime",
    "backports-tarfile": "backports.tarfile",
    "backports-zstd": "backports.zstd",
    "brotli": "brotli-python",
    "build": "python-build",
    "docstring-parser": "docstring_parser",
    "duckdb": "python-duckdb",
    "fastjsonschema": "python-fastjsonschema",
    "flatbuffers": "python-flatbuffers",
    "graphviz": "python-graphviz",
    "huggingface-hub": "huggingface_hub",
    "importlib-resources": "importlib_resources",
    "ipython-genutils": "ipython_genutils",
    "jaraco-classes": "jaraco.classes",
    "jaraco-context": "jaraco.context",
    "jaraco-functools": "jaraco.functools",
    "jupyter-client": "jupyter_client",
    "jupyter-console": "jupyter_console",
    "jupyter-core": "jupyter_core",
    "jupyter-events": "jupyter_events",
    "jupyter-server": "jupyter_server",
    "jupyter-server-terminals": "jupyter_server_terminals",
    "jupyterlab-pygments": "jupyterlab_pygments",
    "jupyterlab-widgets": "jupyterlab_widgets",
    "kaleido": "python-kaleido",
    "lazy-loader": "lazy_loader",
    "lmdb": "python-lmdb",
    "matplotlib": "matplotlib-base",
    "msgpack": "msgpack-python",
    "prometheus-client": "prometheus_client",
    "pure-eval": "pure_eval",
    "seaborn": "seaborn-base",
    "ruamel-yaml": "ruamel.yaml",
    "ruamel-yaml-clib": "ruamel.yaml.clib",
    "soundfile": "pysoundfile",
    "soxr": "soxr-python",
    "stack-data": "stack_data",
    "tables": "pytables",
    "torch": "pytorch",
    "typing-extensions": "typing_extensions",
    "tzdata": "python-tzdata",
    "xxhash": "python-xxhash",
    "zope-interface": "zope.interface",
}

# Further conda-forge packages that hold what one PyPI project holds; a specification may name them.
_ALIASES = {
    "dask-core": "dask",
    "importlib_metadata": "importlib-metadata",
    "matplotlib": "matplotlib",
    "nbconvert-core": "nbconvert",
    "prompt_toolkit": "prompt-toolkit",
    "pyarrow-core": "pyarrow",
    "pytorch-cpu": "torch",
    "ray-core": "ray",
    "seaborn": "seaborn",
    "uvicorn-standard": "uvicorn",
}

_PYPI_NAMES = {conda: pypi for pypi, conda in _CONDA_NAMES.items()} | _ALIASES

# What conda-forge has and PyPI doesn't: empty stand-ins take these places (see standins.py).
# fmt: off
NOT_ON_PYPI = frozenset({
    "_openmp_mutex", "blas", "bzip2", "ca-certificates", "conda", "conda-libmamba-solver", "cuda-version",
    "libblas", "libcblas", "libffi", "libgcc", "libgomp", "liblapack", "liblzma", "libsqlite", "libstdcxx",
    "libzlib", "llvm-openmp", "mamba", "mkl", "ncurses", "nomkl", "openblas", "openssl", "readline", "sqlite",
    "tk", "tzdata", "xz", "zlib",
})
# fmt: on


def conda_name(pypi_name: str) -> str:
    """conda-forge's name for a PyPI project."""
    canonical = canonicalize_name(pypi_name)
    return _CONDA_NAMES.get(canonical, canonical)


def pypi_name(conda_name: str) -> str | None:
    """The PyPI project behind a conda-forge package, None where there is none."""
    if conda_name in NOT_ON_PYPI or conda_name in ("python", "python_abi") or conda_name.startswith("__"):
        return None
    return _PYPI_NAMES.get(conda_name, canonicalize_name(conda_name))


def conda_version(version: str) -> str:
    """A PyPI version as conda-forge would state it: normalised, without the local part (``+cpu``)."""
    return Version(version).public


_ORDER = {">=": 0, ">": 1, "": 2, "==": 2, "<": 3, "<=": 4, "!=": 5}


def _conda_clauses(specifier: Specifier) -> list[str]:
    operator, version = specifier.operator, specifier.version
    if operator == "===":
        return [f"=={version.partition('+')[0]}"]
    if operator == "~=":
        release = Version(version).release
        epoch = f"{Version(version).epoch}!" if Version(version).epoch else ""
        parent = epoch + ".".join(str(part) for part in release[:-1])
        return [f">={conda_version(version)}", f"{parent}.*"]
    if version.endswith(".*"):
        return [version if operator == "==" else f"{operator}{version}"]
    return [f"{operator}{conda_version(version)}"]


def conda_constraint(specifiers: SpecifierSet | str) -> str:
    """A PEP 440 specifier set in conda's match language; empty where anything goes."""
    if isinstance(specifiers, str):
        specifiers = SpecifierSet(specifiers)
    clauses = {clause for specifier in specifiers for clause in _conda_clauses(specifier)}

    def order(clause: str) -> tuple[int, str]:
        operator = re.match(r"[<>=!]*", clause)
        return (_ORDER[operator.group() if operator else ""], clause)

    return ",".join(sorted(clauses, key=order))


def pip_constraint(constraint: str) -> str:
    """The version part of a conda spec as a PEP 440 specifier set.

    Args:
        constraint: Such as ``>=2.0,<3``, ``6.*``, ``=1.2``, ``1.2.3``; a build string after it is left out.

    Raises:
        ValueError: It uses what PEP 440 can't say (``|``, regular expressions).
    """
    version = constraint.strip().split(" ")[0]
    if "|" in version or version.startswith("^"):
        raise ValueError(f"no PEP 440 form for the conda constraint {constraint!r}")
    clauses = []
    for raw in version.split(","):
        clause = raw.strip()
        if clause in ("", "*"):
            continue
        if clause.startswith((">", "<", "!=", "==", "~=")):
            clauses.append(re.sub(r"(?<=\d)a0$", ".dev0", clause) if clause.startswith("<") else clause)
        elif clause.startswith("="):
            clauses.append(f"=={clause[1:].removesuffix('*').removesuffix('.')}.*")
        else:
            clauses.append(f"=={clause}")
    return str(SpecifierSet(",".join(clauses)))


def split_spec(spec: str) -> tuple[str, str]:
    """A conda spec's name and the rest: ``conda-forge::numpy >=2,<3`` gives ``("numpy", ">=2,<3")``."""
    bare = spec.split("::")[-1].split("#")[0].strip()
    match = re.match(r"([A-Za-z0-9_.-]+)\s*(.*)$", bare)
    if match is None:
        raise ValueError(f"not a conda spec: {spec!r}")
    name, rest = match.groups()
    return name.lower(), re.sub(r"(?<=[<>=!~,])\s+|\s+(?=,)", "", rest.strip())
