"""For which Pythons there are faults."""

from __future__ import annotations

import sys

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The versions of numpy that are put over each other all have wheels for these Pythons only."""
    if not (3, 10) <= sys.version_info[:2] <= (3, 12):
        for item in items:
            if "tests/faults" in str(item.path):
                item.add_marker(pytest.mark.skip(reason="numpy 1.26, 2.0 and 2.3 need Python 3.10 to 3.12"))
