"""A conda prefix: conda-meta and the lock say what numpy should be."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from bootstrap.errors import RepairLockMissingError
from bootstrap.health import Cause, Report, check
from bootstrap.health.record_files import file_sha256, find_distributions
from tests.support.records import lock, path_entry, record, write_meta

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bootstrap.lock import Lock, Record
    from tests.support.environment import Environment


def record_of(name: str, version: str) -> Record:
    return record(name, version, "0")


def adopt(env: Environment) -> None:
    """Make the environment a conda prefix that owns everything in its site folder."""
    for distribution in find_distributions([env.site]):
        entries = []
        for entry in distribution.record():
            path = env.root / os.path.relpath(distribution.site / entry.path, env.root)
            if path.suffix != ".pyc" and path.exists():
                size = path.stat().st_size
                digest = file_sha256(path)
                name = path.relative_to(env.root).as_posix()
                entries.append({**path_entry(name, ""), "sha256": digest, "size_in_bytes": size})
        write_meta(env.root, record_of(distribution.name, distribution.version), entries)
    (env.root / "conda-meta" / "history").touch()


def lock_of(env: Environment, **versions: str) -> Lock:
    """A lock of what is installed, with some versions changed."""
    installed = {d.name: d.version for d in find_distributions([env.site])} | versions
    records = [record_of(name, version) for name, version in installed.items()]
    return lock(*records)


@pytest.fixture
def prefix(env: Environment) -> Environment:
    adopt(env)
    return env


def examine(prefix: Environment, wanted: Lock | None = None) -> Report:
    return check(prefix.root, lock=wanted, imports=["pandas"], timeout=60)


def only_cause(report: Report) -> Cause:
    assert len(report.causes) == 1, [cause.to_dict() for cause in report.causes]
    return report.causes[0]


def test_healthy_prefix(prefix: Environment) -> None:
    assert examine(prefix).causes == ()
    assert examine(prefix, lock_of(prefix)).causes == ()


@pytest.mark.exhaustive
def test_altered_file(prefix: Environment) -> None:
    path = prefix.append("numpy/_core/numeric.py", "# altered")
    cause = only_cause(examine(prefix, lock_of(prefix)))
    assert (cause.id, cause.severity, cause.files) == ("files-altered", "broken", (str(path),))
    assert cause.owner == f"numpy {prefix.version('numpy')}"
    assert f"bootstrap restore --prefix {prefix.root}" in cause.repair


@pytest.mark.exhaustive
def test_where_no_lock_stands_behind_it_nothing_is_moved(prefix: Environment) -> None:
    """Somebody else's environment: conda's command is advised, and a repair that can't be finished hasn't begun."""
    prefix.append("numpy/_core/numeric.py", "# altered")
    left = prefix.write("numpy/_core/left.py", "left = True\n")
    report = examine(prefix)
    assert {cause.id for cause in report.causes} == {"files-altered", "extra-files"}
    with pytest.raises(RepairLockMissingError) as caught:
        report.repair()
    assert caught.value.hint.startswith(f"Run `conda install --prefix {prefix.root} --force-reinstall numpy=")
    assert left.exists()


@pytest.mark.exhaustive
def test_altered_file_whose_record_was_edited_too(prefix: Environment) -> None:
    path = prefix.append("numpy/_core/numeric.py", "# altered")
    record = prefix.find("numpy-*.dist-info/RECORD")
    prefix.edit(record, lambda d: d.replace(b"numpy/_core/numeric.py,sha256=", b"numpy/_core/numeric.py,md5="))
    report = examine(prefix)
    assert report.verdict == "broken"
    assert str(path) in only_cause(report).files


@pytest.mark.exhaustive
def test_numpy_replaced_by_pip(prefix: Environment, wheel: Callable[[str], Path]) -> None:
    locked, wanted = prefix.version("numpy"), lock_of(prefix)
    shutil.rmtree(prefix.site / "numpy")
    shutil.rmtree(prefix.site / "numpy.libs")
    shutil.rmtree(prefix.find("numpy-*.dist-info"))
    prefix.unzip(wheel("numpy<2.2"))
    for given in (None, wanted):
        cause = only_cause(examine(prefix, given))
        assert (cause.id, cause.severity, cause.owner) == ("numpy-replaced", "broken", f"numpy {locked}")


def test_another_numpy_than_locked(prefix: Environment) -> None:
    report = examine(prefix, lock_of(prefix, numpy="1.0.0"))
    cause = only_cause(report)
    assert (cause.id, cause.severity) == ("not-as-locked", "broken")
    assert "1.0.0" in " ".join([cause.summary, *cause.evidence])


@pytest.mark.exhaustive
def test_another_package_than_locked(prefix: Environment) -> None:
    cause = only_cause(examine(prefix, lock_of(prefix, scipy="1.0.0")))
    assert (cause.id, cause.severity) == ("not-as-locked", "doubtful")
    assert cause.owner.startswith("scipy ")


def test_package_that_the_lock_does_not_have(prefix: Environment) -> None:
    meta = {"name": "more", "version": "1", "build": "0", "paths_data": {"paths": []}}
    (prefix.root / "conda-meta" / "more-1-0.json").write_text(json.dumps(meta))
    report = examine(prefix, lock_of(prefix))
    assert report.verdict == "ok"
    assert [(cause.id, cause.severity) for cause in report.causes] == [("not-locked", "note")]


@pytest.mark.exhaustive
def test_missing_package(prefix: Environment) -> None:
    wanted = lock_of(prefix)
    next((prefix.root / "conda-meta").glob("python-dateutil-*.json")).unlink()
    shutil.rmtree(prefix.site / "dateutil")
    shutil.rmtree(prefix.find("python_dateutil-*.dist-info"))
    cause = only_cause(examine(prefix, wanted))
    assert (cause.id, cause.severity) == ("not-as-locked", "broken")
    assert cause.owner.startswith("python-dateutil ")
    assert any(line.startswith("import pandas") for line in cause.evidence)
