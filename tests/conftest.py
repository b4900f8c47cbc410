"""What holds for all tests: their tiers, and what a tier may take for granted."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

# A shell's background job ignores Ctrl-C, and so would every program that a test starts and then interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Compiled once, not in each of a thousand processes: a shell, or an image's, may have it otherwise.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Several tests share the cores; threads that wait for each other take a fifth of a check's time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

TIERS = ("unit", "component", "faults", "colab", "browser", "environment", "soak")
"""The folders of tests, cheapest first; each is a marker, too."""


def tier_of(path: Path) -> str:
    """The folder below tests/ that a file is in."""
    return path.relative_to(ROOT / "tests").parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(tier_of(item.path))
    # Dear ones first: what is left at the end, when there is not enough for all workers, is cheap.
    items.sort(key=lambda item: -TIERS.index(tier_of(item.path)))


@pytest.fixture(autouse=True)
def _variables_end_with_the_test() -> Iterator[None]:
    """Whatever sets environment variables for its own process (the guard does) sets them for one test."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)
