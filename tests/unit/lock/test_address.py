"""Addresses of locks: which are read, what is shown of them, and where a page's file is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap.address import is_address, split
from bootstrap.errors import LockAddressError
from bootstrap.lock.address import LOCK, _itself, fetch_lock, origin
from tests.support import ROOT


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/lock.yml",
        "ftp://example.org/lock.yml",
        "file://host/lock.yml",
        "https:///lock.yml",
        "https://[::1/lock.yml",
        "https://example.org:99999/lock.yml",
        "https://example.org/a lock.yml",
        "https://example.org/lock.yml#main",
        "data://x",
    ],
)
def test_addresses_that_are_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(LockAddressError):
        fetch_lock(address, tmp_path)


def test_a_path_is_no_address() -> None:
    assert not is_address(Path("conda-lock.yml"))
    assert is_address("https://example.org/conda-lock.yml")


@pytest.mark.parametrize(
    ("page", "file"),
    [
        ("https://github.com/o/r/blob/main/a/lock.yml", "https://raw.githubusercontent.com/o/r/main/a/lock.yml"),
        ("https://gist.github.com/o/123", "https://gist.github.com/o/123/raw"),
    ],
)
def test_the_file_behind_a_page(page: str, file: str) -> None:
    assert _itself(split(page, LOCK)) == [file]


def test_origin_of_files(tmp_path: Path) -> None:
    assert origin(ROOT / "conda-lock.yml") == "the shipped conda-lock.yml"
    assert origin(tmp_path / "my.yml") == str(tmp_path / "my.yml")
