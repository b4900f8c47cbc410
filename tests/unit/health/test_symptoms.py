"""Failed probes: what explains them, and what they mean where nothing does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap.health.model import Cause, ProbeResult
from bootstrap.health.rules.failures import installed
from bootstrap.health.symptoms import Symptom, explains, find_symptoms, gist, passes_through
from tests.unit.health.conftest import NUMPY, PANDAS, PIP, RESTORE, VERSION, Built, Case, Cases, case, verify

CASES: Cases = []


@case(
    CASES,
    "numpy-import-fails",
    "broken",
    owner=NUMPY,
    summary="numpy can't be imported.",
    evidence="numpy-import: RuntimeError: no reason on disk",
    repair=PIP,
    actions=("pip",),
)
def import_fails(built: Built) -> None:
    built.probe("numpy-import", "fail", "RuntimeError: no reason on disk")


@case(
    CASES,
    "numpy-import-fails",
    "broken",
    owner=NUMPY,
    summary="numpy can't be imported: no answer within 8 s.",
    repair=RESTORE,
    actions=("restore",),
    conda=True,
)
def import_hangs(built: Built) -> None:
    built.probe("numpy-import", "timeout", "no answer within 8 s")


@pytest.mark.parametrize("outcome", ["died", "timeout", "memory"])
def test_every_end_in_a_probe_is_a_crash(tmp_path: Path, outcome: str) -> None:
    def ends(built: Built) -> None:
        built.probe("blas", outcome, "the process was ended by SIGSEGV")

    verify(Case("numpy-crashes", "broken", ends, owner=NUMPY, repair=PIP, actions=("pip",)), tmp_path)


@case(
    CASES,
    "numpy-crashes",
    "broken",
    owner=NUMPY,
    summary="numpy crashes in the probe blas: the process was ended by SIGSEGV.",
    repair=PIP,
    actions=("pip",),
)
def crashes(built: Built) -> None:
    built.probe("blas", "died", "the process was ended by SIGSEGV")


@case(
    CASES,
    "numpy-wrong-answers",
    "broken",
    owner=NUMPY,
    summary="although its files are unchanged",
    evidence="blas: 3 instead of 2",
    repair=PIP,
    actions=("pip",),
)
def wrong_answers(built: Built) -> None:
    built.probe("blas", "fail", "3 instead of 2")


@case(
    CASES,
    "numpy-patched",
    "doubtful",
    summary="Other code replaces functions of numpy.",
    repair="Remove the code that replaces them.",
)
def patched(built: Built) -> list[Path]:
    path = built.outside / "patch.py"
    built.probe("numpy-functions", "fail", "numpy.dot is patch's", files=[str(path)])
    return [path]


@case(
    CASES,
    "float-state",
    "broken",
    summary="altered before numpy is imported",
    repair="Find the preloaded library",
)
def float_state(built: Built) -> None:
    """All that computes wrongly then follows from it."""
    built.probe("float-state", "fail", "does not round to nearest", started=True)
    built.probe("blas", "fail", "3 instead of 2")


@case(
    CASES,
    "interpreter-start-fails",
    "broken",
    summary="The interpreter starts only without its site folders: no answer within 8 s.",
    repair="Check the .pth files",
)
def start_fails(built: Built) -> None:
    built.probe("float-state", "timeout", "no answer within 8 s", started=False)


@case(
    CASES,
    "float-state-changed",
    "doubtful",
    owner=PANDAS,
    summary="Importing pandas changes floating-point arithmetic",
    repair="compiled without -ffast-math",
)
def import_changes_arithmetic(built: Built) -> None:
    built.dependent("import pandas", "fail", "after import pandas: flushed to zero", float_state=["flushed to zero"])


@pytest.mark.parametrize(
    "said",
    [
        "ValueError: numpy.dtype size changed, may indicate binary incompatibility",
        "A module that was compiled using NumPy 1.x cannot be run in NumPy 2.3.4",
        "ImportError: numpy.core.multiarray failed to import",
        "ImportError: numpy.core.umath failed to import",
        "ImportError: Numba needs NumPy 2.0 or less. Got NumPy 2.3.",
        "ImportError: this version of pandas is incompatible with numpy < 1.22.4",
        "RuntimeError: Numpy is not available",
    ],
)
def test_what_packages_say_to_another_numpy(tmp_path: Path, said: str) -> None:
    def refuses(built: Built) -> None:
        built.dependent("import pandas", "fail", said)

    expected = {"owner": PANDAS, "repair": f"install 'pandas>2.2.3,<3' numpy=={VERSION}`", "actions": ("pip",)}
    verify(Case("built-for-another-numpy", "broken", refuses, **expected), tmp_path)  # type: ignore[arg-type]


@case(
    CASES,
    "built-for-another-numpy",
    "broken",
    owner=PANDAS,
    summary=f"{PANDAS} was built for a different numpy than the installed 2.3.4.",
    evidence="Requires-Dist: numpy<2",
    repair=f"install 'pandas>2.2.3,<3' numpy=={VERSION}`",
    actions=("pip",),
)
def refuses(built: Built) -> None:
    """Its own word that it doesn't go with this numpy is evidence."""
    built.uninstall("pandas")
    built.install("pandas", "2.2.3", "numpy<2")
    built.dependent("import pandas", "fail", "ImportError: numpy.core.multiarray failed to import")


