"""Real faults in real environments: each has one cause, the right owner, and a verdict."""

from __future__ import annotations

import marshal
import platform
import shutil
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bootstrap.health import Cause, Report
from bootstrap.health.repair import ASIDE, repair
from tests.support import link_or_copy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.environment import Environment

ALL = ("pandas", "scipy", "pyarrow")


def only_cause(report: Report) -> Cause:
    """The report's one cause."""
    assert len(report.causes) == 1, [cause.to_dict() for cause in report.causes]
    return report.causes[0]


def test_healthy_environment_has_no_cause(pristine: Environment) -> None:
    report = pristine.check(*ALL)
    assert report.causes == ()
    assert report.verdict == "ok"
    assert report.numpy_version == pristine.version("numpy")
    assert [p.name for p in report.probes if p.outcome != "pass"] == []
    assert {"import pandas", "share-pandas", "share-pyarrow", "share-scipy", "blas"} <= {
        p.name for p in report.probes
    }
    assert report.files_checked > 1000


def test_a_damaged_file_has_a_time(env: Environment) -> None:
    env.append("numpy/_core/numeric.py", "# altered")
    cause = only_cause(env.check())
    since = datetime.fromisoformat(cause.since)
    assert abs(datetime.now().astimezone() - since) < timedelta(minutes=5)
    assert cause.by == ""
    assert any(line.startswith("since ") for line in cause.evidence)


def test_what_nobody_owns_is_moved_not_deleted(env: Environment) -> None:
    path = env.write("numpy/_core/left_over.py", "mine = 1\n")
    said: list[str] = []
    before = env.check()
    after = repair(before, progress=said.append)
    assert (before.ok, after.ok) == (False, True)
    assert not path.exists()
    assert (env.root / ASIDE / path.relative_to(env.root)).read_text() == "mine = 1\n"
    assert said[0] == f"set aside {path}"


def test_check_leaves_the_environment_as_it_was(env: Environment) -> None:
    for cache in env.site.rglob("__pycache__"):
        shutil.rmtree(cache)
    before = sorted(env.root.rglob("*"))
    env.check("pandas")
    assert sorted(env.root.rglob("*")) == before


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("numpy/_core/_multiarray_umath.*.so", lambda data: data[: len(data) // 2]),
        ("numpy/linalg/_umath_linalg.*.so", lambda data: bytes(len(data))),
        ("numpy.libs/*openblas*", lambda data: data[:9_000_000] + bytes([data[9_000_000] ^ 255]) + data[9_000_001:]),
        ("numpy/_core/numeric.py", lambda data: data + b"\nraise RuntimeError('damaged')\n"),
        ("numpy/_core/fromnumeric.py", lambda data: data + b"\n# no code at all\n"),
        ("numpy/random/__init__.py", lambda data: data.replace(b"RandomState", b"RandomStale")),
    ],
)
@pytest.mark.exhaustive
def test_altered_file_of_numpy(env: Environment, file: str, change: Callable[[bytes], bytes]) -> None:
    path = env.edit(env.find(file), change)
    report = env.check(*ALL)
    cause = only_cause(report)
    assert (cause.id, cause.severity, report.verdict) == ("files-altered", "broken", "broken")
    assert cause.owner == f"numpy {env.version('numpy')}"
    assert cause.files == (str(path),)
    assert f"numpy=={env.version('numpy')}" in cause.repair


@pytest.mark.parametrize("file", ["numpy/_core/_exceptions.py", "numpy/strings/__init__.py", "numpy/__init__.py"])
@pytest.mark.exhaustive
def test_missing_file_of_numpy(env: Environment, file: str) -> None:
    (env.site / file).unlink()
    cause = only_cause(env.check(*ALL))
    assert (cause.id, cause.severity) == ("files-altered", "broken")
    assert cause.files == (str(env.site / file),)
    assert any("missing" in line for line in cause.evidence)


def test_pruned_tests_are_healthy(env: Environment) -> None:
    for folder in list(env.site.glob("numpy/**/tests")):
        shutil.rmtree(folder)
    report = env.check()
    assert report.verdict == "ok"
    assert [cause.severity for cause in report.causes] == ["note"]


