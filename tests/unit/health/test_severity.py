"""How much a damaged file matters."""

from __future__ import annotations

import pytest

from bootstrap.health.model import FileFault
from bootstrap.health.severity import fault_severity, is_code, is_test

# Path, whether code, whether of tests, its weight in a package near numpy, and in another.
FILES = [
    ("/e/numpy/_core/numeric.py", True, False, "broken", "doubtful"),
    ("/e/numpy/_core/_multiarray_umath.cpython-311-x86_64-linux-gnu.so", True, False, "broken", "doubtful"),
    ("/e/numpy.libs/libopenblas.so.0.3", True, False, "broken", "doubtful"),
    ("/e/first.pth", True, False, "broken", "doubtful"),
    ("/e/bin/python3.11", True, False, "broken", "doubtful"),
    ("/e/bin/python", True, False, "broken", "doubtful"),
    ("/e/bin/f2py", False, False, "note", "note"),
    ("/e/lib/python", False, False, "doubtful", "note"),
    ("/e/numpy-2.3.4.dist-info/METADATA", False, False, "doubtful", "note"),
    ("/e/numpy/tests/test_ctypeslib.py", False, True, "note", "note"),
    ("/e/numpy/conftest.py", False, True, "note", "note"),
    ("/e/numpy/test/data.so", False, True, "note", "note"),
    ("/e/numpy/testing/__init__.py", True, False, "broken", "doubtful"),
    ("/e/numpy/tests", False, False, "doubtful", "note"),
]


@pytest.mark.parametrize(("path", "code", "test", "near", "far"), FILES)
def test_weight(path: str, code: bool, test: bool, near: str, far: str) -> None:
    fault = FileFault(path, "some 1", "sha256")
    assert (is_code(path), is_test(path)) == (code, test)
    assert (fault_severity(fault, near=True), fault_severity(fault, near=False)) == (near, far)
