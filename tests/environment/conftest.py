"""The real environment, made once: the committed specification, locked and restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.whole import Environment


@pytest.fixture(scope="session")
def environment() -> Environment:
    """The real environment. Tests must not change it."""
    # The environment's own Python reads this file, too, for the tests in inside/, and lacks what that needs.
    from tests.support.whole import whole_environment

    return whole_environment()


@pytest.fixture(scope="package", autouse=True)
def _no_network_caches() -> Iterator[None]:
    """Nothing of a user's own Hugging Face set-up may decide a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_DATASETS_OFFLINE", "1")
        yield
