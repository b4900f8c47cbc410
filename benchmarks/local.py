"""The payload where conda-forge can't be reached: the local channel, its wheels, and a lock of it."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Source:
    """Where a payload comes from."""

    channel: Path
    wheels: Path


def local_source() -> Source:
    """The tests' channel and the wheels that it's made from; built first when it isn't there (minutes)."""
    from tests.support.channel import ensure_channel
    from tests.support.channel.build import cache_folder

    return Source(ensure_channel(quiet=False).path, cache_folder() / "wheels")


def lock_of(channel: Path, folder: Path) -> Path:
    """A lock of environment.yml against a channel, solved by the project's own ``lock`` for this machine.

    Raises:
        subprocess.CalledProcessError: It can't be solved; the reason is on stderr.
    """
    shutil.copy(ROOT / "environment.yml", folder)
    name = "virtual-packages.yml"
    machine = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    for subdir in machine["subdirs"].values():
        # Wheels may ask for a newer glibc than the committed lock allows itself; here only this machine counts.
        subdir["packages"]["__glibc"] = platform.libc_ver()[1]
    (folder / name).write_text(yaml.safe_dump(machine), encoding="utf-8")
    options = ("--file", str(folder / "environment.yml"), "--output", str(folder), "--channel", channel.as_uri())
    command = [sys.executable, "-m", "bootstrap", "lock", "--quiet", "--variant", "cpu", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    return folder / "conda-lock.yml"
