"""The payload as it is served, the floor, and the media, on small real archives."""

from __future__ import annotations

import hashlib
import shutil
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

from benchmarks import floor
from benchmarks.media import can_mount, open_media
from benchmarks.payload import prepare
from benchmarks.serve import serving
from tests.support.archives import LOCK, write_channel, write_wheel


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    return write_channel(tmp_path / "channel")


def test_prepared_payload_is_served(channel: Path, tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path / "wheels/deep/alpha-1.0-py3-none-any.whl", "Name: alpha\n")
    lock = tmp_path / "conda-lock.yml"
    lock.write_text(LOCK)
    www = tmp_path / "www"
    www.mkdir()

    def get(url: str) -> bytes:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read()

    with serving(www) as address:
        payload = prepare(
            lock=lock, channel=channel, wheels=wheel.parents[1], platform="linux-64", www=www, address=address
        )
        [record] = yaml.safe_load(payload.lock.read_text())["package"]
        assert get(record["url"]) == payload.archives[0].read_bytes()
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        assert f"{wheel.name}#sha256={digest}" in get(f"{payload.index}alpha/").decode()
        assert get(f"{address}/wheels/{wheel.name}") == wheel.read_bytes()
        assert get(f"{address}/wheels/{wheel.name}.metadata") == b"Name: alpha\n"
        assert payload.requirements.read_text() == f"alpha==1.0 --hash=sha256:{digest}\n"
        assert payload.lacking == ("be-ta 2!3.0+cpu",)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(f"{address}/wheels/nothing.whl")


def test_a_server_that_is_far_away_sends_the_same(tmp_path: Path) -> None:
    content = bytes(range(256)) * 2000
    (tmp_path / "file.conda").write_bytes(content)
    with (
        serving(tmp_path, latency=0.01, rate=50e6) as address,
        urllib.request.urlopen(f"{address}/file.conda", timeout=10) as answer,
    ):
        assert answer.read() == content


@pytest.mark.skipif(not (shutil.which("zstd") and shutil.which("tar")), reason="needs zstd and tar")
class TestFloor:
    def test_extracts_both_parts(self, channel: Path, tmp_path: Path) -> None:
        archive = channel / "noarch/alpha-1.0-py_0.conda"
        assert floor.main([str(tmp_path / "tree"), str(archive)]) == 0
        goal = tmp_path / "tree" / "alpha-1.0-py_0"
        assert (goal / "site-packages/alpha.py").read_bytes() == b"x = 1\n" * 50_000
        assert (goal / "info/index.json").read_bytes() == b"{}"

    def test_damaged_archive_is_an_error(self, channel: Path, tmp_path: Path) -> None:
        archive = channel / "noarch/alpha-1.0-py_0.conda"
        content = bytearray(archive.read_bytes())
        at = content.index(b"\x28\xb5\x2f\xfd")
        content[at : at + 4] = b"\0\0\0\0"
        archive.write_bytes(content)
        with pytest.raises((RuntimeError, BrokenPipeError)):
            floor.main([str(tmp_path / "tree"), str(archive)])


@pytest.mark.parametrize("medium", ["disk", "tmpfs"])
def test_each_fresh_place_is_empty_and_apart(medium: str, tmp_path: Path) -> None:
    with open_media(tmp_path, gigabytes=1) as media:
        with media.fresh(medium) as first:
            (first / "file").write_text("x")
        with media.fresh(medium) as second:
            assert list(second.iterdir()) == []
            if media.mounts:
                assert second.stat().st_dev != tmp_path.stat().st_dev
        assert media.mounts == can_mount(media.base)
    assert list(tmp_path.iterdir()) == []
