"""The two locks of one specification, and which records are CUDA's."""

from __future__ import annotations

import pytest

from bootstrap.errors import WrongVariantError
from bootstrap.maintain.lock_check import variant_fault
from bootstrap.maintain.variant import CPU, CUDA, needs_cuda, select
from tests.support.records import lock, record


@pytest.mark.parametrize(
    ("name", "build", "cuda"),
    [
        ("cuda-version", "h0_0", True),
        ("cuda-nvrtc", "h0_0", True),
        ("cudatoolkit", "h0_0", True),
        ("libcublas", "h0_0", True),
        ("libcudnn-dev", "h0_0", True),
        ("cudnn", "h0_0", True),
        ("nccl", "h0_0", True),
        ("pytorch", "cuda129_mkl_py313_h123_300", True),
        ("libtorch", "h123_cuda_300", True),
        ("pytorch", "cpu_mkl_py313_h123_100", False),
        ("numpy", "py313_0", False),
        ("barracuda", "h0_0", False),
        ("barracuda-x", "barracuda_0", False),
        ("cudatoolkit-dev-notes", "h0_0", False),
        ("nccl-tests", "h0_0", False),
    ],
)
def test_which_records_are_cudas(name: str, build: str, cuda: bool) -> None:
    assert needs_cuda(record(name, build=build)) is cuda


WITHOUT = lock(record("pytorch", build="cpu_0"), record("numpy"))
WITH = lock(record("pytorch", build="cuda129_0"), record("nccl"))
HALF = lock(record("pytorch", build="cpu_0"), record("nccl"))
NO_PYTORCH = lock(record("numpy"))


@pytest.mark.parametrize(
    ("found", "variant", "said"),
    [
        (WITHOUT, CPU, None),
        (NO_PYTORCH, CPU, None),
        (WITH, CUDA, None),
        (WITH, CPU, "nccl"),
        (HALF, CPU, "nccl"),
        (WITHOUT, CUDA, "cpu_0"),
        (HALF, CUDA, "cpu_0"),
        (NO_PYTORCH, CUDA, None),
    ],
)
def test_a_lock_for_another_machine(found, variant, said: str | None) -> None:
    fault = variant_fault(found, "linux-64", variant)
    if said is None:
        assert fault is None
    else:
        assert isinstance(fault, WrongVariantError)
        assert said in "\n".join(fault.evidence)


@pytest.mark.parametrize(("name", "meant"), [("cpu", (CPU,)), ("cuda", (CUDA,)), ("all", (CPU, CUDA))])
def test_by_its_name(name: str, meant: tuple) -> None:
    assert select(name) == meant
