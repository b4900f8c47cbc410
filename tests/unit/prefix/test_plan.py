"""From a comparison to what has to be done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootstrap.prefix import plan
from bootstrap.prefix.compare import Comparison, RecordChange
from bootstrap.prefix.file_check import AlteredFile
from bootstrap.prefix.records import BadRecord, InstalledRecord
from tests.support.records import record

if TYPE_CHECKING:
    from bootstrap.lock import Record

PYTHON, NUMPY, TOOL, LIB = (
    record("python", "3.13.1", subdir="linux-64"),
    record("numpy", "2.3.4", subdir="linux-64"),
    record("tool"),
    record("libfoo", subdir="linux-64"),
)
LOCKED = (PYTHON, NUMPY, TOOL, LIB)


def installed(package: Record, version: str = "") -> InstalledRecord:
    version = version or package.version
    return InstalledRecord(package.name, version, package.build, package.subdir, "", package.sha256, (), Path("x"))


def unreadable(package: Record) -> BadRecord:
    return BadRecord(Path(f"env/conda-meta/{package.stem}.json"), "ValueError")


NEW = Comparison(missing=LOCKED)
MISSING = Comparison(missing=(TOOL,))
NEWER = Comparison(changed=(RecordChange(installed(NUMPY, "2.0.2"), NUMPY),))
NEXT_PYTHON = Comparison(changed=(RecordChange(installed(PYTHON, "3.12.9"), PYTHON),))
SAME_PYTHON = Comparison(changed=(RecordChange(installed(PYTHON, "3.13.0"), PYTHON),))
EXTRA = Comparison(extra=(installed(LIB),))
ALTERED = Comparison(altered=(AlteredFile("lib/x", "numpy 2.3.4", "sha256"), AlteredFile("y", "numpy 2.3.4", "size")))
OVERLAID = Comparison(overlaid=(AlteredFile("site/tool-2.dist-info", "tool 1.0", "foreign"),))
BROKEN = Comparison(unreadable=(unreadable(LIB),))


@pytest.mark.parametrize(
    ("before", "action"),
    [
        (Comparison(), "unchanged"),
        (ALTERED, "repaired"),
        (OVERLAID, "repaired"),
        (MISSING, "updated"),
        (NEWER, "updated"),
        (EXTRA, "updated"),
        (BROKEN, "updated"),
        (Comparison(altered=ALTERED.altered, extra=EXTRA.extra), "updated"),
    ],
)
def test_what_it_is_called(before: Comparison, action: str) -> None:
    assert plan.action(before) == action


@pytest.mark.parametrize(
    ("before", "names"),
    [
        (NEW, ["python", "numpy", "tool", "libfoo"]),
        (Comparison(), []),
        (MISSING, ["tool"]),
        (NEWER, ["numpy"]),
        (EXTRA, []),
        (ALTERED, ["numpy"]),
        (OVERLAID, ["tool"]),
        (BROKEN, ["libfoo"]),
        (SAME_PYTHON, ["python"]),
        (NEXT_PYTHON, ["python", "tool"]),
    ],
)
def test_what_is_installed(before: Comparison, names: list[str]) -> None:
    assert [r.name for r in plan.to_install(before, LOCKED)] == names


@pytest.mark.parametrize(
    ("before", "names"),
    [(NEW, []), (MISSING, []), (ALTERED, ["numpy"]), (OVERLAID, ["tool"]), (NEWER, [])],
)
def test_what_is_installed_again_in_the_same_version(before: Comparison, names: list[str]) -> None:
    assert plan.to_reinstall(before) == names


@pytest.mark.parametrize(
    ("before", "gone"),
    [
        (NEW, []),
        (MISSING, []),
        (EXTRA, ["libfoo 1.0"]),
        (NEWER, ["numpy 2.0.2"]),
        (ALTERED, []),
    ],
)
def test_what_goes(before: Comparison, gone: list[str]) -> None:
    assert [str(r) for r in plan.to_remove(before)] == gone
