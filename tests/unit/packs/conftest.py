from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap.packs.opening import open_pack
from tests.support.channel.tiny import TinyChannel
from tests.support.packs import read_all, write_pack

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Site:
    """A lock of two small packages, their channel, and a pack to be made of them."""

    root: Path
    lock: Path
    channel: Path

    @property
    def pack(self) -> Path:
        return self.root / "class.pack"

    def write(self, **options: Any) -> Path:
        return write_pack(self.pack, self.lock, self.channel, **options)

    def verify(self, pin: str = "") -> None:
        """Reads all of the pack."""
        with open_pack(f"{self.pack}{pin}", self.root / "cache") as found:
            read_all(found)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Site:
    root = tmp_path_factory.mktemp("packs")
    channel = TinyChannel(root / "channel")
    for name in ("python", "numpy"):
        channel.add(name)
    return Site(root, channel.index().write_lock(root / "conda-lock.yml"), channel.path)


@pytest.fixture
def site(made: Site, tmp_path: Path) -> Site:
    return Site(tmp_path, made.lock, made.channel)
