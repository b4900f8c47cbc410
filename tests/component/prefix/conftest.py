from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import tiny_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tiny_site.Site]:
    """A site to restore into nothing (``new``), or into an environment that has no weights yet (``update``)."""
    with tiny_site.site(tmp_path) as found:
        if getattr(request, "param", "new") == "update":
            found.restore(found.lock("before.yml", packages=["python", "numpy"]))
        yield found
