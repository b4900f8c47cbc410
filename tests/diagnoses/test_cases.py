"""Every case is judged rightly, and the culprits are named exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.component.diagnosis.home import NoWheelError, make_home
from tests.diagnoses.cases import CASES, Case
from tests.diagnoses.judge import complaints, judge

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOTSTRAP_CACHE", str(tmp_path / "cache"))
    try:
        home = make_home()
    except NoWheelError as error:
        pytest.skip(str(error))
    (tmp_path / "work").mkdir()
    assert complaints(case, judge(home, case, tmp_path / "work")) == []
