"""Whatever stands in a file, its reader ends with what it read or an error of its own; tests/soak has more."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.support.readers import as_tests, path

__all__ = ["path"]

few = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
test_cells, test_notebooks, test_requirements, test_specifications = as_tests(few)
