"""What goes wrong while restoring: each fault has its own error, and leaves prefix and cache as they were.

Every test ends with the same command once more, the fault gone: it must succeed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bootstrap import errors
from bootstrap.prefix.engine import Engine
from bootstrap.progress import NullProgress
from tests.support import one_of
from tests.support import tiny_site as tiny
from tests.support.channel.server import Fault
from tests.support.tiny_site import Site, agrees, fails, leftovers, then_succeeds, unvouched

more = pytest.mark.exhaustive
both = pytest.mark.parametrize("site", one_of("new", "update"), indirect=True)

STALL = 5.0
"""Seconds of silence; on a busy machine the engine needs some until its first word."""

SERVED_WRONGLY = (
    ("new", Fault.status(404), errors.ArchiveNotFoundError),
    ("new", Fault.status(503), errors.ServerError),
    ("new", Fault.flip(fraction=0.5), errors.HashMismatchError),
    ("new", Fault.truncate(fraction=0.5), errors.ConnectionFailedError),
    ("update", Fault.shorten(fraction=0.5), errors.HashMismatchError),
)
"""One of each kind; where what is in place has to survive, a fault that is seen late."""
SERVED_WRONGLY_TOO = tuple(
    (where, fault, error)
    for where in ("new", "update")
    for fault, error in (
        (Fault.status(404), errors.ArchiveNotFoundError),
        (Fault.status(410), errors.ArchiveNotFoundError),
        (Fault.status(500), errors.ServerError),
        (Fault.status(503), errors.ServerError),
        (Fault.status(403), errors.AccessRefusedError),
        (Fault.flip(fraction=0.5), errors.HashMismatchError),
        (Fault.flip(fraction=0.001), errors.HashMismatchError),
        (Fault.flip(fraction=0.9999), errors.HashMismatchError),
        (Fault.shorten(fraction=0.5), errors.HashMismatchError),
        (Fault.shorten(fraction=0.0), errors.HashMismatchError),
        (Fault.truncate(fraction=0.5), errors.ConnectionFailedError),
        (Fault.truncate(fraction=0.0), errors.ConnectionFailedError),
    )
    if (where, fault, error) not in SERVED_WRONGLY
)


def _label(value: object) -> str | None:
    if isinstance(value, Fault):
        return f"{value.kind}{value.code if value.kind == 'status' else value.fraction}"
    return None if isinstance(value, str) else ""


@pytest.mark.parametrize(
    ("site", "fault", "error"),
    [*SERVED_WRONGLY, *(pytest.param(*case, marks=more) for case in SERVED_WRONGLY_TOO)],
    ids=_label,
    indirect=["site"],
)
def test_served_wrongly(site: Site, fault: Fault, error: type[errors.BootstrapError]) -> None:
    site.server.set_fault(site.archive("weights"), fault)
    found = fails(site, error)
    assert "weights" in found.evidence[0]
    site.server.set_fault(site.archive("weights"), None)
    then_succeeds(site)


@both
@pytest.mark.exhaustive
def test_swapped_with_another_archive(site: Site) -> None:
    site.server.set_fault(site.archive("weights"), Fault.substitute(site.archive("libfoo")))
    found = fails(site, errors.HashMismatchError)
    assert "weights" in found.evidence[0]
    site.server.set_fault(site.archive("weights"), None)
    then_succeeds(site)


@both
@pytest.mark.parametrize(
    "how", ["flipped", "gone", pytest.param("truncated", marks=more), pytest.param("swapped", marks=more)]
)
def test_local_archives_are_hashed_too(site: Site, how: str) -> None:
    lock = site.channel.write_lock(site.root / "file.yml")
    archive = site.channel.path / site.archive("weights")
    kept = site.root / "kept"
    shutil.copy2(archive, kept)
    if how == "flipped":
        data = bytearray(archive.read_bytes())
        data[len(data) // 2] ^= 1
        archive.write_bytes(data)
    elif how == "truncated":
        os.truncate(archive, 1000)
    elif how == "swapped":
        shutil.copy2(site.channel.path / site.archive("libfoo"), archive)
    else:
        archive.unlink()
    found = fails(site, errors.ArchiveNotFoundError if how == "gone" else errors.HashMismatchError, lock)
    assert "weights" in found.evidence[0]
    shutil.copy2(kept, archive)
    then_succeeds(site, lock)


@both
@pytest.mark.exhaustive
def test_a_lock_with_another_hash(site: Site) -> None:
    lock = site.lock("wrong.yml", hashes={"weights": {"sha256": "12" * 32}})
    fails(site, errors.HashMismatchError, lock)
    then_succeeds(site)


@both
@pytest.mark.parametrize("code", one_of(503, 500, 429))
def test_brief_server_faults_are_got_over(site: Site, code: int) -> None:
    site.server.set_fault(site.archive("weights"), Fault.status(code, times=2, retry_after=0.1))
    site.server.set_fault(site.archive("libfoo"), Fault.truncate(times=1))
    assert site.restore(retry_budget=60.0).action in ("created", "updated")


@both
def test_what_was_fetched_is_kept(site: Site) -> None:
    site.server.set_fault(site.archive("weights"), Fault.status(500))
    fails(site, errors.ServerError)
    site.server.set_fault(site.archive("weights"), None)
    site.server.requests.clear()
    then_succeeds(site)
    refetched = {path for path in site.server.requests if path.endswith(".conda")}
    assert refetched <= {f"/{site.archive(name)}" for name in ("weights", "libfoo", "tool", "numpy", "python")}
    assert f"/{site.archive('weights')}" in refetched
    assert len(refetched) < 5


@both
def test_a_stalled_download_is_noticed_and_tried_again(site: Site) -> None:
    site.server.set_fault(site.archive("weights"), Fault.stall())
    found = fails(site, errors.ConnectionFailedError, stall_seconds=STALL)
    assert "stalled" in found.message
    site.server.set_fault(site.archive("weights"), Fault.stall(times=1))
    assert site.restore(stall_seconds=STALL, retry_budget=120.0).action in ("created", "updated")


@both
@pytest.mark.exhaustive
def test_what_each_attempt_began_is_deleted_before_the_next(site: Site) -> None:
    """Half of a large package, once for each attempt, may fill a disk."""
    site.server.set_fault(site.archive("weights"), Fault.stall())
    begun: list[int] = []

    class Told(NullProgress):
        def note(self, message: str) -> None:
            assert "Retrying" in message
            begun.append(sum(name.startswith(".weights") for name in unvouched(site.cache)))

    fails(site, errors.ConnectionFailedError, stall_seconds=STALL, retry_budget=20.0, progress=Told())
    assert len(begun) >= 2
    assert max(begun) == 1, "at most what the attempt that has just failed began"


@both
def test_nobody_listens(site: Site) -> None:
    lock = site.lock()
    site.server.stop()
    fails(site, errors.ConnectionFailedError, lock)
    # On a port of its own: meanwhile the first may be another connection's.
    with tiny.serve(site.channel.path) as again:
        then_succeeds(site, site.channel.write_lock(site.root / "again.yml", channel_url=again.url))


@both
def test_offline_with_an_empty_cache(site: Site) -> None:
    found = fails(site, errors.OfflineError, offline=True)
    assert any("weights" in line for line in found.evidence)
    assert not any("weights" in path for path in site.server.requests)
    then_succeeds(site)


class Careless(Engine):
    """An engine that does its work, and one thing otherwise than it says."""

    def __init__(self, how: str, site: Site) -> None:
        super().__init__()
        self.how, self.site = how, site

    @property
    def stage(self) -> Path:
        (found,) = self.site.prefix.parent.glob(".env.stage-*")
        return found

    def attempt(self, work: dict[str, Any], on_event: Callable[[dict[str, Any]], None], stall_seconds: float) -> None:
        def meddle(event: dict[str, Any]) -> None:
            linked = (event["event"], event.get("name")) == ("linked", "tool")
            if linked and self.how == "altered":
                (self.stage / "bin/tool").write_text("#!/bin/sh\n")
            if not (linked and self.how == "left out"):
                on_event(event)

        super().attempt(work, meddle, stall_seconds)
        record = self.stage / "conda-meta/tool-1.0-py_0.json"
        if self.how == "left out":
            record.unlink()
        elif self.how == "not in the lock":
            shutil.copy(record, record.with_name("other-1.0-py_0.json"))


@both
@pytest.mark.parametrize("how", one_of("left out", "altered", "not in the lock"))
def test_an_engine_that_does_not_do_what_it_says_is_not_believed(site: Site, how: str) -> None:
    """An installer that says it is done, with a package silently missing (conda-lock's bug 896), must not pass."""
    found = fails(site, errors.VerificationError, engine=Careless(how, site))
    assert any(("other" if how == "not in the lock" else "tool") in line for line in found.evidence)
    then_succeeds(site)


@pytest.mark.parametrize("lost", one_of("everything", "manifest", "nothing but its content"))
def test_after_a_power_cut_what_is_missing_is_mended(site: Site, lost: str) -> None:
    """Of what was written last, a disk may have the names alone."""
    lock = site.lock()
    site.restore(lock)
    meta = site.prefix / "conda-meta"
    written = [meta / "condacolab-bootstrap"]
    if lost == "everything":
        written += [*meta.glob("*.json"), *site.prefix.rglob("*.py"), *(site.cache / "vouchers").iterdir()]
        written += [path for path in (site.cache / "pkgs").rglob("*") if path.is_file()]
    if lost != "nothing but its content":
        for path in written:
            os.truncate(path, 0)
    else:
        written[0].write_bytes(b"\0" * written[0].stat().st_size)
    site.restore(lock)
    assert agrees(site, lock)
    assert site.restore(lock).action == "unchanged"
    assert leftovers(site.prefix) == []
