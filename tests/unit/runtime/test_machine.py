"""What a machine is, and whether the lock runs there."""

from __future__ import annotations

import platform
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap.errors import UnsupportedMachineError
from bootstrap.lock.model import Record
from bootstrap.runtime import machine
from bootstrap.runtime.machine import Machine, Variant, detect, require_fit


def record(glibc: str) -> Record:
    return Record(
        "numpy", "2.0", "conda", "linux-64", "https://x/linux-64/numpy-2.0-0.conda", None, None, {"__glibc": glibc}
    )


@pytest.fixture
def here() -> Machine:
    return detect(notebook=False)


def test_this_machine(here: Machine) -> None:
    assert here.kind == "none"
    assert here.python == platform.python_version()
    assert here.glibc
    assert here.memory > 2**28
    assert here.glibc in str(here)


def test_a_notebook_is_jupyter_or_kaggle(monkeypatch: pytest.MonkeyPatch) -> None:
    assert detect(notebook=True).kind == "jupyter"
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    assert detect(notebook=True).kind == "kaggle"
    assert detect(notebook=False).kind == "none"


@pytest.mark.parametrize("missing", ["", "colab_kernel_launcher", "google/colab"])
def test_colab_is_told_by_what_its_kernels_are_started_with(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("colab_kernel_launcher.py", "google/colab/__init__.py"):
        if not (missing and name.startswith(missing)):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
    (tmp_path / "google").mkdir(exist_ok=True)
    monkeypatch.syspath_prepend(tmp_path)
    for name in [n for n in sys.modules if n == "google" or n.startswith("google.")]:
        monkeypatch.delitem(sys.modules, name)
    assert machine.on_colab() is (missing == "")


@pytest.mark.parametrize("spec", ["", ">=2.17,<3.0.a0", ">=2.2"])
def test_a_lock_that_fits(spec: str, here: Machine) -> None:
    require_fit(here, [record(spec)])


def test_a_c_library_that_is_too_old(here: Machine) -> None:
    with pytest.raises(UnsupportedMachineError) as caught:
        require_fit(replace(here, glibc="2.9"), [record(">=2.17,<3.0.a0")])
    assert caught.value.evidence == ("numpy 2.0 needs glibc 2.17", "this machine has 2.9")


def test_another_c_library(here: Machine) -> None:
    with pytest.raises(UnsupportedMachineError, match="glibc"):
        require_fit(replace(here, glibc=""), [])


def test_another_platform(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(UnsupportedMachineError) as caught:
        require_fit(here, [])
    assert caught.value.evidence == ("Linux aarch64",)


@pytest.mark.parametrize(
    ("driver", "name", "said"),
    [
        (None, "cpu", "no NVIDIA driver"),
        ((12, 4), "cpu", "supports CUDA 12.4, the GPU variant needs 12.8"),
        ((12, 8), "cuda", "supports CUDA 12.8"),
        ((13, 0), "cuda", "supports CUDA 13.0"),
    ],
)
def test_the_variant_follows_from_the_driver(
    driver: tuple[int, int] | None, name: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "driver_cuda_version", lambda: driver)
    chosen = machine.choose_variant()
    assert isinstance(chosen, Variant)
    assert chosen.name == name
    assert said in chosen.reason