@pytest.mark.exhaustive
def test_no_numpy(env: Environment) -> None:
    shutil.rmtree(env.site / "numpy")
    shutil.rmtree(env.site / "numpy.libs")
    shutil.rmtree(env.find("numpy-*.dist-info"))
    assert only_cause(env.check(*ALL)).id == "numpy-not-installed"


@pytest.mark.parametrize(
    ("code", "evidence"),
    [
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import time; time.sleep(600)", "no answer within"),
        ("import os; os._exit(0)", "ended by itself with status 0"),
        ("raise SystemExit(0)", "SystemExit"),
        ("import sys; sys.setrecursionlimit(30)", "RecursionError"),
    ],
)
@pytest.mark.exhaustive
def test_numpy_that_does_not_survive_its_import(env: Environment, code: str, evidence: str) -> None:
    env.append("numpy/__init__.py", code)
    cause = only_cause(env.check(*ALL, timeout=6))
    assert (cause.id, cause.severity) == ("files-altered", "broken")
    assert any(evidence in line for line in cause.evidence), cause.evidence


@pytest.mark.exhaustive
def test_numpy_that_fails_with_a_faultless_record(env: Environment) -> None:
    """RECORD edited along with the file: only the probes are left to notice."""
    env.append("numpy/__init__.py", "raise RuntimeError('no reason on disk')")
    record = env.find("numpy-*.dist-info/RECORD")
    env.edit(record, lambda data: b"\n".join(x for x in data.splitlines() if not x.startswith(b"numpy/__init__.py,")))
    report = env.check(*ALL)
    assert report.verdict == "broken"
    # A file that RECORD has lost is one more in numpy's folder that no package lists.
    assert "numpy-import: RuntimeError: no reason on disk" in {e for c in report.causes for e in c.evidence}


@pytest.mark.exhaustive
def test_garbage_on_every_descriptor(env: Environment) -> None:
    env.append(
        "numpy/__init__.py",
        """
import os
for _number in range(1, 30):
    try:
        os.write(_number, b'{"event": "end", "name": "numpy-import", "outcome": "fail"} garbage' * 2000)
    except OSError:
        pass
""",
    )
    report = env.check()
    assert only_cause(report).id == "files-altered"
    assert [p.name for p in report.probes if p.outcome != "pass"] == []


@pytest.mark.exhaustive
def test_two_dist_infos_beside_one_numpy(env: Environment) -> None:
    info = env.find("numpy-*.dist-info")
    shutil.copytree(info, env.site / "numpy-1.0.0.dist-info")
    env.edit("numpy-1.0.0.dist-info/METADATA", lambda data: data.replace(env.version_line(info), b"Version: 1.0.0"))
    cause = only_cause(env.check())
    assert (cause.id, cause.severity) == ("numpy-two-dist-infos", "doubtful")
    assert str(env.site / "numpy-1.0.0.dist-info") in cause.repair


@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.exhaustive
def test_numpy_of_another_version_laid_over(env: Environment, wheel: Callable[[str], Path], metadata: bool) -> None:
    env.unzip(wheel("numpy<2.2"), metadata=metadata)
    report = env.check()
    cause = only_cause(report)
    assert cause.id == ("numpy-two-dist-infos" if metadata else "numpy-version-mismatch")
    assert cause.severity == "broken"
    assert cause.owner.startswith("numpy ")


@pytest.mark.exhaustive
def test_missing_record(env: Environment) -> None:
    env.find("numpy-*.dist-info/RECORD").unlink()
    cause = only_cause(env.check())
    assert (cause.id, cause.severity) == ("numpy-unrecorded", "doubtful")


@pytest.mark.exhaustive
def test_module_in_the_place_of_numpy(env: Environment) -> None:
    shutil.rmtree(env.site / "numpy")
    path = env.write("numpy.py", "array = list\n")
    cause = only_cause(env.check(*ALL))
    assert (cause.id, cause.severity, cause.files) == ("numpy-shadowed", "broken", (str(path),))


