"""What chance decides while restoring, many times over; tests/component/prefix has one of each."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import tiny_site as tiny
from tests.support.tiny_site import Site, agrees, leftovers, snapshot

pytestmark = pytest.mark.exhaustive
TIMES = 20


@pytest.fixture
def site(tmp_path: Path):
    with tiny.site(tmp_path) as found:
        yield found


def test_in_whichever_order_packages_are_linked(site: Site) -> None:
    tiny.add_quarrelling_packages(site)
    for _ in range(TIMES):
        tiny.restore_quarrelling_packages(site)


def started(site: Site, lock: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bootstrap", "restore", "--quiet", "--lock", str(lock)]
    return subprocess.Popen([*command, "--prefix", str(site.prefix), "--cache", str(site.cache)])


def test_killed_at_any_moment_there_is_the_old_environment_or_the_new(site: Site) -> None:
    locks = [site.lock("less.yml", packages=["python", "numpy"]), site.lock("all.yml")]
    environments = {}
    for lock in locks:
        site.restore(lock)
        environments[lock] = without_ledger(site)
    seed = random.randrange(1 << 30)
    moments = random.Random(seed)
    begun = time.monotonic()
    assert started(site, locks[0]).wait(300) == 0
    whole = time.monotonic() - begun
    for number in range(1, TIMES + 1):
        lock, before = locks[number % 2], without_ledger(site)
        process = started(site, lock)
        time.sleep(moments.uniform(0, whole))
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        assert without_ledger(site) in (before, environments[lock]), f"attempt {number} of seed {seed}"
        site.restore(lock)
        assert agrees(site, lock), f"attempt {number} of seed {seed}"
        assert leftovers(site.prefix) == []


def without_ledger(site: Site) -> dict[str, str]:
    """The environment, but for the manifest and the history, which know times."""
    known = ("condacolab-bootstrap", "conda-meta/history")
    return {path: content for path, content in snapshot(site.prefix).items() if not any(k in path for k in known)}
