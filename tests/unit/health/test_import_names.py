"""Import names, read from what is installed."""

from __future__ import annotations

import pytest

from bootstrap.health.import_names import choose


@pytest.mark.parametrize(
    ("name", "paths", "expected"),
    [
        ("pytorch-lightning", ["pytorch_lightning/__init__.py", "x-2.0.dist-info/METADATA"], ["pytorch_lightning"]),
        ("pyarrow", ["scripts/__init__.py", "scripts/a.py", "scripts/b.py", "pyarrow/__init__.py"], ["pyarrow"]),
        ("scikit-learn", ["sklearn/__init__.py", "sklearn/base.py", "scikit_learn.libs/libgomp.so.1"], ["sklearn"]),
        ("pytorch", ["functorch/__init__.py", "torch/__init__.py", "torch/a.py", "torchgen/__init__.py"], ["torch"]),
        ("pyyaml", ["_yaml/__init__.py", "yaml/__init__.py", "yaml/a.py"], ["yaml"]),
        ("six", ["six.py", "__pycache__/six.cpython-311.pyc", "six-1.0.dist-info/RECORD"], ["six"]),
        ("google-auth", ["google/auth/__init__.py", "google/auth/a.py", "google/o2/__init__.py"], ["google.auth"]),
        ("ujson", ["ujson.cpython-311-x86_64-linux-gnu.so"], ["ujson"]),
        ("scripts-only", ["../../bin/tool", "scripts_only-1.0.dist-info/RECORD"], []),
    ],
)
def test_choose(name: str, paths: list[str], expected: list[str]) -> None:
    assert choose(name, paths) == expected