@case(
    CASES,
    "dependency-missing",
    "broken",
    owner=PANDAS,
    summary="the module dateutil.tz, which it needs, is not installed",
    repair=f"-m pip install pandas==2.2.3 numpy=={VERSION}`: it adds what is missing.",
    actions=("pip",),
)
def dependency_missing(built: Built) -> None:
    built.dependent("import pandas", "fail", "ModuleNotFoundError: No module named 'dateutil.tz'")


@case(CASES, "dependency-missing", "broken", owner=PANDAS, repair=RESTORE, actions=("restore",), conda=True)
def dependency_missing_in_a_prefix(built: Built) -> None:
    built.dependent("import pandas", "fail", "ModuleNotFoundError: No module named 'dateutil'")


@case(
    CASES,
    "memory-not-shared",
    "broken",
    owner=PANDAS,
    summary="pandas doesn't exchange arrays with numpy correctly",
    repair=PIP,
    actions=("pip",),
)
def memory_not_shared(built: Built) -> None:
    built.dependent("share-pandas", "fail", "the array was copied")


@case(
    CASES,
    "import-fails",
    "broken",
    owner=PANDAS,
    summary="pandas can't be imported: the process was ended by SIGSEGV.",
    repair=PIP,
    actions=("pip",),
)
def import_of_a_dependent_fails(built: Built) -> None:
    built.dependent("import pandas", "died", "the process was ended by SIGSEGV")


@case(
    CASES, "import-fails", "broken", owner=PANDAS, summary="pandas can't be imported.", repair=PIP, actions=("pip",)
)
def missing_but_there(built: Built) -> None:
    """A module that lies in the site folder is not what is missing."""
    built.write(built.site / "dateutil.py")
    built.dependent("import pandas", "fail", "ModuleNotFoundError: No module named 'dateutil.tz'")


@pytest.mark.parametrize("one", CASES, ids=str)
def test_cause(one: Case, tmp_path: Path) -> None:
    verify(one, tmp_path)


def symptom(package: str, *problems: str, name: str = "", **facts: object) -> Symptom:
    return Symptom(
        ProbeResult(name or f"import {package}", "fail", problems=problems, facts=facts), package, "broken"
    )


def draft(package: str, **more: object) -> Cause:
    return Cause(**{"id": "files-altered", "severity": "broken", "summary": "So.", "package": package, **more})  # type: ignore[arg-type]


