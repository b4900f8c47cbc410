"""Runs the engine in a process of its own: watches it, retries it, and names its faults."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from bootstrap import profile
from bootstrap._version import __version__
from bootstrap.errors import (
    AccessRefusedError,
    ArchiveCorruptError,
    ArchiveNotFoundError,
    BootstrapError,
    ConnectionFailedError,
    DiskSpaceError,
    EngineError,
    HashMismatchError,
    InTheWayError,
    PackageConflictError,
    PackOversizeError,
    PrefixNotWritableError,
    PrefixTooLongError,
    RedirectRefusedError,
    ServerError,
    UnsafePackageError,
)
from bootstrap.prefix.retry import RETRY_BUDGET, Pace, Retries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from typing_extensions import Self

    from bootstrap.lock import Record

STALL_SECONDS = 60.0
"""An engine that says nothing for so long, or has next to nothing come, is taken as stalled."""
_MOST_LOOKS = 3
"""At servers that keep the engine waiting."""

_LAST = ("done", "error")
"""Events after which the engine leaves."""

_LAUNCH = "import sys; sys.path[:] = sys.argv[1:]; from bootstrap.prefix._child_engine import main; main()"

# Ctrl-C is for the parent, which then ends the engine; by itself it may panic on it. A group is enough for that. In a
# session of its own the kernel would share the cores out between the two (autogroup), and not by niceness.
_OWN_GROUP: dict[str, Any] = {"process_group": 0} if sys.version_info >= (3, 11) else {"preexec_fn": os.setpgrp}

_ERRORS: dict[str, tuple[type[BootstrapError], str]] = {
    "disk-full": (DiskSpaceError, "The disk filled up while packages were unpacked."),
    "read-only": (PrefixNotWritableError, "The prefix or the cache isn't writable."),
    "oversize": (PackOversizeError, "The packages write far more than their pack says."),
    "hash": (HashMismatchError, "An archive's sha256 doesn't match the lock."),
    "not-found": (ArchiveNotFoundError, "The channel doesn't have an archive listed in the lock."),
    "server": (ServerError, "The channel's server returned an error."),
    "refused": (AccessRefusedError, "The channel's server refuses access to an archive."),
    "redirect": (RedirectRefusedError, "The channel's server redirects to an address that isn't allowed."),
    "connection": (ConnectionFailedError, "The connection to the channel failed."),
    "corrupt": (ArchiveCorruptError, "An archive can't be unpacked."),
    "prefix-too-long": (PrefixTooLongError, "The prefix's path is too long for this package."),
    "package": (UnsafePackageError, "A package in the lock is unsafe; none of it was installed."),
    "conflict": (PackageConflictError, "Two packages in the lock conflict."),
    "in-the-way": (InTheWayError, "Something in the environment blocks a package."),
    "other": (EngineError, "The packages couldn't be installed."),
}


def job(
    records: Sequence[Record],
    *,
    fetch: Sequence[Record],
    stage: Path,
    prefix: Path,
    cache: Path,
    platform: str,
    asked: Mapping[str, str],
    reinstall: Sequence[str] = (),
    closely: Sequence[str] = (),
    kept: Mapping[str, Sequence[str]] | None = None,
    places: Mapping[str, str] | None = None,
    downloads: int = 0,
    most_written: int = 0,
) -> dict[str, Any]:
    """The engine's job: bring `stage`, which will become `prefix`, to exactly these records.

    Args:
        records: All records of the environment.
        fetch: Those of them that are neither installed nor cached.
        stage: The folder to write to.
        prefix: The path to write into files.
        cache: The engine's package cache.
        platform: E.g. ``linux-64``.
        asked: What was asked for, by the names of the packages.
        reinstall: Names of installed packages to install again.
        closely: Names of packages whose files are compared with their own list.
        kept: Packages that are in the stage and stay, with their paths.
        places: Where archives are fetched, by their packages' names, if not at the lock's addresses.
        downloads: How many archives to fetch at a time; 0 for what suits a channel.
        most_written: Bytes after which the engine ends: the packages aren't what was said of them. 0 for any number.
    """
    addresses = places or {}
    return {
        "records": [_row(r, addresses) for r in records],
        "fetch": [_row(r, addresses) for r in fetch],
        "stage": str(stage),
        "prefix": str(prefix),
        "cache": str(cache),
        "platform": platform,
        "asked": dict(asked),
        "reinstall": list(reinstall),
        "closely": list(closely),
        "kept": dict(kept or {}),
        "downloads": downloads,
        "most_written": most_written,
        "user_agent": f"condacolab-bootstrap/{__version__}",
    }


def _row(record: Record, places: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": record.name,
        "version": record.version,
        "build": record.build,
        "subdir": record.subdir,
        "url": places.get(record.name, record.url),
        "locked": record.url,
        "channel": record.channel,
        "fn": record.filename,
        "sha256": record.sha256,
        "md5": record.md5,
        "size": record.size,
        "depends": [f"{name} {spec}".rstrip() for name, spec in record.depends.items()],
    }


class Engine:
    """The engine's process, started and waiting for its job: it can load while the job is still worked out."""

    def __init__(self) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _LAUNCH, *_import_paths()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            env={**os.environ, **profile.variables()},
            cwd="/",  # the working folder may be gone, and nothing is asked for by a relative path
            **_OWN_GROUP,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process, in whatever state it is; once more does nothing."""
        # Once it is reaped its number may be another's.
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._stderr):
            with contextlib.suppress(OSError):
                cast("IO[Any]", pipe).close()

    def attempt(self, work: dict[str, Any], on_event: Callable[[dict[str, Any]], None], stall_seconds: float) -> None:
        """Does a job, once; the process is of no use afterwards. Raises as `run` does."""
        stdin, stdout = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps(work) + "\n")
            stdin.flush()
        last = _follow(stdout, on_event, stall_seconds, work)
        if last.get("event") == "done":
            return
        if last.get("event") == "error":
            raise _fault(last, work)
        status = self._process.wait()
        self._stderr.seek(0)
        said = self._stderr.read()[-4000:].decode(errors="replace").strip().splitlines()[-6:]
        ended = f"ended by signal {-status}" if status < 0 else f"exit status {status}"
        raise EngineError("The install engine ended before it was done.", evidence=[ended, *said])


def run(
    work: dict[str, Any],
    engine: Engine,
    *,
    on_event: Callable[[dict[str, Any]], None],
    on_retry: Callable[[BootstrapError, float], None],
    stall_seconds: float = STALL_SECONDS,
    retry_budget: float = RETRY_BUDGET,
) -> None:
    """Runs a job until it is done, trying again what server and network get wrong.

    Args:
        work: What `job` returned.
        engine: The process for the first attempt; each further one gets its own.
        on_event: Called with each of the engine's events.
        on_retry: Called with a fault and the seconds until the next attempt.
        stall_seconds: Silence after which the engine is stopped and started again.
        retry_budget: Seconds of retrying in all; fewer where nothing ever comes from the channel.

    Raises:
        FetchError: An archive can't be fetched, or doesn't match the lock.
        PrefixError: Stage or cache can't be written.
        EngineError: The engine ended in another way.
    """
    retries = Retries(retry_budget)

    def listen(event: dict[str, Any]) -> None:
        pace.hear(event, time.monotonic())
        retries.heard = retries.heard or (event["event"] == "bytes" and event["done"] > 0)
        on_event(event)

    while True:
        pace = Pace(stall_seconds, time.monotonic())
        try:
            with engine:
                engine.attempt(work, listen, stall_seconds)
        except (ServerError, ConnectionFailedError) as error:
            pause = retries.pause_after(error, time.monotonic(), pace.since)
            if pause is None:
                raise
            on_retry(error, pause)
            time.sleep(pause)
            engine = Engine()
        else:
            return


def _import_paths() -> list[str]:
    """The parent's import path without the working directory: what a user keeps there must not be imported.

    A checkout of this project may be the working directory; then it stays.
    """
    try:
        here = Path.cwd()
    except FileNotFoundError:  # somebody has deleted it
        here = Path("/nonexistent")
    ours = Path(__file__).resolve().parents[2]
    resolved = [Path(path or here).resolve() for path in sys.path if path or here.exists()]
    return [str(path) for path in resolved if path != here or path == ours]


def _follow(
    stdout: IO[str],
    on_event: Callable[[dict[str, Any]], None],
    stall_seconds: float,
    work: dict[str, Any],
) -> dict[str, Any]:
    """Hands events on until the last one, or until the engine ends without it; returns what came last."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    last: dict[str, Any] = {}
    pending: dict[str, None] = {}
    pace = Pace(stall_seconds, time.monotonic())
    while True:
        try:
            line = lines.get(timeout=stall_seconds)
        except queue.Empty:
            raise _stalled(f"no data for {stall_seconds:.0f} s", pending, work) from None
        if line is None:
            return last
        try:
            last = json.loads(line)
        except ValueError:
            continue
        if last["event"] == "fetching":
            pending[last["name"]] = None
        elif last["event"] == "cached":
            pending.pop(last["name"], None)
        on_event(last)
        if last["event"] in _LAST:
            # Its process has nothing left to do but to give back its memory.
            return last
        pace.hear(last, time.monotonic())
        if slow := pace.trickles(time.monotonic()):
            raise _stalled(slow, pending, work)


