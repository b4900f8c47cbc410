"""What came of the faults so far, for the tests that count; and for which Pythons there are faults."""

from __future__ import annotations

import multiprocessing
import os
import sys
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.faults import trial
from tests.faults.trial import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The versions of numpy that are put over each other all have wheels for these Pythons only."""
    if not (3, 10) <= sys.version_info[:2] <= (3, 12):
        for item in items:
            if "tests/faults" in str(item.path):
                item.add_marker(pytest.mark.skip(reason="numpy 1.26, 2.0 and 2.3 need Python 3.10 to 3.12"))


@pytest.fixture(scope="session")
def outcomes() -> list[Outcome]:
    """Every outcome of this session, in order."""
    return []


@pytest.fixture(scope="session")
def trials(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Outcome]]]:
    """The outcome to come of each fault that this session asks for, as many at a time as there are cores."""
    asked = (getattr(item, "callspec", None) for item in request.session.items)
    wanted = [str(call.params["fault"]) for call in asked if call is not None and "fault" in call.params]
    trial.prepare()
    # Each changes its process's environment variables; a fresh process also has no threads of pytest's.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        yield {name: pool.submit(trial.run_by_name, name, str(tmp_path_factory.mktemp("fault"))) for name in wanted}
        pool.shutdown(cancel_futures=True)
