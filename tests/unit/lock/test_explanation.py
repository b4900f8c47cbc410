"""What a lock holds, and why each package is in it."""

from __future__ import annotations

import pytest

from bootstrap.errors import RequiredPackageError
from bootstrap.lock.explanation import Explanation, explain
from tests.support.records import lock, record


def needing(name: str, *depends: str, size: int | None = 10):
    return record(name, size=size, depends=dict.fromkeys(depends, ">=1"))


RECORDS = (
    needing("app", "numpy", "middle", size=30),
    needing("tool", "middle"),
    needing("middle", "numpy", "python", "__glibc", size=None),
    needing("numpy", "python", size=20),
    needing("python"),
)


def explained(package: str | None = None) -> Explanation:
    return explain(lock(*RECORDS), RECORDS, "linux-64", package)


def test_in_figures() -> None:
    found = explained()
    assert [r.name for r in found.roots] == ["app", "tool"]
    assert (found.bytes_known, found.sizes_unknown) == (70, 1)
    assert [r.name for r in found.largest[:2]] == ["app", "numpy"]
    assert len(found.largest) == 5
    assert (found.version("numpy"), found.version("nunpy")) == ("1.0", None)
    assert found.channels == ("https://conda.anaconda.org/conda-forge",)
    assert found.to_dict()["packages"] == 5
    assert found.to_dict()["why"] is None


@pytest.mark.parametrize(
    ("package", "needed_by", "path"),
    [
        ("app", [], ("app",)),
        ("middle", ["app", "tool"], ("app", "middle")),
        ("numpy", ["app", "middle"], ("app", "numpy")),
        ("python", ["middle", "numpy"], ("app", "numpy", "python")),
    ],
)
def test_why(package: str, needed_by: list[str], path: tuple[str, ...]) -> None:
    why = explained(package).why
    assert why
    assert why.needed_by == tuple((name, ">=1") for name in needed_by)
    assert why.path == path, "the shortest"
    assert why.to_dict()["path"] == list(path)


def test_packages_that_need_each_other_have_a_way_all_the_same() -> None:
    circle = (needing("pip", "python"), needing("python", "pip"))
    why = explain(lock(*circle), circle, "linux-64", "pip").why
    assert why
    assert why.path == ("pip",)


def test_a_package_that_is_not_there() -> None:
    with pytest.raises(RequiredPackageError, match="nunpy"):
        explained("nunpy")
