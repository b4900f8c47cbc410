"""A sample of `make soak`: everything of docs/security.md once or a few times."""

from __future__ import annotations

import pytest

from tests.soak.trust import soak

pytestmark = [pytest.mark.exhaustive, pytest.mark.timeout(900)]


def test_a_sample() -> None:
    rows = soak(share=0.02, many=2000, minutes=5.0)
    assert all(row.tried for row in rows)
    assert [complaint for row in rows for complaint in row.complaints] == []
