"""Ten thousand messages on the Colab machine; tests/soak has the same without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.kernels import moving
from tests.support.stress import stress

from .conftest import cell

if TYPE_CHECKING:
    from tests.support.colab import ColabRoot

pytestmark = [pytest.mark.exhaustive, pytest.mark.timeout(3000)]
ENTRY = ["/opt/conda/share/condacolab-bootstrap/kernel"]


def test_nothing_is_lost(colab: ColabRoot, capsys: pytest.CaptureFixture[str]) -> None:
    kernel = colab.kernel()
    kernel.execute(cell(), timeout=300).require()
    there, back = moving(ENTRY), moving(ENTRY, back=True)
    kernel.execute(back).require()
    assert kernel.execute("import sys; sys.executable").text == "'/usr/bin/python3'"
    told = stress(kernel, kernel.client, there, back)
    assert kernel.restarts == 0
    with capsys.disabled():
        print(f"\n{told}")
