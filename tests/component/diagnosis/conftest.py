"""An environment that real pip and uv are asked about: made once, and kept below ``.cache``.

No network after numpy's wheels were fetched once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.component.diagnosis.home import Home, NoWheelError, make_home

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def home() -> Home:
    """An environment with numpy 2.0.2 and what stands on it, and its index. No test may change them."""
    try:
        return make_home()
    except NoWheelError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="package", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Metadata kept by earlier runs decides no test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOOTSTRAP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
