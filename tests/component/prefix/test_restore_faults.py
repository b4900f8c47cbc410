"""What goes wrong while restoring: each fault has its own error, and leaves prefix and cache as they were.

Every test ends with the same command once more, the fault gone: it must succeed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bootstrap import errors
from bootstrap.lock import judge, read_lock
from bootstrap.prefix import compare_prefix
from bootstrap.progress import Silent
from tests.support import tiny_site as tiny
from tests.support.channel.server import Fault
from tests.support.namespace import run_in_namespace
from tests.support.tiny_site import Site, leftovers, snapshot, unvouched


@pytest.fixture(params=["new", "update"])
def site(tmp_path: Path, request: pytest.FixtureRequest):
    """A site whose next restore fetches weights: into nothing, or as an update of an environment without it."""
    with tiny.site(tmp_path) as found:
        if request.param == "update":
            found.restore(found.lock("before.yml", packages=["python", "numpy"]))
        yield found


def fails(
    site: Site, error: type[errors.BootstrapError], lock: Path | None = None, **options
) -> errors.BootstrapError:
    """The restore fails with this error, and nothing has changed."""
    lock = lock or site.lock()
    before, cached = snapshot(site.prefix), snapshot(site.cache)
    with pytest.raises(errors.BootstrapError) as caught:
        site.restore(lock, **options)
    assert type(caught.value) is error, caught.value.evidence
    assert caught.value.evidence
    assert snapshot(site.prefix) == before
    assert leftovers(site.prefix) == []
    assert snapshot(site.cache).items() >= cached.items(), "what was fetched earlier is kept"
    assert unvouched(site.cache) == []
    return caught.value


def then_succeeds(site: Site, lock: Path | None = None) -> None:
    lock = lock or site.lock()
    assert site.restore(lock).action in ("created", "updated")
    assert compare_prefix(site.prefix, judge(read_lock(lock), "linux-64")).agrees


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.status(404), errors.ArchiveNotFoundError),
        (Fault.status(410), errors.ArchiveNotFoundError),
        (Fault.status(500), errors.ServerError),
        (Fault.status(503), errors.ServerError),
        (Fault.status(403), errors.ServerError),
        (Fault.flip(fraction=0.5), errors.HashMismatchError),
        (Fault.flip(fraction=0.001), errors.HashMismatchError),
        (Fault.flip(fraction=0.9999), errors.HashMismatchError),
        (Fault.shorten(fraction=0.5), errors.HashMismatchError),
        (Fault.shorten(fraction=0.0), errors.HashMismatchError),
        (Fault.truncate(fraction=0.5), errors.ConnectionFailedError),
        (Fault.truncate(fraction=0.0), errors.ConnectionFailedError),
    ],
    ids=lambda v: f"{v.kind}{v.code if v.kind == 'status' else v.fraction}" if isinstance(v, Fault) else "",
)
def test_served_wrongly(site: Site, fault: Fault, error: type[errors.BootstrapError]) -> None:
    site.server.set_fault(site.archive("weights"), fault)
    found = fails(site, error)
    assert "weights" in found.evidence[0]
    site.server.set_fault(site.archive("weights"), None)
    then_succeeds(site)


def test_swapped_with_another_archive(site: Site) -> None:
    site.server.set_fault(site.archive("weights"), Fault.substitute(site.archive("libfoo")))
    found = fails(site, errors.HashMismatchError)
    assert "weights" in found.evidence[0]
    site.server.set_fault(site.archive("weights"), None)
    then_succeeds(site)


@pytest.mark.parametrize("how", ["flipped", "truncated", "swapped", "gone"])
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


def test_a_lock_with_another_hash(site: Site) -> None:
    lock = site.lock("wrong.yml", hashes={"weights": {"sha256": "12" * 32}})
    fails(site, errors.HashMismatchError, lock)
    then_succeeds(site)


@pytest.mark.parametrize("code", [500, 503, 429])
def test_brief_server_faults_are_got_over(site: Site, code: int) -> None:
    site.server.set_fault(site.archive("weights"), Fault.status(code, times=2, retry_after=0.1))
    site.server.set_fault(site.archive("libfoo"), Fault.truncate(times=1))
    assert site.restore(retry_budget=60.0).action in ("created", "updated")


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


def test_a_stalled_download_is_noticed_and_tried_again(site: Site) -> None:
    site.server.set_fault(site.archive("weights"), Fault.stall())
    found = fails(site, errors.ConnectionFailedError, stall_seconds=2.0)
    assert "stalled" in found.message
    site.server.set_fault(site.archive("weights"), Fault.stall(times=1))
    assert site.restore(stall_seconds=2.0, retry_budget=60.0).action in ("created", "updated")


def test_what_each_attempt_began_is_deleted_before_the_next(site: Site) -> None:
    """Half of a large package, once for each attempt, may fill a disk."""
    site.server.set_fault(site.archive("weights"), Fault.stall())
    begun: list[int] = []

    class Told(Silent):
        def note(self, message: str) -> None:
            assert "Trying again" in message
            begun.append(sum(name.startswith(".weights") for name in unvouched(site.cache)))

    fails(site, errors.ConnectionFailedError, stall_seconds=2.0, retry_budget=15.0, progress=Told())
    assert len(begun) >= 2
    assert max(begun) == 1, "at most what the attempt that has just failed began"


def test_nobody_listens(site: Site) -> None:
    lock = site.lock()
    site.server.stop()
    fails(site, errors.ConnectionFailedError, lock)
    # On a port of its own: meanwhile the first may be another connection's.
    with tiny.serve(site.channel.path) as again:
        then_succeeds(site, site.channel.write_lock(site.root / "again.yml", channel_url=again.url))


def test_offline_with_an_empty_cache(site: Site) -> None:
    found = fails(site, errors.OfflineError, offline=True)
    assert any("weights" in line for line in found.evidence)
    assert not any("weights" in path for path in site.server.requests)
    then_succeeds(site)


def test_the_disk_is_too_small_by_the_lock(site: Site) -> None:
    lock = site.lock("big.yml")
    sha256 = next(r for r in site.channel.records() if r["name"] == "weights")["sha256"]
    lock.write_text(lock.read_text().replace(sha256, f"{sha256}  # size: {10**16}"))
    found = fails(site, errors.DiskSpaceError, lock)
    assert "needed" in found.evidence[0]
    assert not any("weights" in path for path in site.server.requests), "nothing was fetched in vain"
    then_succeeds(site)


def test_prefix_is_not_an_environment(site: Site) -> None:
    other = site.root / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(errors.NotAnEnvironmentError):
        site.restore(prefix=other)
    assert snapshot(other).keys() == {"thesis.txt"}
    (other / "thesis.txt").unlink()
    assert site.restore(prefix=other).action == "created"


def test_prefix_is_a_file(site: Site) -> None:
    place = site.root / "file"
    place.write_text("content")
    with pytest.raises(errors.NotAnEnvironmentError):
        site.restore(prefix=place)
    assert place.read_text() == "content"


def test_prefix_below_a_file(site: Site) -> None:
    (site.root / "file").write_text("content")
    with pytest.raises(errors.PrefixNotWritableError):
        site.restore(prefix=site.root / "file/env")


def test_unwritable_prefix(site: Site) -> None:
    with pytest.raises(errors.PrefixNotWritableError):
        site.restore(prefix=Path("/proc/env"))
    with pytest.raises(errors.PrefixNotWritableError):
        site.restore(prefix=site.root / "fresh", cache=Path("/proc/cache"))


def test_prefix_too_long(site: Site) -> None:
    deep = site.root / ("x" * 200) / ("y" * 100)
    with pytest.raises(errors.PrefixTooLongError) as caught:
        site.restore(prefix=deep)
    assert str(len(str(deep))) in caught.value.evidence[0]
    assert not deep.parent.exists(), "folders made on the way are gone again"


def bootstrap(site: Site, lock: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bootstrap", "restore", "--lock", str(lock), "--prefix", str(site.prefix)]
    return subprocess.Popen(
        [*command, "--cache", str(site.cache), *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(condition, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def requested(site: Site, name: str) -> bool:
    return f"/{site.archive(name)}" in site.server.requests


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_half_way(site: Site, how: signal.Signals) -> None:
    lock = site.lock()
    site.server.set_fault(site.archive("weights"), Fault.stall())
    before = snapshot(site.prefix)
    process = bootstrap(site, lock)
    wait_for(lambda: requested(site, "weights"))
    time.sleep(0.3)
    process.send_signal(how)
    _, said = process.communicate(timeout=30)
    assert snapshot(site.prefix) == before
    records = [stage / "conda-meta" for stage in site.prefix.parent.glob(".env.stage-*")]
    lent = [link.readlink() for link in records if link.is_symlink()]
    if how is not signal.SIGKILL:
        assert process.returncode == errors.EXIT_INTERRUPTED
        assert "Traceback" not in said
        assert "panicked" not in said
        assert "Run the command again" in said
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
        if "bootstrap.prefix.engine" in command and str(site.root) in _environment_of(entry):
            found.append(command)
    return found


def _environment_of(entry: Path) -> str:
    """Paths that a process has open, to tell our engine from another test's."""
    try:
        return " ".join(os.readlink(fd) for fd in (entry.parent / "fd").iterdir())
    except OSError:
        return ""


