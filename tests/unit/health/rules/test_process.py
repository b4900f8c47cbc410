"""What is wrong with the running process, where its files may be in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootstrap.health.attribution import attribute
from bootstrap.health.model import ProbeResult
from bootstrap.health.rules.process import process_roots
from tests.unit.health.conftest import NUMPY, VERSION, Built, Case, Cases, case, verify

if TYPE_CHECKING:
    from pathlib import Path

CASES: Cases = []


@case(
    CASES,
    "stale-in-memory",
    "broken",
    owner=NUMPY,
    summary=f"numpy 2.0.2 is loaded, numpy {VERSION} is on disk.",
    evidence="will fail: import numpy.strings",
    repair="Restart the runtime: nothing else is needed, the files are one version.",
    actions=("restart",),
)
def replaced_under_the_process(built: Built) -> list[Path]:
    root, library = built.site / "numpy", built.site / "numpy/_core/x.so"
    built.live("live-version", "2.0.2 is loaded", memory="2.0.2", disk=VERSION, root=str(root))
    built.live("live-libraries", "replaced", replaced=[str(library)], current=[])
    built.live("live-modules", "differs", differing=["numpy"], failing=["import numpy.strings: no _center"])
    return [library, root]


@case(
    CASES,
    "stale-in-memory",
    "doubtful",
    owner=NUMPY,
    summary="by another build of the same version since it was loaded",
    repair="Restart the runtime",
    actions=("restart",),
)
def another_build(built: Built) -> list[Path]:
    library = built.site / "numpy/_core/x.so"
    built.live("live-version", memory=VERSION, disk=VERSION)
    built.live("live-libraries", "replaced", replaced=[str(library)], current=[])
    return [library]


@case(
    CASES,
    "stale-in-memory",
    "broken",
    owner="numpy 2.0.2",
    summary="numpy 2.0.2 is loaded, no numpy is on disk",
    repair="numpy",
    actions=("restart",),
)
def uninstalled_under_the_process(built: Built) -> None:
    built.live("live-version", "none is on disk", memory="2.0.2", disk="")


@case(
    CASES,
    "stale-in-memory",
    "broken",
    owner="numpy 2.0.2",
    repair="That version is already in memory.",
    actions=("restart",),
    conda=True,
)
def wrong_files_right_memory(built: Built) -> None:
    """pip has replaced the locked numpy; the process still has it."""
    built.live("live-version", "2.0.2 is on disk", memory=VERSION, disk="2.0.2")


@case(
    CASES,
    "stale-in-memory",
    "broken",
    owner="numpy 2.0.2",
    repair="Then restart the runtime.",
    actions=("restart",),
    conda=True,
)
def wrong_files_wrong_memory(built: Built) -> None:
    built.live("live-version", "2.0.2 is on disk", memory="1.26.4", disk="2.0.2")


@case(
    CASES,
    "stale-in-memory",
    "broken",
    owner=NUMPY,
    repair="Restart the runtime: nothing else is needed, the files are one version.",
    actions=("restart",),
    conda=True,
)
def right_files_wrong_memory(built: Built) -> None:
    built.live("live-version", "2.0.2 is loaded", memory="2.0.2", disk=VERSION)


@case(
    CASES,
    "stale-in-memory",
    "doubtful",
    owner="pandas 3.0",
    summary="pandas 2.2.3 is loaded, pandas 3.0 is on disk.",
    evidence="changed since it was loaded",
    repair="Restart the runtime before pandas is used again.",
    actions=("restart",),
)
def dependent_replaced(built: Built) -> list[Path]:
    file = built.site / "pandas/lib.so"
    found = {"pandas": {"memory": "2.2.3", "owner": "pandas 3.0", "file": str(file)}}
    built.live("live-packages", "pandas is stale", packages=found)
    return [file]


@case(
    CASES,
    "mixed-in-memory",
    "broken",
    owner=NUMPY,
    summary="and modules of both are loaded",
    evidence="already loaded from the new files",
    repair="Restart the runtime",
    actions=("restart",),
)
def two_in_one_process(built: Built) -> list[Path]:
    old, new = built.site / "numpy/_core/x.so", built.site / "numpy/random/y.so"
    built.live("live-version", "2.0.2 is loaded", memory="2.0.2", disk=VERSION)
    built.live("live-libraries", "replaced", replaced=[str(old)], current=[str(new)])
    return [old]


@case(
    CASES,
    "mixed-in-memory",
    "broken",
    owner=NUMPY,
    summary=f"Parts of the loaded {NUMPY} come from elsewhere.",
    repair="/other off the search path",
    actions=("restart",),
)
def parts_from_elsewhere(built: Built) -> list[Path]:
    stranger = built.outside / "other" / "part.py"
    built.live("live-version", memory=VERSION, disk=VERSION)
    built.live("live-modules", "from outside", strangers={"numpy.part": str(stranger)})
    return [stranger]


@case(
    CASES,
    "numpy-shadowed",
    "broken",
    summary="This process has loaded a numpy other than the installed one",
    evidence="is loaded from",
    repair="or take its folder off the search path; then restart",
)
def loaded_from_elsewhere(built: Built) -> list[Path]:
    other = built.outside / "numpy" / "__init__.py"
    built.live("live-path", f"numpy is loaded from {other}", outside=str(other), loaded=str(other))
    return [other]


@case(CASES, "numpy-shadowed", "doubtful", summary="This process would load a numpy other than")
def would_load_another(built: Built) -> list[Path]:
    """The right one is loaded; a process to come would take the other."""
    other = built.outside / "numpy.py"
    built.live("live-path", "would be imported", outside=str(other), loaded=str(built.site / "numpy/__init__.py"))
    return [other]


@case(
    CASES,
    "stdlib-shadowed",
    "broken",
    summary="hides the standard library's module secrets, which numpy imports",
    evidence="import secrets would load",
    repair="secrets.py, then restart the runtime.",
)
def standard_library_hidden(built: Built) -> list[Path]:
    path = built.outside / "secrets.py"
    built.live("live-path", "hidden", shadowed={"secrets": str(path)})
    return [path]


@case(
    CASES,
    "numpy-patched",
    "doubtful",
    summary="has replaced parts of numpy",
    evidence="numpy.dot is",
    repair="Remove the code that replaces them, then restart the runtime.",
    actions=("restart",),
)
def patched(built: Built) -> list[Path]:
    path = built.outside / "patch.py"
    built.live("live-functions", "numpy.dot is patch's", files=[str(path), "<stdin>"])
    return [path]


@case(CASES, "numpy-patched", "broken", evidence="blas: wrong", repair="Remove", actions=("restart",))
def patched_wrongly(built: Built) -> None:
    built.live("live-functions", "numpy.dot is a lambda")
    built.live("live-answers", "blas: wrong")


@case(
    CASES,
    "float-state-changed",
    "doubtful",
    summary="altered in this process",
    evidence="flushed to zero",
    repair="without the library",
    actions=("restart",),
)
def flush_to_zero(built: Built) -> None:
    built.live("live-arithmetic", "subnormal numbers are flushed to zero")


@case(CASES, "float-state-changed", "broken", evidence="blas: wrong", repair="Restart", actions=("restart",))
def rounding(built: Built) -> None:
    built.live("live-arithmetic", "floating-point arithmetic does not round to nearest")
    built.live("live-answers", "blas: wrong")


@case(
    CASES,
    "wrong-answers-here",
    "broken",
    owner=NUMPY,
    summary="a fresh process computes correctly",
    evidence="blas: wrong",
    repair="Restart the runtime.",
    actions=("restart",),
)
def wrong_answers(built: Built) -> None:
    built.live("live-version", memory=VERSION, disk=VERSION)
    built.live("live-answers", "blas: wrong")


@case(
    CASES,
    "foreign-library",
    "doubtful",
    summary="has loaded libraries from outside",
    evidence="libopenblas.so.0 instead of",
    repair="Unset LD_LIBRARY_PATH and LD_PRELOAD",
    conda=True,
)
def runtime_from_outside(built: Built) -> list[Path]:
    names = ("libopenblas.so.0", "libX11.so.6")
    outer = [built.write(built.outside / name) for name in names]
    inner = [built.write(built.prefix / "lib" / name) for name in names]
    built.live("live-runtimes", mapped=[*map(str, outer), *map(str, inner)])
    return [outer[0]]


@case(
    CASES,
    "two-openmp-runtimes",
    "note",
    owner="llvm 20, torch 2",
    summary="2 OpenMP runtimes are loaded: GNU, LLVM.",
    repair="use builds of these packages that share one runtime",
)
def two_openmp(built: Built) -> list[Path]:
    paths = [built.prefix / "lib" / name for name in ("libgomp.so.1", "libomp.so")]
    built.on_disk(owners=dict(zip(map(str, paths), ("torch 2", "llvm 20"), strict=True)))
    openmp = {"GNU": [str(paths[0])], "LLVM": [str(paths[1])]}
    built.live("live-runtimes", "two OpenMP runtimes", openmp=openmp)
    return paths


@case(CASES, "numpy-settings", "note", evidence="over='ignore'", repair="numpy.seterr(divide='warn'")
def settings(built: Built) -> None:
    built.live("live-settings", "numpy.seterr: over='ignore' instead of 'warn'")


@case(
    CASES,
    "mixed-in-memory",
    "broken",
    owner=NUMPY,
    summary="libraries of a version other than that on disk are still loaded",
    repair="Restart the runtime.",
    actions=("restart",),
)
def purged_and_replaced(built: Built) -> list[Path]:
    core = built.site / "numpy/_core/_multiarray_umath.so"
    built.live("live-presence", "taken out", numpy=False, purged=[str(core)], replaced=[str(core)], parts=[])
    return [core]


@case(CASES, "mixed-in-memory", "broken", owner=NUMPY, evidence="load module more than once", actions=("restart",))
def purged(built: Built) -> list[Path]:
    core = built.site / "numpy/_core/_multiarray_umath.so"
    built.live("live-presence", "taken out", numpy=False, purged=[str(core)], replaced=[], parts=[])
    again = ProbeResult("numpy-again", "fail", problems=("ImportError: cannot load module more than once",))
    built.set(imported_again=again)
    return [core]


@case(CASES, "mixed-in-memory", "doubtful", owner=NUMPY, actions=("restart",))
def purged_where_a_second_import_works(built: Built) -> list[Path]:
    purged(built)
    built.set(imported_again=ProbeResult("numpy-again", "pass"))
    return [built.site / "numpy/_core/_multiarray_umath.so"]


@case(
    CASES,
    "numpy-patched",
    "broken",
    summary="sys.modules['numpy'] is a unittest.mock.MagicMock, not numpy",
    repair="Remove the code that puts it there, then restart",
    actions=("restart",),
)
def something_else(built: Built) -> None:
    built.live("live-presence", "is a MagicMock", numpy=False, instead="a unittest.mock.MagicMock")


@case(CASES, "process-unexamined", "doubtful", evidence="live-settings: AttributeError", repair="Restart the runtime")
def a_question_that_could_not_be_put(built: Built) -> None:
    built.live("live-settings", unanswered="live-settings: AttributeError: no geterr")


def test_a_question_that_raises_is_no_finding_where_something_is_found(built: Built) -> None:
    something_else(built)
    a_question_that_could_not_be_put(built)
    assert [cause.id for cause in attribute(built.facts)] == ["numpy-patched"]


@pytest.mark.parametrize("one", CASES, ids=str)
def test_cause(one: Case, tmp_path: Path) -> None:
    verify(one, tmp_path)


def test_a_process_that_agrees_with_its_files(built: Built) -> None:
    built.live("live-version", memory=VERSION, disk=VERSION, root=str(built.site / "numpy"))
    for name in ("libraries", "modules", "packages", "path", "functions", "arithmetic", "runtimes", "answers"):
        built.live(f"live-{name}")
    assert attribute(built.facts) == ()


def test_nothing_of_it_without_a_process(built: Built) -> None:
    assert process_roots(built.facts) == []


def test_a_numpy_not_loaded_yet_is_lost_to_another_in_its_way(built: Built) -> None:
    built.live("live-path", "would be imported", numpy=False, outside=str(built.outside / "numpy.py"))
    assert [(cause.id, cause.severity) for cause in attribute(built.facts)] == [("numpy-shadowed", "broken")]


@pytest.mark.parametrize("name", ["live-path", "live-functions", "live-arithmetic"])
def test_wrong_answers_are_told_with_what_explains_them(built: Built, name: str) -> None:
    built.live(name, "so it is")
    built.live("live-answers", "blas: wrong")
    assert "wrong-answers-here" not in [draft.id for draft in process_roots(built.facts)]


def test_modules_of_both_without_a_version_to_tell_them_apart(built: Built) -> None:
    built.live("live-version", memory=VERSION, disk=VERSION)
    built.live("live-modules", "numpy.strings differs from its file", differing=["numpy.strings"])
    assert [(d.id, d.severity) for d in process_roots(built.facts)] == [("mixed-in-memory", "broken")]


def test_what_a_process_has_explains_nothing_of_a_fresh_one(built: Built) -> None:
    built.live("live-version", "stale", memory="2.0.2", disk=VERSION)
    built.probe("blas", "fail", "wrong")
    assert [cause.id for cause in attribute(built.facts)] == ["stale-in-memory", "numpy-wrong-answers"]


def test_an_uninstalled_numpy_comes_back_by_its_installer(built: Built) -> None:
    built.uninstall("numpy")
    built.live("live-version", "none is on disk", memory=VERSION, disk="")
    (draft,) = process_roots(built.facts)
    assert f"{built.python} -m pip install" in draft.repair
