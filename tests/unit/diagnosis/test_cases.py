"""The notebooks of the table: each is judged rightly, and the cell that first moves numpy is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.component.diagnoses.cases import CASES, Case
from tests.unit.diagnosis.built import play

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("case", [c for c in CASES if c.cells and "hosts" not in c.kind], ids=str)
def test_notebook(case: Case, tmp_path: Path) -> None:
    for name, text in case.files.items():
        (tmp_path / name).write_text(text)
    found = play(tmp_path, *case.cells)
    told = [(scene.cell, scene.kind, scene.text, scene.note) for scene in found.scenes]
    assert found.verdict == case.verdict, told
    assert (str(found.left.cell) if found.left else None) == (case.blamed[0] if case.blamed else None), told
