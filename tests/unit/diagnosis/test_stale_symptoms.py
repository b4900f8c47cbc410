"""What one sees first, by the pair of versions in memory and on disk."""

from __future__ import annotations

import pytest

from bootstrap.diagnosis.stale_symptoms import first_symptom


@pytest.mark.parametrize(
    ("memory", "disk", "words"),
    [
        ("2.0.2", "2.3.4", "_center"),
        ("2.0.2", "2.1.0", "_center"),
        ("2.3.4", "1.26.4", "numpy.rec"),
        ("2.0.2", "1.26.4", "numpy.rec"),
        ("1.26.4", "2.0.0", "RecursionError"),
        ("2.2.6", "2.3.4", "_slice"),
        ("2.1.0", "2.3.0", "_slice"),
        ("2.3.4", "2.3.5", "within one minor"),
        ("2.0.1", "2.0.2", "within one minor"),
        ("2.3.4", "2.2.6", "not loaded yet"),
        ("1.26.4", "1.25.0", "not loaded yet"),
    ],
)
def test_by_pair(memory: str, disk: str, words: str) -> None:
    assert words in first_symptom(memory, disk)


def test_nothing_where_they_are_the_same() -> None:
    assert first_symptom("2.0.2", "2.0.2") == ""
