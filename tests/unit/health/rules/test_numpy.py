"""Is the numpy that is imported the one that is installed?"""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bootstrap.health.attribution import attribute
from bootstrap.health.rules.numpy import rivals, shadowed, versions
from tests.unit.health.conftest import NUMPY, PIP, RESTORE, VERSION, Built, Case, Cases, case, verify

if TYPE_CHECKING:
    from pathlib import Path

CASES: Cases = []


@case(
    CASES,
    "numpy-not-installed",
    "broken",
    owner="numpy",
    summary="numpy is not installed in",
    evidence="no numpy distribution",
    repair="pip install 'numpy<2.9,>=1.26'`",
    actions=("pip",),
)
def none_at_all(built: Built) -> None:
    """No trace tells which version there was: what goes with the rest."""
    built.uninstall("numpy")
    built.install("scipy", "1.16.0", "numpy<2.9,>=1.26", "numpy<2; python_version < '3.9'")
    built.probe("numpy-import", "fail", "ModuleNotFoundError: No module named 'numpy'")


@case(
    CASES,
    "numpy-unrecorded",
    "doubtful",
    summary="has no metadata: no package claims it",
    evidence="imported: ",
    repair="numpy",
    actions=("pip",),
)
def known_to_nobody(built: Built) -> list[Path]:
    built.uninstall("numpy")
    return [built.site / "numpy" / "__init__.py"]


@case(
    CASES,
    "numpy-unrecorded",
    "doubtful",
    owner=NUMPY,
    summary="its RECORD is missing or unreadable",
    repair=f"--ignore-installed --no-deps numpy=={VERSION}",
    actions=("pip",),
)
def record_lost(built: Built) -> list[Path]:
    record = built.site / f"numpy-{VERSION}.dist-info" / "RECORD"
    record.unlink()
    return [record]


@case(
    CASES,
    "numpy-namesake",
    "note",
    summary="beside the package: numpy.py. Python ignores it.",
    repair="Rename or delete ",
)
def namesake(built: Built) -> list[Path]:
    return [built.write(built.site / "numpy.py")]


@case(
    CASES,
    "numpy-shadowed",
    "broken",
    summary=f"doesn't load the installed {NUMPY}, but ",
    evidence="imported: ",
    repair="Rename or delete ",
    actions=("set-aside",),
)
def module_instead(built: Built) -> list[Path]:
    path = built.write(built.site / "numpy.py")
    built.probe("numpy-import", "fail", "numpy has no __version__", file=str(path))
    return [path]


@case(
    CASES,
    "numpy-shadowed",
    "broken",
    evidence="puts its folder on the search path",
    repair="first.pth.",
    actions=("set-aside",),
)
def led_away(built: Built) -> list[Path]:
    """Startup code that names another numpy's folder is what has to go, not that numpy."""
    other = built.write(built.outside / "numpy" / "__init__.py")
    hook = built.write(built.site / "first.pth", f"import sys; sys.path.insert(0, {str(built.outside)!r})\n")
    harmless = built.write(built.site / "other.pth", "import other\n")
    built.set(hooks=(harmless, hook, built.site / "gone.pth"))
    built.probe("numpy-import", "pass", file=str(other), version=VERSION)
    return [other, hook]


@case(CASES, "numpy-shadowed", "broken", owner="evil 1.0", repair=f"--no-deps numpy=={VERSION}`", actions=("pip",))
def damaged_as_well(built: Built) -> list[Path]:
    """Where numpy's own code is gone too, it is put back; a package's file is not set aside."""
    path = built.write(built.site / "numpy.py")
    built.on_disk(owners={str(path): "evil 1.0"})
    built.damage("numpy/__init__.py", "missing")
    built.probe("numpy-import", "fail", "no __version__", file=str(path))
    return [path]


@case(
    CASES,
    "numpy-replaced",
    "broken",
    owner=NUMPY,
    summary=f"Another installer has put numpy 2.0.2 over conda's {NUMPY}",
    evidence="numpy-2.0.2.dist-info was installed by pip",
    repair=RESTORE,
    actions=("restore",),
    conda=True,
)
def replaced(built: Built) -> list[Path]:
    built.on_disk(distributions=tuple(d for d in built.facts.disk.distributions if d.name != "numpy"))
    built.install("numpy", "2.0.2", foreign=False)
    built.probe("numpy-import", "pass", file=str(built.site / "numpy" / "__init__.py"), version="2.0.2")
    return [built.damage("numpy/version.py")]


