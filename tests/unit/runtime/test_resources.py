"""What a relay's process holds."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

from bootstrap.runtime.kernel import resources


@pytest.mark.parametrize(
    "device", ["/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/accel0", "/dev/vfio/0", "/dev/accel/accel0"]
)
def test_open_devices_are_found(device: str, tmp_path: Path) -> None:
    for number, target in enumerate(["/dev/null", device, "socket:[1]", "/home/dev/nvidia0"]):
        (tmp_path / str(number)).symlink_to(target)
    assert resources.open_devices(tmp_path) == [device]


def test_this_process_has_none_open() -> None:
    assert resources.open_devices() == []


class Driver:
    """As much of NVIDIA's libcuda as is asked: two GPUs, of which one may have a context."""

    def __init__(self, *, active: bool = False, current: int = 0, error: int = 0) -> None:
        self._active, self._current, self._error = active, current, error

    def cuInit(self, _flags: int) -> int:  # noqa: N802 -- the driver's names
        return self._error

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802
        count._obj.value = 2
        return 0

    def cuDevicePrimaryCtxGetState(self, device: int, _flags: Any, active: Any) -> int:  # noqa: N802
        active._obj.value = int(self._active and device == 1)
        return 0

    def cuCtxGetCurrent(self, current: Any) -> int:  # noqa: N802
        current._obj.value = self._current
        return 0


@pytest.mark.parametrize(
    ("driver", "held"),
    [
        pytest.param(Driver(), [], id="asked-only"),
        pytest.param(Driver(active=True), ["/dev/nvidia0"], id="a-context"),
        pytest.param(Driver(current=1), ["/dev/nvidia0"], id="a-context-of-its-own"),
        pytest.param(Driver(error=999), ["/dev/nvidia0"], id="the-driver-fails"),
    ],
)
def test_a_gpu_is_held_by_a_context_only(driver: Driver, held: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources.ctypes, "CDLL", lambda _name: driver)
    monkeypatch.setattr(resources, "open_devices", lambda: ["/dev/nvidia0", "/dev/vfio/0"])
    assert resources.held_accelerators() == [*held, "/dev/vfio/0"]


def test_no_driver_is_no_context() -> None:
    assert not resources.has_cuda_context("libcuda-is-not-there.so")


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
