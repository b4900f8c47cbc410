"""Ten thousand messages to a kernel that moves there and back: none is lost, doubled, out of order or cut short."""

from __future__ import annotations

import pytest

from tests.support.kernels import COLABS, LATER, LoneKernel, kernel_python, moving
from tests.support.stress import stress

pytestmark = [pytest.mark.exhaustive, pytest.mark.timeout(3000)]


@pytest.mark.parametrize("transport", ["ipc", "tcp"])
def test_nothing_is_lost(transport: str, capsys: pytest.CaptureFixture[str]) -> None:
    kernel = LoneKernel(kernel_python(COLABS), transport)
    later = kernel_python(LATER)
    try:
        told = stress(kernel, kernel.client, moving(later), moving(later, back=True))
    finally:
        kernel.stop()
    with capsys.disabled():
        print(f"\n{transport}: {told}")
