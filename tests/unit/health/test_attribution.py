"""From findings to causes: each cause of the handbook, and what belongs to which."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bootstrap.health.attribution import attribute, unexplained
from bootstrap.health.model import RecordFault
from tests.support import ROOT
from tests.unit.health import test_symptoms
from tests.unit.health.conftest import PANDAS, Built
from tests.unit.health.rules import test_compatibility, test_environment, test_files, test_numpy, test_process

if TYPE_CHECKING:
    from pathlib import Path

ELSEWHERE = {"guard-off", "guard-undone", "python-does-not-start"}
"""Causes that are not judged from facts: the guard's, and an interpreter that can't be asked for any."""


def test_every_cause_of_the_handbook_has_a_case() -> None:
    page = (ROOT / "docs" / "check.md").read_text().partition("## The causes")[2].partition("\n## ")[0]
    told = {
        name for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in re.findall(r"`([\w-]+)`", row)
    }
    tables = (test_files, test_numpy, test_compatibility, test_environment, test_process, test_symptoms)
    assert {one.id for table in tables for one in table.CASES} | ELSEWHERE == told


def test_a_cause_is_as_severe_as_what_follows_from_it(built: Built) -> None:
    built.damage("more/code.py", owner="more 1")
    assert [cause.severity for cause in attribute(built.facts)] == ["doubtful"]
    built.dependent("import more", "fail", "SyntaxError")
    (cause,) = attribute(built.facts)
    assert (cause.severity, cause.evidence[-1]) == ("broken", "import more: SyntaxError")


def test_the_worst_comes_first(built: Built) -> None:
    built.write(built.site / "numpy.py")
    built.damage("more/data.bin", owner="more 1")
    built.install("captum", "1", "numpy<2")
    built.probe("blas", "fail", "wrong")
    found = [(cause.id, cause.severity) for cause in attribute(built.facts)]
    assert found == [
        ("numpy-wrong-answers", "broken"),
        ("numpy-out-of-bounds", "doubtful"),
        ("numpy-namesake", "note"),
        ("files-altered", "note"),
    ]


def test_two_faults_are_two_causes_each_with_its_own(built: Built) -> None:
    built.damage("numpy/_core/numeric.py")
    built.damage("pandas/core/frame.py", owner=PANDAS)
    built.probe("numpy-import", "pass", file=str(built.site / "numpy/__init__.py"), version="2.3.4")
    built.probe("blas", "fail", "wrong product")
    built.dependent("import pandas", "fail", "SyntaxError")
    causes = {cause.owner.split(" ")[0]: cause.evidence for cause in attribute(built.facts)}
    assert causes["numpy"][-1] == "blas: wrong product"
    assert causes["pandas"][-1] == "import pandas: SyntaxError"


def test_what_an_experiment_has_shown_comes_before_what_could_explain_it(built: Built) -> None:
    built.damage("pandas/data.txt", owner=PANDAS)
    built.dependent("import pandas", "fail", "OSError")
    built.set(loader={"LD_PRELOAD": "/l.so"}, without={"loader": frozenset({"import pandas"})})
    causes = {cause.id: cause.evidence for cause in attribute(built.facts)}
    assert "import pandas: OSError" in causes["loader-variables"]
    assert "import pandas: OSError" not in causes["files-altered"]


@pytest.mark.parametrize("first", ["import pandas", "import pyarrow"])
def test_what_fails_through_another_package_comes_after_it(built: Built, first: str) -> None:
    """pandas imports pyarrow, which nothing on disk explains: that is one cause, and it is pyarrow's."""
    failed = {"traceback": [f"{built.site}/pyarrow/__init__.py"]}
    for name in sorted(["import pandas", "import pyarrow"], key=lambda name: name != first):
        built.dependent(name, "fail", "ImportError", **failed)
    (cause,) = attribute(built.facts)
    assert cause.id == "import-fails"
    assert cause.owner == "pyarrow"
    assert len(cause.evidence) == 2


def test_a_bound_of_one_package_is_no_evidence_against_another(built: Built) -> None:
    built.install("captum", "0.8.0", "numpy<2")
    built.dependent("import pandas", "fail", "ImportError: numpy.core.multiarray failed to import")
    owners = {cause.id: cause.owner for cause in attribute(built.facts)}
    assert owners == {"built-for-another-numpy": PANDAS, "numpy-out-of-bounds": "captum 0.8.0"}


def test_several_failures_of_numpy_are_one_cause(built: Built) -> None:
    built.probe("blas", "fail", "wrong product")
    built.probe("numpy-modules", "fail", "no numpy.rec")
    (cause,) = attribute(built.facts)
    assert cause.id == "numpy-wrong-answers"
    assert {line.split(":")[0] for line in cause.evidence} == {"blas", "numpy-modules"}


def test_evidence_is_told_once(tmp_path: Path) -> None:
    built = Built(tmp_path, conda=True)
    built.on_disk(records=(RecordFault("numpy", "build", "2.3.4 a", "2.3.4 b"),) * 2)
    built.probe("blas", "fail", "wrong", "wrong")
    assert [cause.evidence for cause in attribute(built.facts)] == [("blas: wrong",), ()]


def test_what_has_to_be_asked_again(built: Built) -> None:
    assert unexplained(built.facts) == []
    built.probe("blas", "fail", "wrong")
    built.dependent("import pandas", "fail", "SyntaxError")
    assert unexplained(built.facts) == ["blas", "import pandas"]
    built.damage("pandas/core/frame.py", owner=PANDAS)
    assert unexplained(built.facts) == ["blas"]
    built.damage("numpy/_core/numeric.py")
    assert unexplained(built.facts) == []