SITE = "{site}"
EXPLAINS: dict[str, tuple[Cause, Symptom, bool]] = {
    "its own package": (draft("pandas"), symptom("pandas", "x"), True),
    "another package": (draft("pandas"), symptom("torch", "x"), False),
    "numpy explains its dependents": (draft("numpy"), symptom("torch", "x"), True),
    "a dependent does not explain numpy": (draft("torch"), symptom("numpy", "x", name="blas"), False),
    "what lies beneath explains all": (draft("python", core=True), symptom("numpy", "x", name="blas"), True),
    "a note explains nothing": (draft("pandas", severity="note"), symptom("pandas", "x"), False),
    "nor what is live": (draft("pandas", live=True), symptom("pandas", "x"), False),
    "nor a bound": (draft("pandas", id="numpy-out-of-bounds"), symptom("pandas", "x"), False),
    "an experiment, what passed": (
        draft("numpy", experiment=frozenset({"blas"})), symptom("numpy", "x", name="blas"), True,
    ),
    "an experiment, nothing else": (
        draft("numpy", experiment=frozenset({"blas"})), symptom("numpy", "x", name="fft"), False,
    ),
    "a file that the failure names": (draft("six", files=("/e/six.py",)), symptom("pandas", "in /e/six.py"), True),
    "but not of numpy's failure": (
        draft("six", files=("/e/six.py",)), symptom("numpy", "in /e/six.py", name="blas"), False,
    ),
    "a traceback through its folder": (
        draft("python-dateutil", files=(f"{SITE}/dateutil/tz.py",)),
        symptom("pandas", "x", traceback=[f'File "{SITE}/dateutil/parser.py"']), True,
    ),
    "its module's name": (
        draft("python-dateutil", files=(f"{SITE}/dateutil/tz.py",)), symptom("pandas", "no name in dateutil"), True,
    ),
    "too short a name": (draft("s", files=(f"{SITE}/six.py",)), symptom("pandas", "six errors"), False),
    "the locked package that is missing": (
        draft("python-dateutil", id="not-as-locked"), symptom("pandas", "No module named 'dateutil.tz'"), True,
    ),
    "a traceback through another package": (
        draft("pyarrow"), symptom("pandas", "x", traceback=[f'File "{SITE}/pyarrow/__init__.py"']), True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPLAINS)
def test_what_follows_from_what(built: Built, name: str) -> None:
    reason, failure, follows = EXPLAINS[name]
    reason = replace(reason, files=tuple(file.replace(SITE, str(built.site)) for file in reason.files))
    lines = [line.replace(SITE, str(built.site)) for line in failure.result.facts.get("traceback", [])]
    failure = replace(failure, result=replace(failure.result, facts={"traceback": lines}))
    assert explains(reason, failure, built.facts) is follows


def test_a_failure_does_not_pass_through_itself(built: Built) -> None:
    failure = symptom("pandas", f"in {built.site}/pandas/core/frame.py and {built.site}/scikit_learn/x.py")
    assert not passes_through(failure, "pandas", built.facts)
    assert passes_through(failure, "scikit-learn", built.facts)


def test_what_fails_alone_counts_as_it_fails_alone(built: Built) -> None:
    built.dependent("import torch", "skip")
    built.dependent("import scipy", "fail", "in company")
    built.set(alone=(ProbeResult("import scipy", "fail", problems=("alone",)), ProbeResult("import torch", "pass")))
    assert [(one.package, one.text) for one in find_symptoms(built.facts)] == [("scipy", "alone")]


def test_lines_of_an_error_are_few() -> None:
    failure = symptom("pandas", "first\n\nmiddle\nlast", "two", "three", "four", "five")
    assert failure.lines == (
        "import pandas: first middle last",
        *(f"import pandas: {n}" for n in ("two", "three", "four")),
    )


def test_of_a_long_error_its_ends_and_what_it_quotes_are_kept_whole() -> None:
    advice = "\n".join(f"advice {n}" for n in range(12))
    assert gist(f"ImportError: start\n{advice}\nend") == "ImportError: start ... end"
    quoted = "Original error was: the feature AVX512_KNL\n  is not supported"
    assert (
        gist(f"start\n{advice}\n{quoted}\n")
        == "start ... Original error was: the feature AVX512_KNL is not supported"
    )


TOO_OLD = "ImportError: /lib/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by /e/pandas/x.so)"


@pytest.mark.parametrize("wanted", ["GLIBCXX_3.4.32", "GLIBC_2.38"])
def test_what_asks_for_a_newer_library_is_not_installed_again(tmp_path: Path, wanted: str) -> None:
    def too_old(built: Built) -> list[Path]:
        built.dependent("import pandas", "fail", TOO_OLD.replace("GLIBCXX_3.4.32", wanted))
        return [Path("/lib/libstdc++.so.6")]

    expected = {"owner": PANDAS, "summary": f"needs {wanted}", "repair": "install 'pandas<2.2.3' numpy=="}
    verify(Case("library-too-old", "broken", too_old, **expected), tmp_path)  # type: ignore[arg-type]


@case(CASES, "library-too-old", "broken", owner=PANDAS, repair="`conda update", conda=True)
def conda_owns_the_library(built: Built) -> list[Path]:
    built.dependent("import pandas", "fail", TOO_OLD)
    built.on_disk(owners={"/lib/libstdc++.so.6": "libstdcxx 13.2"})
    return [Path("/lib/libstdc++.so.6")]


@case(CASES, "import-fails", "doubtful", owner="h5py 3.1", repair="h5py==3.1", actions=("pip",))
def further_package_fails(built: Built) -> None:
    """What is neither usual nor asked for may have reasons of its own."""
    built.install("h5py", "3.1", "numpy")
    built.dependent("import h5py", "fail", "OSError: no screen")
    built.set(further=frozenset({"import h5py"}))


@pytest.mark.parametrize(("name", "told"), [("pandas", PANDAS), ("python", "python 3.11.9"), ("none", "none")])
def test_a_package_is_called_by_its_version(tmp_path: Path, name: str, told: str) -> None:
    built = Built(tmp_path, conda=True)
    built.on_disk(conda={"python": "3.11.9"})
    assert installed(name, built.facts) == told
