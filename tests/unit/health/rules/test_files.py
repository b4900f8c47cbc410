"""Packages that are not the locked ones, files that are not as installed, files that nobody installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootstrap.health.attribution import attribute
from bootstrap.health.model import FileFault, RecordFault
from bootstrap.health.rules.files import extra, files
from tests.unit.health.conftest import NUMPY, PANDAS, PIP, RESTORE, VERSION, Built, Case, Cases, case, verify

if TYPE_CHECKING:
    from pathlib import Path

CASES: Cases = []


@case(CASES, "not-locked", "note", owner="more 1 0", summary="not in the lock", repair=RESTORE, conda=True)
def not_in_the_lock(built: Built) -> None:
    built.on_disk(records=(RecordFault("more", "extra", installed="1 0"),))


@case(
    CASES,
    "environment-moved",
    "doubtful",
    summary="The environment was made for /opt/old, and 2 of its files refer to it.",
    evidence="contains another prefix",
    repair="bootstrap restore --prefix",
    actions=("restore",),
    conda=True,
)
def moved_environment(built: Built) -> list[Path]:
    files = [built.prefix / "bin/f2py", built.site / "numpy/__config__.py"]
    built.on_disk(files=tuple(FileFault(str(path), "numpy 2.3.4", "prefix", "made for /opt/old") for path in files))
    return files


@case(
    CASES,
    "not-as-locked",
    "broken",
    owner="numpy 2.3.4 py311_0",
    summary="numpy: version 2.3.4 py311_0 is installed, 1.0 py311_0 is locked.",
    repair=RESTORE,
    actions=("restore",),
    conda=True,
)
def another_numpy(built: Built) -> None:
    built.on_disk(records=(RecordFault("numpy", "version", "2.3.4 py311_0", "1.0 py311_0"),))


@case(
    CASES,
    "not-as-locked",
    "broken",
    owner="python-dateutil 2.9 0",
    summary="locked at 2.9 0, not installed",
    evidence="import pandas: ModuleNotFoundError",
    repair=RESTORE,
    actions=("restore",),
    conda=True,
)
def locked_package_missing(built: Built) -> None:
    built.on_disk(
        records=(RecordFault("python-dateutil", "missing", locked="2.9 0"),), locked={"python-dateutil": "2.9"}
    )
    built.dependent("import pandas", "fail", "ModuleNotFoundError: No module named 'dateutil'")


@case(
    CASES,
    "files-altered",
    "broken",
    owner=NUMPY,
    summary=f"A file of {NUMPY} is not as installed: numpy/_core/numeric.py.",
    evidence="numeric.py: content altered",
    repair=PIP,
    actions=("pip",),
)
def altered(built: Built) -> list[Path]:
    return [built.damage("numpy/_core/numeric.py")]


@case(
    CASES,
    "files-altered",
    "broken",
    owner=NUMPY,
    summary=f"2 files of {NUMPY} are not as installed",
    evidence="numpy-import: ImportError",
    repair=RESTORE,
    actions=("restore",),
    conda=True,
)
def missing(built: Built) -> list[Path]:
    """What of numpy fails follows from it."""
    built.probe("numpy-import", "fail", "ImportError: no exceptions", file=str(built.site / "numpy/__init__.py"))
    return [built.damage(f"numpy/_core/{name}.py", "missing") for name in ("_exceptions", "numeric")]


@case(
    CASES,
    "files-altered",
    "broken",
    owner=PANDAS,
    evidence="import pandas: SyntaxError",
    repair=PIP,
    actions=("pip",),
)
def of_a_dependent(built: Built) -> list[Path]:
    built.dependent("import pandas", "fail", "SyntaxError: invalid syntax (frame.py)")
    return [built.damage("pandas/core/frame.py", "size", PANDAS)]


@case(CASES, "files-altered", "doubtful", owner="more 1", repair="more", actions=("pip",))
def of_another_package(built: Built) -> list[Path]:
    built.install("more", "1")
    return [built.damage("more/code.py", "size", "more 1")]


@case(CASES, "files-altered", "note", owner=NUMPY, summary="a.py", repair=PIP)
def pruned_tests(built: Built) -> list[Path]:
    return [built.damage("numpy/tests/a.py", "missing"), built.damage("numpy/conftest.py", "missing")]


@case(CASES, "files-altered", "doubtful", owner=NUMPY, repair=PIP, actions=("pip",))
def data(built: Built) -> list[Path]:
    """Of one package the worst is told, milder faults of it aren't."""
    built.damage("numpy/tests/a.py", "missing")
    return [built.damage("numpy/data.txt", "missing")]


