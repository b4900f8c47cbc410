"""`bootstrap lock --check` on the committed locks, and on copies with one thing wrong."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from bootstrap.errors import (
    BoundsError,
    ChannelDriftError,
    DanglingDependencyError,
    LocalPathError,
    LockNotFoundError,
    LockOutdatedError,
    MissingHashError,
    PlatformNotLockedError,
    RequiredPackageError,
    SizeBudgetError,
    SpecificationError,
    SpecifiedPackageError,
    WrongSubdirError,
    WrongVariantError,
)
from bootstrap.lock.reader import read_lock
from bootstrap.maintain.lock_check import variant_fault
from bootstrap.maintain.variant import CPU, CUDA, needs_cuda
from tests.support import ROOT
from tests.support.project import Project, edit, entry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest.importorskip("conda_lock.content_hash")

KEYS = {"linux-64", "md5", "sha256"}
FILES = (
    "environment.yml",
    "virtual-packages.yml",
    "virtual-packages-cuda.yml",
    "conda-lock.yml",
    "conda-lock-cuda.yml",
)


@pytest.fixture
def committed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Project:
    """A copy of what is committed."""
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    return Project(tmp_path, capsys)


def test_the_committed_locks_are_sound(committed: Project) -> None:
    result = committed.check()
    assert result.error is None
    assert result.out.count(": sound, ") == 2


def test_as_json(committed: Project) -> None:
    result = committed.run("lock", "--check", "--file", str(committed.specification), "--json")
    assert [lock["variant"] for lock in json.loads(result.out)["locks"]] == ["cpu", "cuda"]


def test_a_comment_does_not_outdate_the_lock(committed: Project) -> None:
    edit(committed.specification, lambda t: f"# Another comment.\n{t}")
    assert committed.check().error is None


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("environment.yml", "numpy >=2.0,<3", "numpy >=2.1,<3"),
        ("environment.yml", "  - rich\n", ""),
        ("virtual-packages.yml", '"2.35"', '"2.28"'),
    ],
)
def test_a_changed_specification_outdates_the_lock(committed: Project, name: str, old: str, new: str) -> None:
    edit(committed.root / name, lambda t: t.replace(old, new))
    assert isinstance(committed.check("--variant", "cpu").error, LockOutdatedError)


def test_all_faults_are_told_at_once(committed: Project) -> None:
    edit(
        committed.specification, lambda t: t.replace("numpy >=2.0,<3", "numpy >=2.0,<2.1").replace("- rich", "- poor")
    )
    error = committed.check("--variant", "cpu").error
    assert isinstance(error, LockOutdatedError)
    told = "\n".join(error.evidence)
    assert "also specified-package (71)" in told
    assert "missing: poor" in told
    assert "numpy 2.5.2 is not within numpy >=2.0,<2.1" in told


def test_a_missing_lock(committed: Project) -> None:
    (committed.root / "conda-lock-cuda.yml").unlink()
    assert isinstance(committed.check().error, LockNotFoundError)


def test_a_missing_specification(committed: Project) -> None:
    committed.specification.unlink()
    assert isinstance(committed.check().error, SpecificationError)


def test_without_files_of_virtual_packages_the_included_ones_count(committed: Project) -> None:
    for name in ("virtual-packages.yml", "virtual-packages-cuda.yml"):
        (committed.root / name).unlink()
    assert committed.check().code == 0


def test_locks_in_each_others_place(committed: Project) -> None:
    shutil.copy(ROOT / "conda-lock.yml", committed.root / "conda-lock-cuda.yml")
    found = committed.check("--variant", "cuda").error
    assert isinstance(found, LockOutdatedError)
    assert "doesn't hold a CUDA build of pytorch" in "\n".join(found.evidence)
    shutil.copy(ROOT / "conda-lock-cuda.yml", committed.root / "conda-lock.yml")
    found = committed.check("--variant", "cpu").error
    assert found is not None
    assert "holds CUDA packages" in "\n".join(found.evidence)


def test_which_records_are_cudas() -> None:
    cpu, cuda = (read_lock(ROOT / v.lock_name) for v in (CPU, CUDA))
    assert not [r.name for r in cpu.records if needs_cuda(r)]
    found = {r.name for r in cuda.records if needs_cuda(r)}
    assert {"pytorch", "libtorch", "libcublas", "libcudnn", "nccl", "cuda-version", "cuda-nvrtc"} <= found
    assert isinstance(variant_fault(cuda, "linux-64", CPU), WrongVariantError)
    assert isinstance(variant_fault(cpu, "linux-64", CUDA), WrongVariantError)


def _fault(committed: Project, change: Callable[[str], str]) -> Exception | None:
    edit(committed.lock_path(), change)
    return committed.check("--variant", "cpu").error


def test_numpy_outside_a_dependents_bound(committed: Project) -> None:
    def older(text: str) -> str:
        numpy = entry(text, "numpy")
        return text.replace(numpy, numpy.replace("2.5.2", "1.26.4"))

    found = _fault(committed, older)
    assert isinstance(found, SpecifiedPackageError)
    told = "\n".join(found.evidence)
    assert "also bounds (73)" in told
    assert re.search(r"needs numpy .*, locked is 1\.26\.4", told)


def test_another_package_outside_a_bound(committed: Project) -> None:
    def older(text: str) -> str:
        old = entry(text, "pyarrow")
        return text.replace(old, re.sub(r"24\.0\.0", "14.0.0", old))

    found = _fault(committed, older)
    assert isinstance(found, BoundsError)
    assert "datasets" in "\n".join(found.evidence)


def test_a_record_removed_by_hand(committed: Project) -> None:
    found = _fault(committed, lambda t: t.replace(entry(t, "libblas"), ""))
    assert isinstance(found, DanglingDependencyError)


def test_a_required_package_removed_with_all_that_needs_it(committed: Project) -> None:
    def without(text: str) -> str:
        for name in (r.name for r in read_lock(ROOT / "conda-lock.yml").records if "numpy" in r.depends):
            text = text.replace(entry(text, name), "")
        text = text.replace(entry(text, "numpy"), "")
        names = set(re.findall(r"^- name: (.*)$", text, re.MULTILINE))
        line = re.compile(r"^    ([\w.-]+): .*\n", re.MULTILINE)
        text = line.sub(lambda m: m[0] if m[1] in names or m[1] in KEYS else "", text)
        return re.sub(r"^  dependencies:\n(?!    )", "  dependencies: {}\n", text, flags=re.MULTILINE)

    assert isinstance(_fault(committed, without), RequiredPackageError)


def test_a_record_of_another_platform(committed: Project) -> None:
    found = _fault(committed, lambda t: t.replace("conda-forge/linux-64/numpy-", "conda-forge/osx-64/numpy-"))
    assert isinstance(found, WrongSubdirError)


def test_a_platform_that_is_not_locked(committed: Project) -> None:
    edit(committed.specification, lambda t: t.replace("- linux-64", "- linux-aarch64"))
    assert isinstance(committed.check("--variant", "cpu").error, PlatformNotLockedError)


def test_a_record_without_sha256(committed: Project) -> None:
    found = _fault(
        committed, lambda t: t.replace(entry(t, "numpy"), re.sub(r"    sha256: .*\n", "", entry(t, "numpy")))
    )
    assert isinstance(found, MissingHashError)


def test_a_lock_made_from_a_local_channel(committed: Project) -> None:
    local = "file:///srv/channel"
    found = _fault(
        committed,
        lambda t: t.replace("https://conda.anaconda.org/conda-forge", local).replace(
            "url: conda-forge", f"url: {local}"
        ),
    )
    assert isinstance(found, ChannelDriftError)
    assert "also local-path (75)" in "\n".join(found.evidence)


def test_a_source_outside_the_repository(committed: Project) -> None:
    found = _fault(committed, lambda t: t.replace("  - environment.yml", "  - ../../elsewhere/environment.yml"))
    assert isinstance(found, LocalPathError)


def test_archives_over_the_budget(committed: Project) -> None:
    found = _fault(committed, lambda t: t.replace("  # size: ", "  # size: 9"))
    assert isinstance(found, SizeBudgetError)


def test_the_budgets_are_near_the_committed_sizes(committed: Project) -> None:
    for variant in (CPU, CUDA):
        total = sum(r.size or 0 for r in read_lock(committed.lock_path(variant.lock_name)).records)
        assert 0.75 * variant.budget < total <= variant.budget
