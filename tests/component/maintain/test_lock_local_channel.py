"""The committed environment.yml, locked against the channel of PyPI wheels that tests and demo restore from."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap.lock.reader import read_lock
from bootstrap.maintain.lock_check import check_lock
from bootstrap.maintain.refresh import RefreshSettings, refresh
from bootstrap.maintain.specification import read_specification
from bootstrap.maintain.variant import CPU
from tests.support import ROOT
from tests.support.channel import ensure_channel, serve

pytest.importorskip("conda_lock")


@pytest.mark.exhaustive  # the main job in tests/environment locks the same
@pytest.mark.timeout(1800)
def test_the_committed_specification_locks_against_it(tmp_path: Path) -> None:
    with serve(ensure_channel().path) as server:
        specification = ROOT / "environment.yml"
        (done,) = refresh(RefreshSettings(specification, tmp_path, variants=(CPU,), channel=server.url))
        lock, faults = check_lock(CPU, specification=specification, folder=tmp_path, channel=server.url)
    assert faults == ()
    assert done.new.records == lock.records == read_lock(tmp_path / "conda-lock.yml").records
    assert set(read_specification(specification).names) <= {r.name for r in lock.records}
    assert all(r.url.startswith(f"{server.url}/") for r in lock.records)
    assert all(r.size for r in lock.records)
