"""What stands in foreign files, many times over; tests/unit/diagnosis/test_any_input.py has some of each."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.support.readers import as_tests, path

__all__ = ["path"]

pytestmark = pytest.mark.exhaustive
many = settings(
    max_examples=int(os.environ.get("BOOTSTRAP_SOAK_INPUTS", "4000")),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
test_cells, test_notebooks, test_requirements, test_specifications = as_tests(many)
