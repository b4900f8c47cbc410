"""Packages that don't fit this interpreter or this numpy, told without importing them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootstrap.health.attribution import attribute
from bootstrap.health.rules.compatibility import misfits
from tests.unit.health.conftest import NUMPY, PIP, VERSION, Built, Case, Cases, case, verify

if TYPE_CHECKING:
    from pathlib import Path

CASES: Cases = []
OLD_API, NEW_API = "numpy.core._multiarray_umath", "numpy._core._multiarray_umath"


def extension(built: Built, name: str, python: str, text: str = "") -> Path:
    """An extension module beside a package, and in its RECORD."""
    path = built.write(built.site / name / f"_ext.cpython-{python}-x86_64-linux-gnu.so", text)
    info = next(d.info for d in built.facts.disk.distributions if d.name == name)
    with (info / "RECORD").open("a") as file:
        file.write(f"{path.relative_to(built.site)},,\n")
    return path


@case(
    CASES,
    "built-for-another-python",
    "broken",
    owner=NUMPY,
    summary=f"{NUMPY} was built for Python 3.12, this is 3.11.",
    evidence="no extension module for 3.11 beside it",
    repair=PIP,
    actions=("pip",),
)
def numpy_for_another_python(built: Built) -> list[Path]:
    built.probe("numpy-import", "fail", "ImportError: no C extensions")
    return [extension(built, "numpy", "312")]


@case(CASES, "built-for-another-python", "doubtful", owner="more 1", repair=PIP, actions=("pip",))
def package_for_another_python(built: Built) -> list[Path]:
    built.install("more", "1")
    return [extension(built, "more", "310")]


@case(
    CASES,
    "interrupted-install",
    "doubtful",
    owner=NUMPY,
    summary="An installation of numpy was interrupted, leaving ~umpy and ~umpy-2.3.4.dist-info.",
    evidence="pip renames what it is about to remove",
    repair="~umpy-2.3.4.dist-info.",
    actions=("set-aside", "set-aside"),
)
def numpy_interrupted(built: Built) -> list[Path]:
    paths = (built.site / "~umpy", built.site / "~umpy-2.3.4.dist-info")
    for path in paths:
        path.mkdir()
    built.on_disk(leftovers=paths)
    return [*paths]


@case(
    CASES,
    "interrupted-install",
    "note",
    owner="more 1",
    summary="installation was interrupted, leaving",
    repair="Delete ",
)
def other_interrupted(built: Built) -> list[Path]:
    built.install("more", "1")
    path = built.site / "~ore-1.dist-info"
    built.on_disk(leftovers=(path,))
    return [path]


@case(
    CASES,
    "built-for-another-numpy",
    "doubtful",
    owner="bottleneck 1.3.8",
    summary="bottleneck 1.3.8 was built for numpy 1; the installed 2.3.4 refuses it.",
    evidence="looks up the C API of numpy 1 only",
    repair=f"install 'bottleneck>1.3.8,<2' numpy=={VERSION}`",
    actions=("pip",),
)
def old_interface(built: Built) -> list[Path]:
    built.install("bottleneck", "1.3.8", "numpy")
    return [extension(built, "bottleneck", "311", f"\0{OLD_API}\0")]


@case(
    CASES,
    "numpy-out-of-bounds",
    "doubtful",
    owner="captum 0.8.0",
    summary="captum 0.8.0 requires numpy <2.0, 2.3.4 is installed.",
    evidence="Requires-Dist: numpy<2.0",
    repair=f"install 'captum>0.8.0,<1' numpy=={VERSION}`",
    actions=("pip",),
)
def out_of_bounds(built: Built) -> list[Path]:
    return [built.install("captum", "0.8.0", "numpy<2.0") / "METADATA"]


@case(
    CASES,
    "numpy-out-of-bounds",
    "doubtful",
    owner="newer 3.1",
    repair=f"install 'newer<3.1' numpy=={VERSION}`",
    actions=("pip",),
)
def too_new_for_this_numpy(built: Built) -> list[Path]:
    return [built.install("newer", "3.1", "numpy>=2.4") / "METADATA"]


@case(
    CASES,
    "dependency-missing",
    "doubtful",
    owner="scikit-image 0.25.2",
    summary="scikit-image 0.25.2 needs lazy-loader, which is not installed.",
    repair=f"install scikit-image==0.25.2 numpy=={VERSION}`: it adds what is missing",
    actions=("pip",),
)
def says_that_it_lacks(built: Built) -> list[Path]:
    info = built.install("scikit-image", "0.25.2", "numpy>=1.24", "lazy-loader>=0.4", "old; python_version < '3'")
    return [info / "METADATA"]


def test_what_works_lacks_little(built: Built) -> None:
    built.install("scikit-image", "0.25.2", "numpy>=1.24", "lazy-loader>=0.4")
    built.dependent("import scikit-image", "pass")
    assert [(draft.id, draft.severity) for draft in misfits(built.facts)] == [("dependency-missing", "note")]
    built.uninstall("scikit-image")
    built.install("albumentations", "2", "numpy", "opencv-python-headless")
    built.install("opencv-contrib-python", "4")
    built.install("stands-on-nothing", "1", "absent")
    assert misfits(built.facts) == []


@pytest.mark.parametrize("one", CASES, ids=str)
def test_cause(one: Case, tmp_path: Path) -> None:
    verify(one, tmp_path)


def test_modules_for_several_pythons_fit(built: Built) -> None:
    extension(built, "numpy", "312")
    extension(built, "numpy", "311")
    assert misfits(built.facts) == []


def test_modules_that_are_listed_but_not_there_say_nothing(built: Built) -> None:
    extension(built, "numpy", "312").unlink()
    assert misfits(built.facts) == []


@pytest.mark.parametrize("name", ["~-mpy", "~~umpy", "~umpy-2.0.dist-info", "~umpy.libs"])
def test_every_name_that_pip_leaves(built: Built, name: str) -> None:
    built.on_disk(leftovers=(built.site / name,))
    assert [(draft.id, draft.severity) for draft in misfits(built.facts)] == [("interrupted-install", "doubtful")]


def test_a_leftover_of_nobody(built: Built) -> None:
    built.on_disk(leftovers=(built.site / "~",))
    assert [(draft.owner, draft.severity) for draft in misfits(built.facts)] == [("", "note")]


@pytest.mark.parametrize("why", ["numpy 1 is installed", "both interfaces", "needs no numpy", "was imported"])
def test_what_looks_up_the_old_interface_may_be_right(built: Built, why: str) -> None:
    built.install("fits", "1", *(() if why == "needs no numpy" else ("numpy",)))
    extension(built, "fits", "311", OLD_API + (NEW_API if why == "both interfaces" else ""))
    if why == "numpy 1 is installed":
        built.probe("numpy-import", "pass", version="1.26.4")
    if why == "was imported":
        built.dependent("import fits", "pass")
    assert misfits(built.facts) == []


@pytest.mark.parametrize(
    "line",
    [
        "numpy>=2",
        "numpy<2; python_version < '3'",
        "numpy<2; extra == 'old'",
        "numpy-quaternion<2",
        "numpy (no specifier",
    ],
)
def test_bounds_that_numpy_keeps_or_that_do_not_apply(built: Built, line: str) -> None:
    built.install("fits", "1", line)
    assert misfits(built.facts) == []


def test_a_prerelease_is_within_bounds(built: Built) -> None:
    built.uninstall("numpy")
    built.install("numpy", "2.4.0rc1")
    built.probe("numpy-import", "pass", version="2.4.0rc1")
    built.install("fits", "1", "numpy>=2")
    assert misfits(built.facts) == []


def test_where_versions_disagree_bounds_are_not_judged(built: Built) -> None:
    built.install("captum", "0.8.0", "numpy<2.0")
    built.probe("numpy-import", "pass", file=str(built.site / "numpy/__init__.py"), version="9.9")
    assert [cause.id for cause in attribute(built.facts)] == ["numpy-version-mismatch"]