@pytest.mark.parametrize("point", ["before the switch", "between two renames"])
def test_killed_around_the_switch(tmp_path: Path, point: str) -> None:
    """Where folders can't be exchanged in one step, a kill may strike when the prefix is not there at all."""
    with tiny.site(tmp_path) as site:
        old = site.lock("old.yml", packages=["python", "numpy"])
        site.restore(old)
        before = snapshot(site.prefix)
        if point == "before the switch":
            shutil.copytree(site.prefix, site.prefix.with_name(".env.stage-1"), symlinks=True)
        else:
            shutil.copytree(site.prefix, site.prefix.with_name(".env.stage-1"), symlinks=True)
            site.prefix.rename(site.prefix.with_name(".env.old-1"))
        assert site.restore(old).action == "unchanged"
        assert snapshot(site.prefix) == before
        assert leftovers(site.prefix) == []


def test_without_exchange_the_switch_takes_two_renames(tmp_path: Path, monkeypatch) -> None:
    from bootstrap.prefix import staging

    monkeypatch.setattr(staging, "_exchange", lambda one, other: False)
    with tiny.site(tmp_path) as site:
        site.restore(site.lock("old.yml", packages=["python", "numpy"]))
        then_succeeds(site)
        assert leftovers(site.prefix) == []


def test_the_disk_fills_up(tmp_path: Path) -> None:
    """On a real full file system: one that has room for the environment in place, but not for the new package."""
    with tiny.site(tmp_path) as site:
        small, full = site.lock("small.yml", packages=["python", "numpy"]), site.lock("full.yml")
        done = run_in_namespace(
            """
            mkdir "$DISK"; mount -t tmpfs -o size=1m none "$DISK"
            bootstrap() { "$PYTHON" -m bootstrap "$@" --prefix "$DISK/env"; }
            bootstrap restore --lock "$SMALL" --cache "$DISK/cache" -q
            set +e; bootstrap restore --lock "$FULL" --cache "$DISK/cache" -q; echo "exit $?"; set -e
            bootstrap status --lock "$SMALL" | grep agrees
            ls -A "$DISK"
            mount -o remount,size=20m "$DISK"
            bootstrap restore --lock "$FULL" --cache "$DISK/cache" -q
            """,
            DISK=tmp_path / "disk",
            PYTHON=sys.executable,
            SMALL=small,
            FULL=full,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    assert f"exit {errors.DiskSpaceError.exit_code}" in said
    assert "error: The disk filled up" in done.stderr
    listed = said[said.index(next(line for line in said if "agrees" in line)) + 1 :]
    assert listed[:2] == ["cache", "env"], "no stage is left on the full disk"
    assert listed[2].startswith("updated")


@pytest.mark.parametrize("how", ["left out", "altered", "not in the lock"])
def test_an_engine_that_does_not_do_what_it_says_is_not_believed(
    site: Site, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """An installer that says it is done, with a package silently missing (conda-lock's bug 896), must not pass."""
    from bootstrap.prefix import worker

    honest = worker.run

    def careless(work, engine, *, on_event, **options):
        stage = Path(work["stage"])
        if how == "left out":
            work["records"] = [r for r in work["records"] if r["name"] != "tool"]

        def on_event_later(event):
            if (event["event"], event.get("name"), how) == ("linked", "tool", "altered"):
                (stage / "bin/tool").write_text("#!/bin/sh\n")
            on_event(event)

        honest(work, engine, on_event=on_event_later, **options)
        if how == "not in the lock":
            shutil.copy(stage / "conda-meta/tool-1.0-py_0.json", stage / "conda-meta/other-1.0-py_0.json")

    monkeypatch.setattr(worker, "run", careless)
    found = fails(site, errors.VerificationError)
    assert any(("other" if how == "not in the lock" else "tool") in line for line in found.evidence)
    monkeypatch.undo()
    then_succeeds(site)
