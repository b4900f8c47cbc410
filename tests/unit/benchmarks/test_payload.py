"""Payload, floor, server and media, on small real archives."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest
import yaml
import zstandard
from packaging.version import Version

from benchmarks import floor
from benchmarks.media import can_mount, open_media
from benchmarks.payload import PayloadError, distributions, locked_archives, match_wheels, prepare, rebase
from benchmarks.serve import serving

LOCK = """\
version: 1
metadata:
  content_hash:
    linux-64: abc
  channels:
  - url: conda-forge
    used_env_vars: []
  platforms:
  - linux-64
  sources:
  - environment.yml
package:
- name: alpha
  version: '1.0'
  manager: conda
  platform: linux-64
  dependencies: {}
  url: https://example.org/conda-forge/noarch/alpha-1.0-py_0.conda
  hash:
    sha256: 00  # size: 12
  category: main
  optional: false
"""


def tar_zst(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as members:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            members.addfile(member, io.BytesIO(content))
    return zstandard.compress(buffer.getvalue())


def write_conda(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    info = {
        "info/index.json": b"{}",
        "info/paths.json": json.dumps({"paths": [{"_path": name} for name in files]}).encode(),
    }
    with zipfile.ZipFile(path, "w") as parts:
        parts.writestr("metadata.json", "{}")
        parts.writestr(f"pkg-{path.stem}.tar.zst", tar_zst(files))
        parts.writestr(f"info-{path.stem}.tar.zst", tar_zst(info))
    return path


def write_wheel(path: Path, metadata: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    name, version = path.name.split("-")[:2]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/_vendor/other-2.dist-info/METADATA", "Name: other\n")
        archive.writestr(f"{name}-{version}.dist-info/METADATA", metadata)
    return path


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    files = {
        "site-packages/alpha.py": b"x = 1\n" * 50_000,
        "site-packages/alpha-1.0.dist-info/METADATA": b"Name: alpha\n",
        "lib/python3.11/site-packages/Be_ta-2!3.0+cpu.dist-info/METADATA": b"Name: be-ta\n",
        "share/site-packages-not/gamma-1.dist-info/METADATA": b"",
    }
    write_conda(tmp_path / "channel/noarch/alpha-1.0-py_0.conda", files)
    return tmp_path / "channel"


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
