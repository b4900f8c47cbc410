"""Causes from around the environment: the loader, startup code, bytecode, the search path, company."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from bootstrap.health.attribution import attribute
from bootstrap.health.model import ProbeResult
from bootstrap.health.variables import Surroundings
from tests.unit.health.conftest import NUMPY, Built, Case, Cases, case, verify

if TYPE_CHECKING:
    from pathlib import Path

CASES: Cases = []
FAILED = frozenset({"blas"})


@case(
    CASES,
    "loader-variables",
    "broken",
    summary="Libraries loaded by LD_PRELOAD break numpy",
    evidence="without: blas passes",
    repair="Unset LD_PRELOAD, or remove the named libraries from it.",
)
def preloaded(built: Built) -> list[Path]:
    library = built.write(built.outside / "fast.so")
    built.probe("blas", "fail", "off by one")
    built.set(loader={"LD_PRELOAD": str(library)}, without={"loader": FAILED})
    return [library]


@case(CASES, "loader-variables", "broken", repair="Unset LD_LIBRARY_PATH", evidence="LD_LIBRARY_PATH=")
def library_path(built: Built) -> list[Path]:
    library = built.write(built.outside / "libgcc_s.so.1")
    inside = built.write(built.prefix / "lib" / "libm.so")
    built.probe("numpy-mapped", "pass", mapped=[str(library), str(inside)])
    built.probe("numpy-import", "fail", "ImportError: broken library")
    built.set(
        loader={"LD_LIBRARY_PATH": f"{built.outside}:/nowhere"}, without={"loader": frozenset({"numpy-import"})}
    )
    return [library]


@case(
    CASES,
    "foreign-library",
    "doubtful",
    summary="from outside the environment, which has its own",
    evidence="instead of ",
    repair="Unset LD_LIBRARY_PATH before Python starts.",
    conda=True,
)
def foreign(built: Built) -> list[Path]:
    library = built.write(built.outside / "libstdc++.so.6")
    alone = built.write(built.outside / "libown.so")
    built.write(built.prefix / "lib" / "libstdc++.so.6")
    built.probe("numpy-mapped", "pass", mapped=[str(library), str(alone)])
    built.set(loader={"LD_LIBRARY_PATH": str(built.outside)})
    return [library]


@case(
    CASES,
    "startup-code",
    "broken",
    summary="Startup code breaks numpy",
    evidence="without startup code: blas passes",
    repair="then restart the kernel",
    actions=("set-aside",),
)
def startup(built: Built) -> list[Path]:
    hook, theirs = built.site / "sitecustomize.py", built.site / "distutils-precedence.pth"
    built.write(hook)
    built.probe("blas", "fail", "off by one")
    built.on_disk(owners={str(theirs): "setuptools 80"})
    built.set(hooks=(hook, theirs), without={"startup": FAILED})
    return [hook]


@case(CASES, "startup-code", "doubtful", owner="tool 1.0", evidence="owned by tool 1.0", repair="Remove ")
def startup_of_a_package(built: Built) -> list[Path]:
    """Only packages' own hooks are there; the functions that one replaced name one file more."""
    hook, source = built.write(built.site / "tool.pth"), built.site / "tool.py"
    built.on_disk(owners={str(hook): "tool 1.0"})
    built.probe("numpy-functions", "fail", "numpy.dot is tool's", files=[str(source)])
    built.set(hooks=(hook,), without={"startup": frozenset({"numpy-functions"})})
    return [hook, source]


@case(
    CASES,
    "stale-bytecode",
    "broken",
    owner=NUMPY,
    evidence="recompiled: blas passes",
    repair="Python recreates them",
    actions=("delete",),
)
def bytecode(built: Built) -> list[Path]:
    cached = built.write(built.site / "numpy" / "__pycache__" / "numeric.cpython-311.pyc")
    built.probe("blas", "fail", "off by one")
    built.set(without={"bytecode": FAILED}, stale_bytecode=(str(cached),))
    return [cached]


@case(
    CASES,
    "stdlib-shadowed",
    "doubtful",
    summary="would hide the standard library's module secrets",
    repair="Rename ",
)
def hides_the_standard_library(built: Built) -> list[Path]:
    path = built.write(built.outside / "secrets.py")
    built.write(built.outside / "not_needed.py")
    built.set(outer_paths=(built.outside,))
    return [path]


@pytest.mark.parametrize("name", ["numbers/__init__.py", "numbers.pyc"])
def test_each_form_of_a_module_hides_another(built: Built, name: str) -> None:
    path = built.write(built.outside / name)
    built.set(outer_paths=(built.outside,))
    assert found(built) == [("stdlib-shadowed", (str(path),))]


@case(
    CASES,
    "numpy-elsewhere",
    "doubtful",
    summary="A notebook would import a different numpy",
    evidence="comes before",
    repair="/outside/numpy.",
)
def elsewhere(built: Built) -> list[Path]:
    path = built.write(built.outside / "numpy/__init__.py")
    built.set(outer_paths=(built.outside,))
    return [path]


@case(
    CASES,
    "numpy-elsewhere",
    "doubtful",
    evidence="set in the running kernel, process 8",
    repair="/outside out of PYTHONPATH.",
)
def elsewhere_by_a_variable(built: Built) -> list[Path]:
    path = built.write(built.outside / "numpy/__init__.py")
    variables = {"PYTHONPATH": f":/nowhere:{built.outside.name}"}
    around = Surroundings(variables, "in the running kernel, process 8", built.outside.parent)
    built.set(outer_paths=(built.outside,), around=around)
    return [path]


