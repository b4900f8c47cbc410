"""What a lock was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootstrap.lock.requested import requested, roots
from tests.support.records import lock, record

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = (
    record("python", depends={"pip": ""}),
    record("pip", depends={"python": ""}),
    record("numpy", depends={"python": ">=3.13", "__glibc": ""}),
    record("tool", depends={"numpy": ""}),
)


def specified(folder: Path, text: str) -> dict[str, str]:
    (folder / "environment.yml").write_text(text)
    return requested(lock(*RECORDS, path=folder / "conda-lock.yml"), RECORDS)


def test_the_specifications_own_words(tmp_path: Path) -> None:
    text = "dependencies:\n  - Python >=3.11,<3.14\n  - conda-forge::numpy=2  # why\n  - tool\n  - pip: [x]\n"
    assert specified(tmp_path, text) == {
        "python": "Python >=3.11,<3.14",
        "numpy": "conda-forge::numpy=2",
        "tool": "tool",
    }


@pytest.mark.parametrize(
    "text",
    ["dependencies:\n  - other\n  - numpy\n", "dependencies: []\n", "[", "a: 1\n", "dependencies: 3\n", "- x\n"],
)
def test_another_specification_is_none(tmp_path: Path, text: str) -> None:
    assert specified(tmp_path, text) == {"tool": "tool"}


def test_without_one_what_no_other_needs(tmp_path: Path) -> None:
    assert requested(lock(*RECORDS, path=tmp_path / "conda-lock.yml"), RECORDS) == {"tool": "tool"}


def test_of_a_cycle_that_nothing_else_needs_one() -> None:
    assert roots(RECORDS[:2]) == ["python"]
    assert roots([*RECORDS[:2], record("alone")]) == ["alone", "python"]
