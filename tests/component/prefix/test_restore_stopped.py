"""Restores that are killed or interrupted, and what the next one makes of that."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bootstrap import errors
from bootstrap.prefix.staging import Staging
from tests.support import one_of
from tests.support import tiny_site as tiny
from tests.support.channel.server import Fault
from tests.support.tiny_site import Site, leftovers, snapshot, then_succeeds, unvouched

more = pytest.mark.exhaustive


def bootstrap(site: Site, lock: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bootstrap", "restore", "--lock", str(lock), "--prefix", str(site.prefix)]
    return subprocess.Popen(
        [*command, "--cache", str(site.cache), *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(condition, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def requested(site: Site, name: str) -> bool:
    return f"/{site.archive(name)}" in site.server.requests


@pytest.mark.parametrize(
    ("site", "how"),
    [
        ("update", signal.SIGINT),
        ("new", signal.SIGKILL),
        *(
            pytest.param(*case, marks=more)
            for case in (
                ("new", signal.SIGINT),
                ("new", signal.SIGTERM),
                ("update", signal.SIGTERM),
                ("update", signal.SIGKILL),
            )
        ),
    ],
    indirect=["site"],
)
def test_stopped_half_way(site: Site, how: signal.Signals) -> None:
    lock = site.lock()
    site.server.set_fault(site.archive("weights"), Fault.stall())
    before = snapshot(site.prefix)
    process = bootstrap(site, lock)
    wait_for(lambda: requested(site, "weights"))
    time.sleep(0.3)
    process.send_signal(how)
    _, said = process.communicate(timeout=120)
    assert snapshot(site.prefix) == before
    records = [stage / "conda-meta" for stage in site.prefix.parent.glob(".env.stage-*")]
    lent = [link.readlink() for link in records if link.is_symlink()]
    if how is not signal.SIGKILL:
        assert process.returncode == errors.EXIT_INTERRUPTED
        assert "Traceback" not in said
        assert "panicked" not in said
        assert "Run this again" in said
        assert leftovers(site.prefix) == []
        assert unvouched(site.cache) == []
    # Nothing of the engine lives on after its parent.
    wait_for(lambda: not engines_of(site))
    site.server.set_fault(site.archive("weights"), None)
    then_succeeds(site, lock)
    assert leftovers(site.prefix) == []
    assert not any(folder.exists() for folder in lent)


def engines_of(site: Site) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "bootstrap.prefix._child_engine" in command and str(site.root) in _environment_of(entry):
            found.append(command)
    return found


def _environment_of(entry: Path) -> str:
    """Paths that a process has open, to tell our engine from another test's."""
    try:
        return " ".join(os.readlink(fd) for fd in (entry.parent / "fd").iterdir())
    except OSError:
        return ""


@pytest.mark.parametrize("point", one_of("between two renames", "before the switch"))
def test_killed_around_the_switch(tmp_path: Path, point: str) -> None:
    """Where folders can't be exchanged in one step, a kill may strike when the prefix is not there at all."""
    with tiny.site(tmp_path) as site:
        old = site.lock("old.yml", packages=["python", "numpy"])
        site.restore(old)
        before = snapshot(site.prefix)
        staging = Staging(site.prefix)
        staging.begin(clone=True)
        if point == "between two renames":
            site.prefix.rename(staging._old)
        assert site.restore(old).action == "unchanged"
        assert snapshot(site.prefix) == before
        assert leftovers(site.prefix) == []


@pytest.mark.parametrize("site", ["update"], indirect=True)
def test_without_exchange_the_switch_takes_two_renames(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def lack(*_: object, **__: object) -> None:
        raise OSError("a C library without renameat2")

    monkeypatch.setattr(ctypes, "CDLL", lack)
    then_succeeds(site)
    assert leftovers(site.prefix) == []
