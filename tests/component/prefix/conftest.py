from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import tiny_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tiny_site.Site]:
    with tiny_site.site(tmp_path) as found:
        yield found
