"""A payload with each package several times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from benchmarks.copies import multiplied
from benchmarks.payload import distributions, locked_archives
from tests.support.channel.tiny import Symlink, TinyChannel

if TYPE_CHECKING:
    from pathlib import Path


def test_each_copy_is_a_package_of_its_own(tmp_path: Path) -> None:
    channel = TinyChannel(tmp_path / "channel")
    metadata = "site-packages/alpha-1.0.dist-info/METADATA"
    files = {metadata: "Name: alpha\n", "python-scripts/link": Symlink("../site-packages/alpha.py")}
    channel.add("alpha", noarch="python", files=files, depends=["beta"])
    channel.add("beta")
    lock = channel.write_lock(tmp_path / "lock.yml")
    (tmp_path / "copies").mkdir()
    folder, larger = multiplied(lock, channel.path, "linux-64", 3, tmp_path / "copies")
    data = yaml.safe_load(larger.read_text(encoding="utf-8"))
    archives = locked_archives(data, folder, "linux-64")
    names = [f"{name}{copy}-1.0-0.conda" for copy in ("", "-copy2", "-copy3") for name in ("alpha", "beta")]
    assert [path.name for path in archives] == names
    assert [len(distributions(path)) for path in archives] == [1, 0] * 3
    assert len({entry["hash"]["sha256"] for entry in data["package"]}) == len(names)
