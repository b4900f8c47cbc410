"""The whole environment from one file, and one that would fill the disk."""

from __future__ import annotations

import hashlib
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap import api, errors
from bootstrap.lock import validate
from bootstrap.packs.opening import open_pack
from bootstrap.prefix.compare import compare_prefix
from tests.support.channel.tiny import TinyChannel
from tests.support.packs import read_all, write_pack
from tests.support.tiny_site import leftovers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.whole import Environment

pytestmark = pytest.mark.exhaustive


def test_the_environment_is_the_same_from_a_pack(environment: Environment, tmp_path: Path) -> None:
    packed = api.pack(tmp_path / "class.pack", environment.prefix, lock=environment.lock.path)
    with open_pack(f"{packed.path}#sha256={packed.sha256}", tmp_path / "cache") as pack:
        read_all(pack)
    prefix = tmp_path / "at a path of another length" / "env"
    result = api.restore(None, prefix, pack=packed.path, cache=tmp_path / "cache", offline=True)
    assert (result.action, result.packages) == ("created", packed.packages)
    assert compare_prefix(prefix, validate(environment.lock, "linux-64")).agrees
    python = [prefix / "bin/python", "-I", "-c", "import numpy, torch; print(numpy.__file__, torch.ones(2).sum())"]
    assert str(prefix) in subprocess.run(python, capture_output=True, text=True, check=True).stdout
    # Made again from what came out of it, and read from it: the same bytes.
    again = api.pack(tmp_path / "again.pack", prefix, lock=environment.lock.path)
    assert again.sha256 == packed.sha256 == hashlib.sha256(packed.path.read_bytes()).hexdigest()


def test_an_archive_that_would_fill_the_disk_is_stopped(tmp_path: Path) -> None:
    """Of 8 GB of zeros, which are 1 MB as an archive."""
    channel = TinyChannel(tmp_path / "channel")
    for name in ("python", "numpy"):
        channel.add(name)
    hole = tmp_path / "hole"
    with hole.open("wb") as file:
        file.truncate(2 << 30)
    zeros = hole.read_bytes()
    for number in range(4):
        channel.add(f"zeros{number}", files={f"share/zeros{number}": zeros})
    del zeros
    lock = channel.index().write_lock(tmp_path / "conda-lock.yml")
    pack = write_pack(tmp_path / "bomb.pack", lock, channel.path)
    assert pack.stat().st_size < 10 << 20
    free = os.statvfs(tmp_path).f_bavail
    with pytest.raises(errors.PackOversizeError) as caught:
        api.restore(None, tmp_path / "env", pack=pack, cache=tmp_path / "cache")
    written: Any = caught.value.evidence[0].split()[0]
    assert int(written) < 4 << 30
    assert not (tmp_path / "env").exists()
    assert leftovers(tmp_path / "env") == []
    assert (free - os.statvfs(tmp_path).f_bavail) * os.statvfs(tmp_path).f_frsize < 1 << 30