def test_module_beside_numpy_is_passed_over(env: Environment) -> None:
    env.write("numpy.py", "array = list\n")
    report = env.check()
    assert report.verdict == "ok"
    assert only_cause(report).id == "numpy-namesake"


@pytest.mark.exhaustive
def test_pth_that_puts_another_numpy_first(env: Environment, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copytree(env.site / "numpy", other / "numpy", copy_function=link_or_copy)
    shutil.copytree(env.site / "numpy.libs", other / "numpy.libs", copy_function=link_or_copy)
    env.write("first.pth", f"import sys; sys.path.insert(0, {str(other)!r})\n")
    cause = only_cause(env.check())
    assert (cause.id, cause.files[0]) == ("numpy-shadowed", str(other / "numpy" / "__init__.py"))
    assert str(env.site / "first.pth") in cause.files


@pytest.mark.exhaustive
def test_other_numpy_on_pythonpath(pristine: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numpy.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    cause = only_cause(pristine.check())
    assert (cause.id, cause.severity) == ("numpy-elsewhere", "doubtful")
    assert cause.files == (str(tmp_path / "numpy.py"),)


@pytest.mark.parametrize(
    ("file", "hook"), [("sitecustomize.py", None), ("zz_patch.py", "zz_patch.pth")], ids=["sitecustomize", "pth"]
)
@pytest.mark.exhaustive
def test_startup_code_that_breaks_blas(env: Environment, file: str, hook: str | None) -> None:
    env.write(
        file,
        """
import numpy
right = numpy.dot
def dot(a, b, out=None):
    return right(a, b) * (1 + 1e-12)
numpy.dot = dot
""",
    )
    if hook:
        env.write(hook, f"import {file.removesuffix('.py')}\n")
    cause = only_cause(env.check())
    assert (cause.id, cause.severity) == ("startup-code", "broken")
    assert str(env.site / (hook or file)) in cause.files
    assert any(line.startswith("blas: ") for line in cause.evidence)


@pytest.mark.exhaustive
def test_startup_code_that_patches_without_harm(env: Environment) -> None:
    env.write("sitecustomize.py", "import numpy\nright = numpy.dot\nnumpy.dot = lambda a, b, out=None: right(a, b)\n")
    cause = only_cause(env.check())
    assert (cause.id, cause.severity) == ("startup-code", "doubtful")


@pytest.mark.exhaustive
def test_startup_code_that_hangs(env: Environment) -> None:
    env.write("sitecustomize.py", "import time\ntime.sleep(600)\n")
    cause = only_cause(env.check(*ALL, timeout=5))
    assert (cause.id, cause.severity) == ("startup-code", "broken")


@pytest.mark.exhaustive
def test_poisoned_bytecode(env: Environment) -> None:
    source = env.site / "numpy" / "_core" / "numeric.py"
    cached = source.parent / "__pycache__" / f"numeric.{sys.implementation.cache_tag}.pyc"
    poison = source.read_text() + "\n_ones = ones\ndef ones(*a, **k):\n    return _ones(*a, **k) * 2\n"
    env.edit(cached, lambda data: data[:16] + marshal.dumps(compile(poison, str(source), "exec")))
    cause = only_cause(env.check())
    assert (cause.id, cause.files) == ("stale-bytecode", (str(cached),))


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("numpy/_core/left_over.py", "doubtful"),
        ("numpy/version/__init__.py", "broken"),
        ("numpy/notes.txt", None),
    ],
)
def test_file_that_no_package_has_put_there(env: Environment, name: str, severity: str | None) -> None:
    path = env.write(name, "version = '9'\n")
    report = env.check()
    if severity is None:
        assert report.causes == ()
    else:
        cause = only_cause(report)
        assert (cause.id, cause.severity, cause.files) == ("extra-files", severity, (str(path),))


