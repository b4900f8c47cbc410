"""Imports run one way, and heavy or foreign packages are imported in the one place that may."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from tests.support.pythons import find_python
from tests.support.structure import PACKAGE, arrows, circles, imported, modules, upward

PROGRAMS = {
    "diagnosis/_child_interpreter_info.py": ("3.8", set()),
    "diagnosis/_child_install.py": ("3.8", set()),
    "health/probes/*.py": ("3.9", {"bootstrap.health.probes", "numpy", "pandas", "pyarrow", "scipy", "torch"}),
    "prefix/_child_engine.py": (
        "3.10",
        {"bootstrap.profile", "bootstrap._util.names", "bootstrap.prefix.admission", "rattler"},
    ),
    "runtime/_child_condacolab.py": ("3.10", {"bootstrap.profile", "condacolab"}),
    "runtime/kernel/start.py": ("3.10", {"bootstrap.runtime.kernel.launch", "ipykernel"}),
}
"""Programs for another interpreter: the oldest Python that runs them, and what they import beside its library."""


def test_imports_run_one_way() -> None:
    """Those in functions and for types, too."""
    assert upward(arrows()) == []


def test_there_are_no_circles() -> None:
    assert circles(arrows()) == []


def test_circles_and_arrows_that_run_up_are_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) in ([["b", "c", "b"]], [["c", "b", "c"]])
    assert upward({"bootstrap.lock.model": {"bootstrap"}, "bootstrap.cli": {"bootstrap.api"}}) == [
        "bootstrap.lock.model -> bootstrap"
    ]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_child_program_imports_only_what_it_may(program: str) -> None:
    """Its interpreter may have nothing else, or be broken."""
    allowed = PROGRAMS[program][1]
    for path in PACKAGE.glob(program):
        names = imported(path, types=False)
        strange = {n for n in names if n.split(".")[0] not in sys.stdlib_module_names}
        assert not {n for n in strange if not any(f"{n}.".startswith(f"{a}.") for a in allowed)}, path


@pytest.mark.parametrize("version", sorted({oldest for oldest, _ in PROGRAMS.values()}))
def test_child_programs_load_on_the_oldest_python(version: str) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    alone, compiled = [], []
    for program, (oldest, allowed) in PROGRAMS.items():
        if oldest == version:
            (compiled if allowed else alone).extend(str(path) for path in PACKAGE.glob(program))
    run = (
        "import runpy, sys\n"
        f"for path in {alone}: runpy.run_path(path, run_name='loaded')\n"
        f"for path in {compiled}: compile(open(path, encoding='utf-8').read(), path, 'exec')\n"
    )
    done = subprocess.run([python, "-I", "-c", run], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("rattler", {"prefix/_child_engine.py", "maintain/solver.py"}),
        ("conda_lock", {"maintain/content_hash.py"}),
        ("condacolab", {"runtime/_child_condacolab.py"}),
    ],
)
def test_foreign_packages_have_one_importer(module: str, allowed: set[str]) -> None:
    paths = modules().values()
    importers = {str(p.relative_to(PACKAGE)) for p in paths if any(n.split(".")[0] == module for n in imported(p))}
    assert importers <= allowed


def test_what_is_imported_is_required() -> None:
    """By the distribution, or by the kernel that the module runs in; what probes ask about may be missing."""
    required = {"condacolab", "packaging", "rattler", "rich", "yaml"}
    kernels = {"IPython", "ipykernel", "zmq"}
    for path in modules().values():
        if not path.is_relative_to(PACKAGE / "health" / "probes"):
            tops = {name.split(".")[0] for name in imported(path, types=False)}
            assert tops - sys.stdlib_module_names <= {"bootstrap", *required, *kernels}, path


def test_nothing_imports_numpy_or_ipython_at_module_level() -> None:
    for path in modules().values():
        if path.is_relative_to(PACKAGE / "health" / "probes"):  # for another process, which asks about numpy
            continue
        tops = {name.split(".")[0] for name in imported(path, lazily=False, types=False)}
        assert not tops & {"numpy", "IPython", "ipykernel", "zmq", "google", "torch"}, path


def test_nothing_imports_the_workbench() -> None:
    """It needs packages that a user's runtime may not have, or not in time."""
    for path in modules().values():
        assert not [name for name in imported(path) if name.split(".")[0] == "workbench"], path


def test_importing_the_package_is_light() -> None:
    """A notebook's first cell imports it: nothing but the package itself may come along."""
    program = "import sys; old = set(sys.modules); import bootstrap; print(sorted(set(sys.modules) - old))"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    added = ast.literal_eval(done.stdout)
    assert not [name for name in added if name.split(".")[0] in ("rich", "yaml", "rattler", "asyncio")]


def test_public_verbs_are_there() -> None:
    import bootstrap

    assert dir(bootstrap) == sorted(bootstrap.__all__), "what Tab offers"
    for name in bootstrap.__all__:
        assert getattr(bootstrap, name)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = bootstrap.nonsense
