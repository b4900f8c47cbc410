"""Reading: the same as conda-lock's own parser on every field, and a clear fault with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from conda_lock.lockfile import parse_conda_lock_file

from bootstrap.errors import DuplicateRecordError, LockNotFoundError, LockSyntaxError, LockVersionError
from bootstrap.lock import Lock, read_lock
from tests.support import ROOT, locks


def as_conda_lock_reads(path: Path) -> dict[tuple[str, str, str], dict[str, object]]:
    return {
        (p.manager, p.name, p.platform): {
            "version": p.version,
            "url": p.url,
            "md5": p.hash.md5,
            "sha256": p.hash.sha256,
            "depends": dict(p.dependencies),
            "categories": tuple(sorted(p.categories)),
            "build": p.build,
        }
        for p in parse_conda_lock_file(path).package
    }


def as_we_read(lock: Lock) -> dict[tuple[str, str, str], dict[str, object]]:
    return {
        (r.manager, r.name, r.platform): {
            "version": r.version,
            "url": r.url,
            "md5": r.md5,
            "sha256": r.sha256,
            "depends": dict(r.depends),
            "categories": r.categories,
            "build": r.locked_build,
        }
        for r in lock.records
    }


def assert_agrees_with_conda_lock(path: Path) -> Lock:
    lock = read_lock(path)
    assert as_we_read(lock) == as_conda_lock_reads(path)
    meta = parse_conda_lock_file(path).metadata
    assert dict(lock.content_hash) == meta.content_hash
    assert [c.url for c in lock.channels] == [c.url for c in meta.channels]
    assert list(lock.platforms) == meta.platforms
    assert list(lock.sources) == meta.sources
    return lock


def test_agrees_with_conda_lock_on_platforms_and_categories(tmp_path: Path) -> None:
    path = locks.write(tmp_path / "conda-lock.yml", locks.sound_lock())
    lock = assert_agrees_with_conda_lock(path)
    assert len(lock.records) == 7, "attrs stands in two categories and is one record"
    attrs = next(r for r in lock.records if r.name == "attrs")
    assert attrs.categories == ("dev", "docs")
    assert attrs.optional


@pytest.mark.parametrize("name", ["conda-lock.yml", "conda-lock-cuda.yml"])
def test_agrees_with_conda_lock_on_the_committed_locks(name: str) -> None:
    lock = assert_agrees_with_conda_lock(ROOT / name)
    assert len(lock.records) > 200


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("pip", {"manager": "pip", "url": "https://files.pythonhosted.org/x.whl", "hash": {"sha256": "1" * 64}}),
        ("build", {"build": "py313_0"}),
        ("source", {"source": {"type": "url", "url": "https://example.org/x"}}),
        ("no-sha256", {"hash": {"md5": "0" * 32}}),
        ("no-dependencies", {"dependencies": {}}),
    ],
)
def test_agrees_with_conda_lock_on_unusual_entries(tmp_path: Path, name: str, more: dict[str, object]) -> None:
    lock = locks.sound_lock()
    lock["package"].append(locks.package("other", **more))
    assert_agrees_with_conda_lock(locks.write(tmp_path / f"{name}.yml", lock))


def test_tells_filename_subdir_channel_and_build(tmp_path: Path) -> None:
    lock = read_lock(locks.write(tmp_path / "l.yml", locks.sound_lock()))
    tqdm = next(r for r in lock.records if r.name == "tqdm")
    assert (tqdm.filename, tqdm.subdir, tqdm.channel) == (
        "tqdm-4.67.1-pyhd8ed1ab_1.conda",
        "noarch",
        locks.CHANNEL,
    )
    assert (tqdm.stem, tqdm.build) == ("tqdm-4.67.1-pyhd8ed1ab_1", "pyhd8ed1ab_1")


def test_sizes_come_from_comments_that_conda_lock_skips(tmp_path: Path) -> None:
    path = locks.write(tmp_path / "l.yml", locks.sound_lock())
    lines = path.read_text().splitlines()
    numbered = [f"{line}  # size: {1000 + i}" if "sha256:" in line else line for i, line in enumerate(lines)]
    path.write_text("\n".join(numbered))
    lock = assert_agrees_with_conda_lock(path)
    sizes = [r.size for r in lock.records]
    assert all(size and size >= 1000 for size in sizes)
    assert len(set(sizes)) == len(sizes), "each record has its own"


def test_records_know_their_line(tmp_path: Path) -> None:
    path = locks.write(tmp_path / "l.yml", locks.sound_lock())
    lines = path.read_text().splitlines()
    for record in read_lock(path).records:
        assert record.name in lines[record.line - 1]


def test_optional_packages_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    lock = read_lock(locks.write(tmp_path / "l.yml", locks.sound_lock()))
    assert [r.name for r in lock.for_platform("linux-64")] == ["python", "numpy", "tqdm"]
    assert [r.name for r in lock.for_platform("linux-64", ("docs",))] == ["attrs"]


@pytest.mark.parametrize("version", ["2", "0", "'1'x", "1.0", "null", "[1]"])
def test_unknown_version(tmp_path: Path, version: str) -> None:
    path = tmp_path / "l.yml"
    path.write_text(f"metadata: {{}}\npackage: []\nversion: {version}\n")
    with pytest.raises((LockVersionError, LockSyntaxError)) as caught:
        read_lock(path)
    assert caught.value.evidence[0].startswith(f"{path}:3")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(LockNotFoundError) as caught:
        read_lock(tmp_path / "none.yml")
    assert str(tmp_path / "none.yml") in caught.value.evidence[0]
    with pytest.raises(LockNotFoundError):
        read_lock(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- 1\n- 2\n",
        "just text",
        "version: 1\n",
        "version: 1\nmetadata: {}\npackage: []\n",
        "version: [",
        "a: b: c",
        "@EXPLICIT\nhttps://example.org/x.conda\n",
        "version: 1\n" + "[" * 5000,
        "version: 1\nversion: 1\n",
        "&a [*a]",
    ],
)
def test_no_lock_at_all(tmp_path: Path, text: str) -> None:
    path = tmp_path / "l.yml"
    path.write_text(text)
    with pytest.raises(LockSyntaxError) as caught:
        read_lock(path)
    assert str(path) in caught.value.evidence[0]


def test_binary_file(tmp_path: Path) -> None:
    path = tmp_path / "l.yml"
    path.write_bytes(b"\xff\xfe\x00version")
    with pytest.raises(LockSyntaxError):
        read_lock(path)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 1.1},
        {"name": None},
        {"hash": "abc"},
        {"hash": {"sha1": "x"}},
        {"dependencies": ["python"]},
        {"dependencies": {"python": 3}},
        {"manager": "npm"},
        {"surprise": "x"},
        {"url": ["x"]},
    ],
)
def test_entries_of_another_shape_name_their_line(tmp_path: Path, change: dict[str, object]) -> None:
    path = locks.write(tmp_path / "l.yml", locks.damaged(**change))
    with pytest.raises(LockSyntaxError) as caught:
        read_lock(path)
    line = int(caught.value.evidence[0].removeprefix(f"{path}:").split(":")[0])
    text = path.read_text().splitlines()
    numpy = next(i for i, one in enumerate(text) if "name: numpy" in one or "name: null" in one) + 1
    assert numpy <= line <= numpy + 15


@pytest.mark.parametrize("name", ["name", "version", "manager", "platform", "url", "hash"])
def test_entries_that_lack_a_key(tmp_path: Path, name: str) -> None:
    lock = locks.sound_lock()
    del lock["package"][1][name]
    with pytest.raises(LockSyntaxError, match="not a conda-lock file"):
        read_lock(locks.write(tmp_path / "l.yml", lock))


def test_two_records_for_one_name(tmp_path: Path) -> None:
    lock = locks.sound_lock()
    lock["package"].append(locks.package("numpy", "1.26.4", "py313_0"))
    path = locks.write(tmp_path / "l.yml", lock)
    with pytest.raises(DuplicateRecordError, match="numpy on linux-64") as caught:
        read_lock(path)
    assert len(caught.value.evidence) == 2
    assert "2.3.4" in caught.value.evidence[0]
    assert "1.26.4" in caught.value.evidence[1]


def test_the_same_record_twice_in_one_category(tmp_path: Path) -> None:
    lock = locks.sound_lock()
    lock["package"].append(lock["package"][1])
    with pytest.raises(DuplicateRecordError):
        read_lock(locks.write(tmp_path / "l.yml", lock))
