from __future__ import annotations

import asyncio
from pathlib import Path

import yaml

from tests.support.channel.server import serve
from tests.support.channel.tiny import TinyChannel


def test_a_lock_may_be_partial_elsewhere_and_wrong(tmp_path: Path) -> None:
    channel = TinyChannel(tmp_path / "channel")
    channel.add("alpha")
    channel.add("beta", depends=["alpha"])
    channel.index()
    path = channel.write_lock(
        tmp_path / "conda-lock.yml",
        packages=["alpha"],
        channel_url="https://example.org/conda-forge",
        hashes={"alpha": {"sha256": "0" * 64}},
        edit={"alpha": {"category": "dev", "optional": None}},
    )
    [entry] = yaml.safe_load(path.read_text())["package"]
    assert entry["url"] == "https://example.org/conda-forge/linux-64/alpha-1.0-0.conda"
    assert entry["hash"]["sha256"] == "0" * 64
    assert entry["category"] == "dev"
    assert "optional" not in entry


def test_big_packages_do_not_compress_and_differ_by_seed(tmp_path: Path) -> None:
    channel = TinyChannel(tmp_path / "channel")
    first = channel.add_big("big", size=200_000)
    other = channel.add_big("big", "2.0", size=200_000, seed=1)
    assert first["size"] > 200_000
    assert first["sha256"] != other["sha256"]


def test_same_package_same_bytes(tmp_path: Path) -> None:
    first = TinyChannel(tmp_path / "one").add("alpha")
    again = TinyChannel(tmp_path / "two").add("alpha")
    assert first["sha256"] == again["sha256"]


def test_asyncio_is_left_alone() -> None:
    # serve() runs threads of its own; a test may use it inside a running loop.
    async def inside(folder: Path) -> str:
        with serve(folder) as server:
            return server.url

    assert asyncio.run(inside(Path(__file__).parent)).startswith("http://127.0.0.1:")
