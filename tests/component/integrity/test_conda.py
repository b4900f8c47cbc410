"""A conda prefix: conda-meta and the lock say what numpy should be."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from bootstrap.integrity import Cause, Report, check
from bootstrap.integrity.disk import current_platform
from bootstrap.integrity.record_files import find_distributions
from bootstrap.lock import Channel, Lock, Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.environment import Environment

CHANNEL = "https://example.invalid/channel"
DIGEST = "0" * 64


def adopt(env: Environment) -> None:
    """Make the environment a conda prefix that owns everything in its site folder."""
    meta = env.root / "conda-meta"
    meta.mkdir()
    (meta / "history").write_text("")
    for distribution in find_distributions([env.site]):
        paths = []
        for entry in distribution.record():
            path = env.root / os.path.relpath(distribution.site / entry.path, env.root)
            if path.suffix == ".pyc" or not path.exists():
                continue
            content = path.read_bytes()
            paths.append(
                {
                    "_path": path.relative_to(env.root).as_posix(),
                    "path_type": "hardlink",
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "size_in_bytes": len(content),
                }
            )
        name = distribution.name
        record = {
            "name": name,
            "version": distribution.version,
            "build": "0",
            "subdir": current_platform(),
            "url": f"{CHANNEL}/{current_platform()}/{name}-{distribution.version}-0.conda",
            "sha256": DIGEST,
            "paths_data": {"paths_version": 1, "paths": paths},
        }
        (meta / f"{name}-{distribution.version}-0.json").write_text(json.dumps(record))


def lock_of(env: Environment, tmp_path: Path, **versions: str) -> Lock:
    """A lock of what is installed, with some versions changed."""
    installed = {d.name: d.version for d in find_distributions([env.site])} | versions
    platform = current_platform()
    records = [
        Record(name, version, "conda", platform, f"{CHANNEL}/{platform}/{name}-{version}-0.conda", DIGEST, None)
        for name, version in installed.items()
    ]
    return Lock(
        path=tmp_path / "conda-lock.yml",
        content_hash={},
        channels=(Channel(CHANNEL),),
        platforms=(platform,),
        sources=(),
        records=tuple(records),
        sha256=DIGEST,
    )


@pytest.fixture
def prefix(env: Environment) -> Environment:
    adopt(env)
    return env


def examine(prefix: Environment, lock: Lock | None = None) -> Report:
    return check(prefix.root, lock=lock, imports=["pandas"], timeout=60)


def only_cause(report: Report) -> Cause:
    assert len(report.causes) == 1, [cause.to_dict() for cause in report.causes]
    return report.causes[0]


def test_healthy_prefix(prefix: Environment, tmp_path: Path) -> None:
    assert examine(prefix).causes == ()
    assert examine(prefix, lock_of(prefix, tmp_path)).causes == ()


@pytest.mark.exhaustive
def test_altered_file(prefix: Environment, tmp_path: Path) -> None:
    path = prefix.append("numpy/_core/numeric.py", "# altered")
    cause = only_cause(examine(prefix, lock_of(prefix, tmp_path)))
    assert (cause.id, cause.severity, cause.files) == ("files-altered", "broken", (str(path),))
    assert cause.owner == f"numpy {prefix.version('numpy')}"
    assert f"bootstrap restore --prefix {prefix.root}" in cause.repair


@pytest.mark.exhaustive
def test_altered_file_whose_record_was_edited_too(prefix: Environment) -> None:
    path = prefix.append("numpy/_core/numeric.py", "# altered")
    record = prefix.find("numpy-*.dist-info/RECORD")
    prefix.edit(record, lambda d: d.replace(b"numpy/_core/numeric.py,sha256=", b"numpy/_core/numeric.py,md5="))
    report = examine(prefix)
    assert report.verdict == "broken"
    assert str(path) in only_cause(report).files


@pytest.mark.exhaustive
def test_numpy_replaced_by_pip(prefix: Environment, tmp_path: Path, wheel: Callable[[str], Path]) -> None:
    locked, lock = prefix.version("numpy"), lock_of(prefix, tmp_path)
    shutil.rmtree(prefix.site / "numpy")
    shutil.rmtree(prefix.site / "numpy.libs")
    shutil.rmtree(prefix.find("numpy-*.dist-info"))
    prefix.unzip(wheel("numpy<2.2"))
    for given in (None, lock):
        cause = only_cause(examine(prefix, given))
        assert (cause.id, cause.severity, cause.owner) == ("numpy-replaced", "broken", f"numpy {locked}")


def test_another_numpy_than_locked(prefix: Environment, tmp_path: Path) -> None:
    report = examine(prefix, lock_of(prefix, tmp_path, numpy="1.0.0"))
    cause = only_cause(report)
    assert (cause.id, cause.severity) == ("not-as-locked", "broken")
    assert "1.0.0" in " ".join([cause.summary, *cause.evidence])


@pytest.mark.exhaustive
def test_another_package_than_locked(prefix: Environment, tmp_path: Path) -> None:
    cause = only_cause(examine(prefix, lock_of(prefix, tmp_path, scipy="1.0.0")))
    assert (cause.id, cause.severity) == ("not-as-locked", "doubtful")
    assert cause.owner.startswith("scipy ")


def test_package_that_the_lock_does_not_have(prefix: Environment, tmp_path: Path) -> None:
    meta = {"name": "more", "version": "1", "build": "0", "paths_data": {"paths": []}}
    (prefix.root / "conda-meta" / "more-1-0.json").write_text(json.dumps(meta))
    report = examine(prefix, lock_of(prefix, tmp_path))
    assert report.verdict == "healthy"
    assert [(cause.id, cause.severity) for cause in report.causes] == [("not-locked", "note")]


@pytest.mark.exhaustive
def test_missing_package(prefix: Environment, tmp_path: Path) -> None:
    lock = lock_of(prefix, tmp_path)
    next((prefix.root / "conda-meta").glob("python-dateutil-*.json")).unlink()
    shutil.rmtree(prefix.site / "dateutil")
    shutil.rmtree(prefix.find("python_dateutil-*.dist-info"))
    cause = only_cause(examine(prefix, lock))
    assert (cause.id, cause.severity) == ("not-as-locked", "broken")
    assert cause.owner.startswith("python-dateutil ")
    assert any(line.startswith("import pandas") for line in cause.evidence)