@case(CASES, "files-altered", "broken", owner="python 3.11.9", repair=RESTORE, actions=("restore",), conda=True)
def of_the_interpreter(built: Built) -> list[Path]:
    """It lies beneath all: what fails follows from it."""
    built.probe("blas", "died", "ended by SIGSEGV")
    built.on_disk(conda={**built.facts.disk.conda, "python": "3.11.9"})
    return [built.damage("../../libpython3.11.so.1.0", "size", "python 3.11.9")]


@case(CASES, "files-altered", "broken", owner="libopenblas 0.3", repair=RESTORE, actions=("restore",), conda=True)
def of_a_library_that_numpy_loads(built: Built) -> list[Path]:
    library = built.prefix / "lib" / "libopenblas.so.0"
    built.probe("numpy-mapped", "pass", mapped=[str(library)])
    built.probe("blas", "fail", "wrong product")
    return [built.damage(str(library), "sha256", "libopenblas 0.3")]


@case(
    CASES,
    "extra-files",
    "doubtful",
    owner=NUMPY,
    summary="that no package owns: numpy/_core/left_over.py.",
    evidence="left_over.py: belongs to no package",
    repair="Delete ",
    actions=("set-aside",),
)
def left_over(built: Built) -> list[Path]:
    built.write(built.site / "numpy/_core/left_over.py")
    return [built.damage("numpy/_core/left_over.py", "extra")]


def test_what_numpy_loads_is_no_leftover(built: Built) -> None:
    library = built.damage("numpy.libs/libopenblas-other.so", "extra")
    built.probe("numpy-mapped", "pass", mapped=[str(library)])
    assert attribute(built.facts) == ()


@case(CASES, "extra-files", "broken", owner=NUMPY, summary="overrides its own", repair="and the others")
def wins_over_its_own(built: Built) -> list[Path]:
    """A package wins over a module of its name, an extension module too."""
    own = {str(built.site / f"numpy/{name}.py"): NUMPY for name in ("version", "matlib")}
    built.on_disk(owners=own)
    package, module = "numpy/version/__init__.py", "numpy/matlib.cpython-311.so"
    return [built.damage(name, "extra") for name in (package, module, "numpy/more.py")]


@pytest.mark.parametrize("one", CASES, ids=str)
def test_cause(one: Case, tmp_path: Path) -> None:
    verify(one, tmp_path)


def test_where_numpy_does_not_load_any_library_of_the_prefix_may_be_why(tmp_path: Path) -> None:
    built = Built(tmp_path, conda=True)
    library = built.damage(str(built.prefix / "lib" / "libgcc_s.so.1"), "size", "libgcc 15")
    assert [(c.severity, c.files) for c in attribute(built.facts)] == [("doubtful", (str(library),))]
    built.probe("numpy-import", "died", "ended by SIGSEGV")
    assert [(c.id, c.severity) for c in attribute(built.facts)] == [("files-altered", "broken")]


def test_what_was_put_over_numpy_is_told_once(built: Built) -> None:
    built.damage("numpy/version.py")
    built.damage("more/code.py", owner="more 1")
    built.probe("numpy-import", "pass", file=str(built.site / "numpy/__init__.py"), version="2.0.2")
    assert [draft.owner for draft in files(built.facts)] == ["more 1"]


def test_files_of_a_replaced_numpy_are_told_as_that(tmp_path: Path) -> None:
    built = Built(tmp_path, conda=True)
    built.on_disk(record_clean=True)
    built.damage("numpy/version.py")
    built.damage("numpy/data.txt")
    assert list(files(built.facts)) == []


def test_extra_files_of_another_version_are_no_cause_of_their_own(built: Built) -> None:
    built.damage("numpy/core/old.py", "extra")
    assert [draft.id for draft in extra(built.facts)] == ["extra-files"]
    built.install("numpy", "1.0.0")
    assert list(extra(built.facts)) == []


def test_long_lists_are_cut(built: Built) -> None:
    for number in range(20):
        built.damage(f"numpy/{number}.py")
    (cause,) = attribute(built.facts)
    assert len(cause.files) == 20
    assert cause.evidence[-1] == "and 12 more"
    assert VERSION in cause.summary
