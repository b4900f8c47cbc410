"""Payload, floor, server and media, on small real archives."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from packaging.version import Version

from benchmarks.payload import PayloadError, distributions, locked_archives, match_wheels, rebase
from tests.support.archives import LOCK, write_channel


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    return write_channel(tmp_path / "channel")


def test_distributions_of_an_archive(channel: Path) -> None:
    found = distributions(channel / "noarch/alpha-1.0-py_0.conda")
    assert found == {("alpha", Version("1.0")), ("be-ta", Version("2!3.0+cpu"))}


def test_locked_archive_that_the_channel_lacks(channel: Path) -> None:
    data = yaml.safe_load(LOCK.replace("alpha-1.0-py_0", "alpha-1.0-py_1"))
    with pytest.raises(PayloadError, match="1 of 1 locked archives"):
        locked_archives(data, channel, "linux-64")


def test_no_archive_for_the_platform(channel: Path) -> None:
    with pytest.raises(PayloadError, match="0 of 0"):
        locked_archives(yaml.safe_load(LOCK), channel, "osx-64")


def test_rebase_changes_channels_and_urls_only() -> None:
    moved = rebase(LOCK, "http://127.0.0.1:9/channel")
    data, original = yaml.safe_load(moved), yaml.safe_load(LOCK)
    assert data["package"][0].pop("url") == "http://127.0.0.1:9/channel/noarch/alpha-1.0-py_0.conda"
    assert data["metadata"]["channels"].pop()["url"] == "http://127.0.0.1:9/channel"
    original["package"][0].pop("url")
    original["metadata"]["channels"].pop()
    assert data == original
    assert "# size: 12" in moved


def test_match_wheels_by_normalised_name_and_version(tmp_path: Path) -> None:
    names = ("be_ta-2.0-py3-none-any.whl", "be_ta-3.0-py3-none-any.whl", "other-2.0-py3-none-any.whl")
    paths = [tmp_path / name for name in names]
    wanted = {("be-ta", Version("2.0")), ("lacking", Version("1"))}
    assert match_wheels(wanted, paths) == {("be-ta", Version("2.0")): paths[0]}
