from __future__ import annotations

from datetime import datetime, timezone

import pytest

from bootstrap.errors import SpecificationError
from bootstrap.maintain.solver import parse_date, satisfies, version_key


@pytest.mark.parametrize(
    ("version", "spec", "expected"),
    [
        ("2.3.4", "", True),
        ("2.3.4", "*", True),
        ("2.3.4", ">=2,<3", True),
        ("1.26.4", ">=2,<3", False),
        ("2.3.4", "2.3.*", True),
        ("2.4.0", "2.3.*", False),
        ("2.3.4", "!=2.3.4", False),
        ("1.5", ">=1.4,<1.5|>=1.5", True),
        ("2.0.0rc1", ">=2.0.0", False),
        ("3.13.0", "3.13.0.*", True),
        ("1.26.4", ">=1.22.4,<2.0a0", True),
        ("2.0", ">=1.22.4,<2.0a0", False),
    ],
)
def test_versions_within_bounds(version: str, spec: str, expected: bool) -> None:
    assert satisfies(version, spec) is expected


@pytest.mark.parametrize(("version", "spec"), [("1.0", ">=>1"), ("not a version", ">=1")])
def test_what_is_no_bound_or_version(version: str, spec: str) -> None:
    with pytest.raises(SpecificationError):
        satisfies(version, spec)


def test_versions_sort_as_condas() -> None:
    mixed = ["2025c", "1!0.1", "1.10", "1.0rc1", "2026a", "1.2", "1.0.post1", "1.0"]
    assert sorted(mixed, key=version_key) == ["1.0rc1", "1.0", "1.0.post1", "1.2", "1.10", "2025c", "2026a", "1!0.1"]


def test_a_day_ends_at_midnight() -> None:
    assert parse_date("2026-08-01") == datetime(2026, 8, 1, 23, 59, 59, tzinfo=timezone.utc)
    assert parse_date("2026-08-01T12:00:00") == datetime(2026, 8, 1, 12, tzinfo=timezone.utc)
    assert parse_date("2026-08-01T12:00:00+02:00") == datetime(2026, 8, 1, 10, tzinfo=timezone.utc)
    with pytest.raises(ValueError, match="isoformat"):
        parse_date("tomorrow")