@case(
    CASES,
    "import-conflict",
    "doubtful",
    owner="torch",
    summary="torch can be imported on its own, but not after pandas, pandas.",
    evidence="OSError",
    repair="Import torch first",
)
def company(built: Built) -> None:
    built.dependent("import torch", "fail", "OSError: undefined symbol")
    built.set(alone=(ProbeResult("import torch", "pass"),))


@case(
    CASES,
    "numpy-variables",
    "broken",
    summary="NPY_ENABLE_CPU_FEATURES makes numpy fail.",
    evidence="NPY_ENABLE_CPU_FEATURES=AVX512_KNL",
    repair="Unset NPY_ENABLE_CPU_FEATURES before Python starts.",
)
def variable_of_numpys_own(built: Built) -> None:
    built.probe("numpy-import", "fail", "RuntimeError: You cannot enable CPU features")
    built.set(without={"variables": frozenset({"numpy-import"})}, variables={"NPY_ENABLE_CPU_FEATURES": "AVX512_KNL"})


@case(
    CASES,
    "stale-bytecode",
    "broken",
    owner=NUMPY,
    summary="but runs instead of it: numpy/polynomial/__pycache__/chebyshev.cpython-311.pyc.",
    repair="Delete these files",
    actions=("delete",),
)
def bytecode_that_is_never_compared(built: Built) -> list[Path]:
    path = built.write(built.site / "numpy/polynomial/__pycache__/chebyshev.cpython-311.pyc")
    built.set(stale_bytecode=(str(path),))
    return [path]


@case(
    CASES,
    "numpy-variables",
    "broken",
    summary="With PYTHONHOME set, this Python can't import numpy: the process ended",
    evidence="set in the running kernel, process 8",
    repair="Unset PYTHONHOME",
)
def variable_that_python_reads(built: Built) -> list[Path]:
    around = Surroundings(told_by="in the running kernel, process 8")
    built.set(python_variables={"PYTHONHOME": "/gone"}, python_problem="the process ended", around=around)
    return []


@case(CASES, "stale-bytecode", "doubtful", owner="pandas 2.3.3", repair="Delete these files", actions=("delete",))
def bytecode_of_a_dependent_that_is_never_compared(built: Built) -> list[Path]:
    path = built.write(built.site / "pandas/core/__pycache__/frame.cpython-311.pyc")
    built.on_disk(owners={str(built.site / "pandas/core/frame.py"): "pandas 2.3.3"})
    built.set(stale_bytecode=(str(path),))
    return [path]


@case(
    CASES,
    "environment-moved",
    "doubtful",
    summary="bin/long and 1 more can't be started",
    repair="Rename it back to ",
)
def renamed(built: Built) -> list[Path]:
    built.write(built.prefix / "pyvenv.cfg")
    gone = built.prefix.with_name("env-before") / "bin" / "python3.11"
    starts = {
        "pip": f"#!{gone}\n",
        "long": f'#!/bin/sh\n\'+exec\' "{gone}" "$0" "$@"\n',
        "ok": f"#!{sys.executable}\n",
    }
    files = {name: built.write(built.prefix / "bin" / name, text.replace("+", "''")) for name, text in starts.items()}
    built.write(built.prefix / "bin" / "names-the-systems", "#!/usr/bin/python0\n")
    return [files["long"], files["pip"]]


@pytest.mark.parametrize("one", CASES, ids=str)
def test_cause(one: Case, tmp_path: Path) -> None:
    verify(one, tmp_path)


def found(built: Built) -> list[tuple[str, tuple[str, ...]]]:
    return [(cause.id, cause.files) for cause in attribute(built.facts)]


@pytest.mark.parametrize("conda", [False, True])
def test_nothing_is_wrong_with_a_healthy_environment(tmp_path: Path, conda: bool) -> None:
    assert found(Built(tmp_path, conda=conda)) == []


def test_variables_that_change_nothing_are_no_cause(built: Built) -> None:
    built.set(loader={"LD_PRELOAD": str(built.write(built.outside / "harmless.so"))})
    assert found(built) == []


def test_a_library_path_into_the_environment_leads_nowhere_else(tmp_path: Path) -> None:
    built = Built(tmp_path, conda=True)
    library = built.write(built.prefix / "lib" / "libopenblas.so.0")
    built.probe("numpy-mapped", "pass", mapped=[str(library)])
    built.set(loader={"LD_LIBRARY_PATH": str(library.parent)})
    assert found(built) == []


def test_a_site_folder_on_the_outer_path_is_not_elsewhere(built: Built) -> None:
    built.set(outer_paths=(built.site,))
    assert found(built) == []


def test_where_the_process_was_asked_the_outer_path_is_not(built: Built) -> None:
    built.write(built.outside / "numpy.py")
    built.set(outer_paths=(built.outside,))
    built.live("live-path")
    assert found(built) == []


def test_an_altered_hook_of_a_package_is_suspected_first(built: Built) -> None:
    hooks = [built.write(built.site / name) for name in ("one.pth", "two.pth")]
    built.damage("two.pth", owner="two 1")
    built.probe("blas")
    built.on_disk(owners={str(hook): f"{hook.stem} 1" for hook in hooks})
    built.set(hooks=tuple(hooks), without={"startup": FAILED})
    assert ("startup-code", (str(hooks[1]),)) in found(built)