@pytest.mark.exhaustive
def test_damaged_dependent(env: Environment) -> None:
    path = env.edit("pandas/core/frame.py", lambda data: data[:5000])
    cause = only_cause(env.check(*ALL))
    assert (cause.id, cause.owner) == ("files-altered", f"pandas {env.version('pandas')}")
    assert cause.files == (str(path),)
    assert any("import pandas: SyntaxError" in line for line in cause.evidence)


def test_damaged_library_of_one_dependent_breaks_another(env: Environment) -> None:
    """pandas imports pyarrow, which dies: pyarrow is to blame, for both."""
    env.edit(env.find("pyarrow/lib.*.so"), lambda data: data[: len(data) // 3])
    cause = only_cause(env.check(*ALL))
    assert cause.owner == f"pyarrow {env.version('pyarrow')}"
    assert cause.severity == "broken"


@pytest.mark.exhaustive
def test_missing_dependency_of_a_dependent(env: Environment) -> None:
    shutil.rmtree(env.site / "dateutil")
    cause = only_cause(env.check(*ALL))
    assert (cause.id, cause.severity) == ("files-altered", "broken")
    assert cause.owner.startswith("python-dateutil ")


@pytest.mark.exhaustive
def test_uninstalled_dependency_of_a_dependent(env: Environment) -> None:
    shutil.rmtree(env.site / "dateutil")
    shutil.rmtree(env.find("python_dateutil-*.dist-info"))
    cause = only_cause(env.check(*ALL))
    assert cause.severity == "broken"
    assert cause.owner == f"pandas {env.version('pandas')}"
    assert "dateutil" in " ".join([cause.summary, *cause.evidence])


@pytest.mark.exhaustive
def test_dependent_built_for_another_numpy(env: Environment, wheel: Callable[[str], Path]) -> None:
    old, zones = wheel("pandas<2.2.2"), wheel("pytz")
    shutil.rmtree(env.site / "pandas")
    shutil.rmtree(env.find("pandas-*.dist-info"))
    env.unzip(old)
    env.unzip(zones)
    cause = only_cause(env.check(*ALL))
    assert (cause.id, cause.severity) == ("built-for-another-numpy", "broken")
    assert cause.owner == f"pandas {env.version('pandas')}"


def test_fast_math_library_of_a_dependent(env: Environment, compiled: Callable[[str], Path]) -> None:
    if platform.machine() != "x86_64":
        pytest.skip("sets a register of x86-64")
    library = compiled(FLUSH_TO_ZERO)
    info = "quick-1.0.dist-info"
    env.write("quick/__init__.py", f"import ctypes\nctypes.CDLL({str(library)!r})\n")
    env.write(f"{info}/METADATA", "Metadata-Version: 2.1\nName: quick\nVersion: 1.0\n")
    env.write(f"{info}/RECORD", "quick/__init__.py,,\n")
    report = env.check("quick", "pandas")
    cause = only_cause(report)
    assert (cause.id, cause.severity, cause.owner) == ("float-state-changed", "doubtful", "quick 1.0")


FLUSH_TO_ZERO = """
#include <xmmintrin.h>
__attribute__((constructor)) static void set(void) { _mm_setcsr(_mm_getcsr() | 0x8040); }
"""
ROUND_UPWARD = """
#include <fenv.h>
__attribute__((constructor)) static void set(void) { fesetround(FE_UPWARD); }
"""


@pytest.mark.parametrize("source", [FLUSH_TO_ZERO, ROUND_UPWARD], ids=["flush-to-zero", "round-upward"])
@pytest.mark.exhaustive
def test_preloaded_library_that_changes_arithmetic(
    pristine: Environment, compiled: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    if platform.machine() != "x86_64":
        pytest.skip("sets a register of x86-64")
    library = compiled(source)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    cause = only_cause(pristine.check())
    assert (cause.id, cause.severity) == ("loader-variables", "broken")
    assert cause.files == (str(library),)
    assert f"LD_PRELOAD={library}" in cause.evidence


def test_harmless_preloaded_library(
    pristine: Environment, compiled: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_PRELOAD", str(compiled("int harmless;")))
    assert pristine.check().causes == ()
