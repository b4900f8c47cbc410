"""A case of each kind is judged rightly, and the culprits are named exactly.

`python -m tests.component.diagnoses.table` asks them all; `tests/unit/diagnosis/test_cases.py` asks a small resolver
about all notebooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.component.diagnoses.cases import CASES, Case
from tests.component.diagnoses.judge import complaints, judge
from tests.component.diagnosis.home import NoWheelError, make_home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", {case.kind: case for case in reversed(CASES)}.values(), ids=str)
def test_case(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOTSTRAP_CACHE", str(tmp_path / "cache"))
    try:
        home = make_home()
    except NoWheelError as error:
        pytest.skip(str(error))
    (tmp_path / "work").mkdir()
    assert complaints(case, judge(home, case, tmp_path / "work")) == []
