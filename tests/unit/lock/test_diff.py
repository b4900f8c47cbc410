from __future__ import annotations

import pytest
from packaging.version import Version

from bootstrap.lock.diff import compare
from bootstrap.lock.model import Lock, Record
from tests.support.records import lock, record


def differ(old: Lock | None, new: Lock, *explicit: str):
    return compare(old, new, platform="linux-64", explicit=explicit, version_key=Version)


def test_equal_locks_have_no_difference() -> None:
    same = lock(record("numpy"), record("tqdm"))
    found = differ(same, same)
    assert found.changes == ()
    assert found.old_size == found.new_size


def test_a_mirrors_url_is_no_difference() -> None:
    here = record("numpy")
    there = Record(**{**vars(here), "url": here.url.replace("conda.anaconda.org", "mirror.example.net")})
    assert differ(lock(here), lock(there)).changes == ()


@pytest.mark.parametrize(
    ("old", "new", "kind", "level"),
    [
        ("2.3.4", "3.0.0", "upgraded", "major"),
        ("2.3.4", "2.10.0", "upgraded", "minor"),
        ("2.3.4", "2.3.5", "upgraded", "patch"),
        ("2.3", "2.3.1", "upgraded", "patch"),
        ("2.3.4", "2.3.4.post1", "upgraded", "patch"),
        ("2.10.0", "2.9.9", "downgraded", "minor"),
        ("9", "10", "upgraded", "major"),
        ("5.0", "1!2.0", "upgraded", "major"),
        ("1!2.0", "1!2.1", "upgraded", "minor"),
        ("2025c", "2026a", "upgraded", "major"),
    ],
)
def test_versions_are_compared_by_number(old: str, new: str, kind: str, level: str) -> None:
    change = compare(
        lock(record("a", old)),
        lock(record("a", new)),
        platform="linux-64",
        explicit=(),
        version_key=lambda v: Version(v.replace("c", ".3").replace("a", ".1")),
    ).changes[0]
    assert (change.kind, change.level) == (kind, level)


def test_the_same_version_built_anew() -> None:
    change = differ(lock(record("a", build="h0_0")), lock(record("a", build="h1_1"))).changes[0]
    assert (change.kind, change.level) == ("rebuilt", None)


def test_a_file_replaced_under_its_name_counts_as_rebuilt() -> None:
    found = differ(lock(record("a", sha256="1" * 64)), lock(record("a", sha256="2" * 64)))
    assert [c.kind for c in found.changes] == ["rebuilt"]


def test_versions_that_only_look_different_are_rebuilt() -> None:
    assert differ(lock(record("a", "1.0")), lock(record("a", "1.00"))).changes[0].kind == "rebuilt"


def test_added_and_removed() -> None:
    found = differ(lock(record("gone")), lock(record("come")))
    assert [(c.name, c.kind) for c in found.changes] == [("come", "added"), ("gone", "removed")]
    assert found.of("added")[0].old is None
    assert found.of("removed")[0].new is None


def test_numpy_first_then_what_is_named_then_the_rest() -> None:
    new = lock(*(record(n) for n in ("aaa", "tqdm", "numpy", "python", "bbb")))
    found = differ(None, new, "python", "tqdm", "numpy")
    assert [c.name for c in found.changes] == ["numpy", "python", "tqdm", "aaa", "bbb"]
    assert [c.explicit for c in found.changes] == [True, True, True, False, False]


def test_sizes_say_how_many_are_unknown() -> None:
    found = differ(lock(record("a", size=7)), lock(record("a", "2.0", size=9), record("b", size=None)))
    assert (found.old_size.known, found.old_size.unknown) == (7, 0)
    assert (found.new_size.known, found.new_size.unknown, found.new_size.records) == (9, 1, 2)


def test_as_data() -> None:
    data = differ(lock(record("a", "1.0")), lock(record("a", "1.1")), "a").to_dict()
    assert data["schema"] == 1
    assert data["changes"][0]["kind"] == "upgraded"
    assert data["changes"][0]["level"] == "minor"
    assert data["changes"][0]["old"]["version"] == "1.0"
    assert data["new"] == {"records": 1, "bytes": 10, "records_without_size": 0}