@case(CASES, "numpy-replaced", "broken", owner=NUMPY, repair=RESTORE, actions=("restore",), conda=True)
def replaced_by_the_same_version(built: Built) -> list[Path]:
    built.on_disk(record_clean=True)
    return [built.damage("numpy/_core/numeric.py")]


@case(
    CASES,
    "numpy-two-dist-infos",
    "doubtful",
    owner=NUMPY,
    summary="2 .dist-info folders in one place: 2.3.4, 1.0.0.",
    evidence="numpy-1.0.0.dist-info says 1.0.0",
    repair="numpy-1.0.0.dist-info, then run `",
    actions=("delete", "pip"),
)
def two_infos(built: Built) -> list[Path]:
    kept = built.facts.distributions[0].info
    return [kept, built.install("numpy", "1.0.0")]


@case(
    CASES, "numpy-two-dist-infos", "broken", owner=NUMPY, repair="then run `", actions=("set-aside", "delete", "pip")
)
def two_infos_and_damage(built: Built) -> list[Path]:
    """Files of both: what no package owns is set aside, or it would stay."""
    kept = built.facts.distributions[0].info
    built.damage("numpy/_core/numeric.py")
    built.damage("numpy/core/left.py", "extra")
    return [kept, built.install("numpy", "1.0.0")]


@case(
    CASES,
    "numpy-version-mismatch",
    "broken",
    owner=NUMPY,
    summary=f"numpy is a mix of two versions: 2.0.2 and {VERSION}.",
    evidence="numpy.__version__ says 2.0.2",
    repair=PIP,
    actions=("pip",),
)
def unpacked(built: Built) -> list[Path]:
    built.probe("numpy-import", "pass", file=str(built.site / "numpy" / "__init__.py"), version="2.0.2")
    built.damage("numpy/version.py")
    return [built.facts.distributions[0].info]


@case(
    CASES,
    "numpy-version-mismatch",
    "broken",
    owner="numpy 9.9",
    evidence=f"the name of numpy-{VERSION}.dist-info says {VERSION}",
    repair=f"--no-deps numpy=={VERSION}`",
    actions=("pip",),
)
def edited_metadata(built: Built) -> list[Path]:
    """The folder's name is what pip gave it; METADATA says another version."""
    old = built.facts.distributions[0]
    others = tuple(d for d in built.facts.disk.distributions if d.name != "numpy")
    told = replace(old, version="9.9")
    built.on_disk(distributions=(told, *others), foreign=(told, *others))
    return [old.info]


@pytest.mark.parametrize("one", CASES, ids=str)
def test_cause(one: Case, tmp_path: Path) -> None:
    verify(one, tmp_path)


@pytest.mark.parametrize("installer", ["debian", "rpm"])
def test_the_system_may_keep_no_record(built: Built, installer: str) -> None:
    info = built.facts.distributions[0].info
    (info / "RECORD").unlink()
    (info / "INSTALLER").write_text(installer)
    assert attribute(built.facts) == ()


def test_a_lock_that_all_disagree_with_is_no_second_version(tmp_path: Path) -> None:
    built = Built(tmp_path, conda=True)
    built.on_disk(locked={"numpy": "1.0"})
    assert list(versions(built.facts)) == []


def test_a_numpy_that_is_reached_by_a_link_is_reached(built: Built) -> None:
    link = built.outside / "link"
    link.symlink_to(built.site)
    built.probe("numpy-import", "pass", file=str(link / "numpy" / "__init__.py"), version=VERSION)
    assert list(shadowed(built.facts)) == []


def test_a_folder_of_a_longer_name_is_elsewhere(built: Built) -> None:
    other = built.write(built.site / "numpy2" / "__init__.py")
    built.probe("numpy-import", "pass", file=str(other), version=VERSION)
    (draft,) = shadowed(built.facts)
    assert draft.files == (str(other),)


def test_where_numpy_can_not_say_what_lies_beside_it_is_taken(built: Built) -> None:
    shutil.rmtree(built.site / "numpy")
    path = built.write(built.site / "numpy.so")
    built.probe("numpy-import", "died", "ended by SIGSEGV")
    (draft,) = shadowed(built.facts)
    assert (draft.id, draft.files) == ("numpy-shadowed", (str(path),))


def test_what_stands_in_for_numpy(tmp_path: Path) -> None:
    (tmp_path / "numpy.cpython-311-x86_64-linux-gnu.so").touch()
    names = ["numpy.py", "numpy.pyc", "numpy.cpython-311-x86_64-linux-gnu.so", "numpy.so"]
    assert [path.name for path in rivals(tmp_path)] == names