def _stalled(how: str, pending: Iterable[str], work: dict[str, Any]) -> BootstrapError:
    """The error for an engine that waits: what its servers say, where they say anything."""
    from bootstrap.prefix.server_check import look  # http.client and its like: of no use where all goes well

    waiting = [record for record in work.get("records", ()) if record["name"] in pending]
    for record in waiting[:_MOST_LOOKS]:
        if record["url"].startswith("http"):
            finding = look(record["url"])
            if finding.kind not in ("", "connection"):
                evidence = [_about(record), *finding.evidence, f"the download: {how}"]
                return _error(finding.kind, evidence, finding.retry_after)
    evidence = [_about(record) for record in waiting] or ["the engine fetched nothing"]
    return ConnectionFailedError(f"The download stalled: {how}.", evidence=evidence)


def _about(record: dict[str, Any]) -> str:
    return f"{record['name']} {record['version']}: {record.get('locked', record['url'])}"


def _fault(event: dict[str, Any], work: dict[str, Any]) -> BootstrapError:
    """The error for the engine's last word."""
    kind, name = event["kind"], event["name"]
    evidence = [line.removeprefix("Caused by: ") for line in event["message"].splitlines()]
    record = next((r for r in work["records"] if r["name"] == name), None)
    retry_after = None
    if record:
        from bootstrap.prefix.server_check import look

        evidence.insert(0, _about(record))
        if kind in ("corrupt", "server", "connection", "other") and record["url"].startswith("http"):
            # A garbled archive fails to unpack before its hash is known, so it is fetched once more to tell
            # whose fault that is.
            finding = look(record["url"], sha256=record["sha256"] if kind == "corrupt" else "", size=record["size"])
            retry_after = finding.retry_after
            evidence.extend(finding.evidence)
            if finding.kind and (finding.kind != "connection" or kind in ("corrupt", "other")):
                kind = finding.kind
    elif kind == "corrupt":
        kind = "other"
    return _error(kind, evidence, retry_after)


def _error(kind: str, evidence: list[str], retry_after: float | None) -> BootstrapError:
    made, message = _ERRORS.get(kind, _ERRORS["other"])
    error = made(message, evidence=dict.fromkeys(evidence))
    if isinstance(error, ServerError):
        error.retry_after = retry_after
    return error
