"""The real environment, made once: the committed specification, locked and restored."""

from __future__ import annotations

import os

import pytest

from tests.support.whole import Environment, whole_environment


@pytest.fixture(scope="session")
def environment() -> Environment:
    """The real environment. Tests must not change it."""
    return whole_environment()


@pytest.fixture(scope="session", autouse=True)
def _no_network_caches() -> None:
    """Nothing of a user's own Hugging Face set-up may decide a test."""
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1")
