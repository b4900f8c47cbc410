"""What a relay's process holds."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from bootstrap.runtime.kernel import resources


@pytest.mark.parametrize(
    "device", ["/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/accel0", "/dev/vfio/0", "/dev/accel/accel0"]
)
def test_open_accelerators_are_found(device: str, tmp_path: Path) -> None:
    for number, target in enumerate(["/dev/null", device, "socket:[1]", "/home/dev/nvidia0"]):
        (tmp_path / str(number)).symlink_to(target)
    assert resources.open_accelerators(tmp_path) == [device]


def test_this_process_has_none_open() -> None:
    assert resources.open_accelerators() == []


def test_private_memory_is_what_was_taken() -> None:
    before = resources.private_memory()
    taken = bytearray(50 << 20)
    taken[::4096] = b"1" * len(taken[::4096])
    assert resources.private_memory() - before >= 50 << 20


def test_what_nothing_refers_to_is_let_go() -> None:
    class Cycle:
        def __init__(self) -> None:
            self.me = self

    found: list[bool] = []
    gc.disable()
    try:
        cycle = Cycle()
        import weakref

        weakref.finalize(cycle, found.append, True)
        del cycle
        resources.let_go()
    finally:
        gc.enable()
    assert found == [True]
