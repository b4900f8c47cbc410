"""Reading: every field, and a clear fault with file and line; tests/component/lock has conda-lock's own parser."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bootstrap.errors import DuplicateRecordError, LockNotFoundError, LockSyntaxError, LockVersionError
from bootstrap.lock import read_lock
from tests.support import ROOT, locks


def test_every_field(tmp_path: Path) -> None:
    lock = read_lock(locks.write(tmp_path / "l.yml", locks.sound_lock()))
    assert lock.platforms == ("linux-64", "osx-arm64")
    assert lock.content_hash == {"linux-64": "a" * 64, "osx-arm64": "b" * 64}
    assert (lock.channels, lock.sources) == (("conda-forge",), ("environment.yml",))
    assert lock.sha256 == hashlib.sha256((tmp_path / "l.yml").read_bytes()).hexdigest()
    numpy = lock.records[1]
    assert (numpy.name, numpy.version, numpy.manager, numpy.platform) == ("numpy", "2.3.4", "conda", "linux-64")
    assert (numpy.md5, numpy.sha256) == ("0" * 32, (b"numpy".hex() + "0" * 64)[:64])
    assert numpy.depends == {"python": ">=3.13,<3.14.0a0", "__glibc": ">=2.17"}
    assert (numpy.categories, numpy.locked_build, numpy.size) == (("main",), None, None)


def test_a_package_in_two_categories_is_one_record(tmp_path: Path) -> None:
    lock = read_lock(locks.write(tmp_path / "l.yml", locks.sound_lock()))
    (attrs,) = [r for r in lock.records if r.name == "attrs"]
    assert attrs.categories == ("dev", "docs")


def test_a_size_stands_in_a_comment_beside_its_sha256(tmp_path: Path) -> None:
    path = locks.write(tmp_path / "l.yml", locks.sound_lock())
    lines = path.read_text().splitlines()
    numbered = [f"{line}  # size: {1000 + i}" if "sha256:" in line else line for i, line in enumerate(lines)]
    path.write_text("\n".join(numbered))
    sizes = [r.size for r in read_lock(path).records]
    assert all(size and size >= 1000 for size in sizes)
    assert len(set(sizes)) == len(sizes), "each record has its own"


def test_tells_filename_subdir_channel_and_build(tmp_path: Path) -> None:
    lock = read_lock(locks.write(tmp_path / "l.yml", locks.sound_lock()))
    tqdm = next(r for r in lock.records if r.name == "tqdm")
    assert (tqdm.filename, tqdm.subdir, tqdm.channel) == (
        "tqdm-4.67.1-pyhd8ed1ab_1.conda",
        "noarch",
        locks.CHANNEL,
    )
    assert (tqdm.stem, tqdm.build) == ("tqdm-4.67.1-pyhd8ed1ab_1", "pyhd8ed1ab_1")


def test_records_know_their_line(tmp_path: Path) -> None:
    path = locks.write(tmp_path / "l.yml", locks.sound_lock())
    lines = path.read_text().splitlines()
    for record in read_lock(path).records:
        assert record.name in lines[record.line - 1]


def test_optional_packages_are_left_out(tmp_path: Path) -> None:
    lock = read_lock(locks.write(tmp_path / "l.yml", locks.sound_lock()))
    assert [r.name for r in lock.for_platform("linux-64")] == ["python", "numpy", "tqdm"]


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


@pytest.mark.parametrize(
    "change", [{"url": f"{locks.CHANNEL}/noarch/x-1-0.conda"}, {"version": "9"}, {"hash": {"md5": "1" * 32}}]
)
def test_the_same_name_in_two_categories_must_be_one_package(tmp_path: Path, change: dict[str, object]) -> None:
    lock = locks.sound_lock()
    lock["package"][5].update(change)
    assert [entry["name"] for entry in lock["package"][4:6]] == ["attrs", "attrs"]
    with pytest.raises(DuplicateRecordError, match="attrs on linux-64"):
        read_lock(locks.write(tmp_path / "l.yml", lock))


@pytest.mark.parametrize("line", ["version: 1", "  manager: conda", "    python: '>=3.7'"])
def test_a_key_that_stands_twice(tmp_path: Path, line: str) -> None:
    """YAML's own readers take the last."""
    path = locks.write(tmp_path / "l.yml", locks.sound_lock())
    assert f"\n{line}\n" in f"\n{path.read_text()}"
    path.write_text(path.read_text().replace(f"{line}\n", f"{line}\n{line}\n", 1))
    with pytest.raises(LockSyntaxError) as caught:
        read_lock(path)
    assert "appears twice" in caught.value.evidence[0]


def test_a_specification_in_a_locks_place_leads_to_its_lock() -> None:
    with pytest.raises(LockSyntaxError) as caught:
        read_lock(ROOT / "environment.yml")
    assert f"`bootstrap lock --file {ROOT}/environment.yml`" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "# Generated by conda-lock.\n# platform: linux-64\n@EXPLICIT\nhttps://x.org/a-1-0.conda#d7c8\n",
            "@EXPLICIT",
        ),
        ("# This file may be used to create an environment using:\n@EXPLICIT\r\n", "@EXPLICIT"),
        ("version: 6\nenvironments:\n  default: {}\npackages:\n- conda: https://x.org/a-1-0.conda\n", "pixi"),
    ],
)
def test_locks_of_other_programs_are_known(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "l.yml"
    path.write_text(text)
    with pytest.raises(LockSyntaxError) as caught:
        read_lock(path)
    assert words in caught.value.evidence[0]
    assert caught.value.hint != LockSyntaxError.hint
