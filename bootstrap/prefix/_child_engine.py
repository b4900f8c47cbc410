"""The installing engine: py-rattler, in a process of its own. No other module imports rattler.

Run as ``python -m bootstrap.prefix._child_engine`` with a job as one line of JSON on stdin; answers with events, one
JSON object a line, on stdout. It ends when stdin closes, so that it never outlives its parent, and it leaves by
``os._exit``, since the engine can crash in an orderly interpreter exit after having done its work.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import rattler

from bootstrap import profile
from bootstrap._util.names import build_number
from bootstrap.prefix.admission import Admission, Hashes, RefusedError, compare_hashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, MutableMapping

EVENT_INTERVAL = 0.1
"""Seconds between two reports of bytes."""

_RETRIES = 3
_NOWHERE = "http://127.0.0.1:0"
_DOWNLOADS = min(4 * (os.cpu_count() or 1) + 2, 16)
"""At a time, each of them unpacked while it comes. Of the engine's own 50 the largest package, which ends last, would
have too small a share of two cores, and would end alone. Of 5, 10, 20 and 40 there, with 158 packages, 5 were quicker
than 10 by 2 % from loopback and with 20 ms of latency, slower by 20 % with 100 ms; more than 10 brought nothing."""


class _Reporter(rattler.InstallerReporter):
    """Turns the engine's callbacks, which come from many threads, into events; packages are judged in one of them."""

    def __init__(self, gate: _Gate) -> None:
        self._gate = gate
        self._lock = threading.Lock()
        self._entries: dict[int, str] = {}
        self._downloads: dict[int, str] = {}
        self._operations: dict[int, str] = {}
        self._begun: dict[int, float] = {}
        self._tokens = iter(range(1, 1 << 62))
        self._bytes: dict[int, int] = {}
        threading.Thread(target=self._tell_bytes, daemon=True).start()

    def _tell_bytes(self) -> None:
        # Apart from the callbacks, which come thousands of times and hold up the engine.
        told = 0
        while True:
            time.sleep(EVENT_INTERVAL)
            if self.fetched != told:
                told = self.fetched
                emit(event="bytes", done=told)

    @property
    def fetched(self) -> int:
        """Bytes fetched so far."""
        return sum(list(self._bytes.values()))

    def _token(self, table: dict[int, str], value: str) -> int:
        with self._lock:
            token = next(self._tokens)
            table[token] = value
            return token

    def on_transaction_start(self, total_operations: int) -> None:
        emit(event="transaction", operations=total_operations)

    def on_populate_cache_start(self, operation: int, package_name: str) -> int:
        return self._token(self._entries, package_name)

    def on_download_start(self, cache_entry: int) -> int:
        name = self._entries.get(cache_entry, "")
        emit(event="fetching", name=name)
        return self._token(self._downloads, name)

    def on_download_progress(self, download_idx: int, progress: int, total: int | None) -> None:
        self._bytes[download_idx] = progress

    def on_populate_cache_complete(self, cache_entry: int) -> None:
        name = self._entries.get(cache_entry, "")
        self._gate.admit(name)
        emit(event="cached", name=name)

    def on_link_start(self, operation: int, package_name: str) -> int:
        self._gate.admit(package_name)
        self._operations[operation] = package_name
        self._begun[operation] = time.monotonic()
        return 0

    def on_transaction_operation_complete(self, operation: int) -> None:
        # Not at the end of linking: the conda-meta record is written after that.
        if name := self._operations.get(operation):
            profile.add(f"link {name}", self._begun[operation], part=True, lanes="link")
            self._gate.linked(name)


class _Gate:
    """Lets no package be linked that was not judged: the engine waits for what its callbacks do.

    It does not wait until files are hashed: threads of its own do that while others come and are linked. Nobody hears
    of a package as linked before that is done.
    """

    def __init__(self, job: dict[str, Any]) -> None:
        self._records = {record["name"]: record for record in job["records"]}
        self._cache = job["cache"]
        self._closely = set(job["closely"])
        python = self._records.get("python", {}).get("version", "")
        self._admission = Admission(job["stage"], python, job["kept"])
        self._admitted: set[str] = set()
        self._pool = ThreadPoolExecutor(os.cpu_count())
        self._comparing: dict[str, list[Future[None]]] = {}

    def admit(self, name: str) -> None:
        """Judges a package that is in the cache; ends this process where it may not be linked."""
        if name in self._admitted:
            return
        with _or_end(name), profile.span(f"admit {name}", part=True):
            record = self._records[name]
            package = f"{self._cache}/{name}-{record['version']}-{record['build']}"
            portions = self._admission.admit(record, package, closely=name in self._closely)
        self._comparing[name] = [self._pool.submit(self._compare, name, package, hashes) for hashes in portions]
        self._admitted.add(name)

    @staticmethod
    def _compare(name: str, package: str, hashes: Hashes) -> None:
        with _or_end(name), profile.span(f"hash files of {name}", part=True):
            compare_hashes(package, hashes)

    def linked(self, name: str) -> None:
        """Tells that a package is linked, once its files are hashed as well."""
        comparing = self._comparing.pop(name, None)
        if comparing:
            # Behind what it waits for, so that one of the threads always works.
            self._pool.submit(self._tell, name, comparing)
        else:
            emit(event="linked", name=name)

    @staticmethod
    def _tell(name: str, comparing: Iterable[Future[None]]) -> None:
        wait(comparing)
        emit(event="linked", name=name)

    def finish(self) -> None:
        """Waits until all that was to be told is."""
        self._pool.shutdown()


@contextmanager
def _or_end(name: str) -> Iterator[None]:
    """Ends this process where a package may not be linked, or that can't be found out."""
    try:
        yield
    except RefusedError as refused:
        emit(event="error", kind=refused.kind, name=name, message=refused.message)
        os._exit(1)
    except BaseException as error:  # the engine takes no notice of what a callback raises
        emit(event="error", kind=classify(str(error)), name=name, message=f"{type(error).__name__}: {error}")
        os._exit(1)


_write_lock = threading.Lock()


def emit(**event: Any) -> None:
    """Writes one event."""
    line = json.dumps(event) + "\n"
    with _write_lock:
        sys.stdout.write(line)
        sys.stdout.flush()


def to_record(data: dict[str, Any]) -> rattler.RepoDataRecord:
    """The engine's record for a locked one."""
    package = rattler.PackageRecord(
        name=data["name"],
        version=data["version"],
        build=rattler.BuildString.new_unchecked(data["build"]),
        build_number=build_number(data["build"]),
        subdir=data["subdir"],
        arch=None,
        platform=None,
        depends=data["depends"],
        sha256=bytes.fromhex(data["sha256"]),
        md5=bytes.fromhex(data["md5"]) if data["md5"] else None,
        size=data["size"],
    )
    return rattler.RepoDataRecord(package, data["fn"], data["url"], data["channel"])


def refuse_altered_local_archives(records: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The engine never hashes ``file://`` archives, so that is done here, before it sees them."""

    def fault(record: dict[str, Any]) -> dict[str, Any] | None:
        path = unquote(urlsplit(record["url"]).path)
        try:
            with open(path, "rb") as file:  # noqa: PTH123 (as text from a URL)
                digest = hashlib.sha256()
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
        except OSError as error:
            return {"kind": "not-found", "name": record["name"], "message": f"{path}: {error.strerror}"}
        if digest.hexdigest() != record["sha256"]:
            message = f"{path} has sha256 {digest.hexdigest()}, the lock says {record['sha256']}"
            return {"kind": "hash", "name": record["name"], "message": message}
        return None

    local = [r for r in records if r["url"].startswith("file://")]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return next((f for f in pool.map(fault, local) if f), None)


_MARKS = {
    "disk-full": ("no space left", "os error 28", "disk quota", "os error 122"),
    "read-only": ("read-only file system", "permission denied", "os error 30)", "os error 13)"),
    "package": ("failed to read 'index.json'", "failed to read 'paths.json'", "failed to read 'link.json'"),
    "hash": ("hash mismatch", "expected sha256"),
    "not-found": ("(404", "(410"),
    "server": ("http status server error", "http status client error"),
    "prefix-too-long": ("placeholder", "prefix is too long"),
    "connection": (
        "error sending request",
        "connection",
        "timed out",
        "timeout",
        "end of file before message length",
        "unexpected eof",
        "unexpected end of file",
        "error decoding response body",
        "dns error",
        "tls",
        "certificate",
    ),
    "corrupt": (
        "checksum",
        "zip",
        "zstd",
        "frame",
        "tar",
        "archive",
        "extract",
        "unpack",
        "truncated",
        "parse",
        "deserialize",
    ),
}


_NAMES = re.compile(r"\w+://\S+|\b[a-z0-9_.]+(?:-[a-z0-9_.+]+){2,}")
"""URLs, and ``name-version-build`` with or without a suffix."""


def classify(message: str) -> str:
    """The kind of fault that an engine's message tells of; its types are too coarse for that."""
    # Neither a port nor a package's name may be taken for a status or a format.
    text = _NAMES.sub("", message.lower())
    return next((kind for kind, marks in _MARKS.items() if any(mark in text for mark in marks)), "other")


def package_of(message: str, records: list[dict[str, Any]]) -> str:
    """The package that a message is about, or an empty string."""
    for record in records:
        if record["fn"] in message or f"{record['name']}-{record['version']}-{record['build']}" in message:
            return str(record["name"])
    return ""


def unmet(asked: dict[str, str], records: list[rattler.RepoDataRecord]) -> list[str]:
    """The packages of which these records aren't what was asked for: where a specification was edited since."""
    by_name = {record.name.normalized: record for record in records}

    def met(name: str, spec: str) -> bool:
        try:
            return rattler.MatchSpec(spec, strict=False).matches(by_name[name])
        except Exception:  # whatever its parser makes of a line that isn't ours
            return False

    return [name for name, spec in asked.items() if not met(name, spec)]


def set_proxies(records: list[dict[str, Any]], variables: MutableMapping[str, str]) -> None:
    """Sets the environment variables by which the engine finds its proxies.

    A lock names plain http on loopback alone, and what is on this machine is not asked for by way of another. Where
    it names none, only a redirect can lead to plain http: that leads nowhere then.
    """

    def get(name: str) -> str:
        return variables.get(name.upper()) or variables.get(name) or ""

    if any(r["url"].startswith("http://") for r in records):
        exempt = ",".join(filter(None, [get("no_proxy"), "127.0.0.1", "localhost", "::1"]))
        variables.update(NO_PROXY=exempt, no_proxy=exempt)
        return
    variables.update(HTTP_PROXY=_NOWHERE, http_proxy=_NOWHERE)
    direct = "*" in get("no_proxy")
    if direct or not (get("https_proxy") or get("all_proxy")):
        for name in ("no_proxy", *(("https_proxy", "all_proxy") if direct else ())):
            variables.pop(name, None)
            variables.pop(name.upper(), None)


async def install(job: dict[str, Any]) -> None:
    """Brings the stage to the job's records."""
    cache = rattler.PackageCache.new_layered(
        [job["cache"]],
        # Entries are vouched for before the engine starts; its own look would only repeat that.
        validation_mode=rattler.ValidationMode.skip(),
    )
    client = rattler.Client([rattler.networking.RetryMiddleware(_RETRIES)], user_agent=job["user_agent"])
    gate = _Gate(job)
    reporter = _Reporter(gate)  # type: ignore[abstract]  # its methods are empty, not abstract
    records = [to_record(r) for r in job["records"]]
    emit(event="unmet", names=unmet(job["asked"], records))
    await rattler.install(
        records,
        job["stage"],
        alternative_target_prefix=job["prefix"],
        package_cache=cache,
        reinstall_packages=set(job["reinstall"]),
        platform=rattler.Subdir(job["platform"]),
        client=client,
        reporter=reporter,
        config=rattler.Config.from_toml(f"[concurrency]\ndownloads = {job['downloads'] or _DOWNLOADS}\n"),
        execute_link_scripts=False,
        show_progress=False,
    )
    gate.finish()
    emit(event="bytes", done=reporter.fetched)


def require_written(most: int) -> None:
    """Ends this process where it has written more bytes: a small archive may unpack to more than any disk has."""
    try:
        written = int(Path("/proc/self/io").read_text().partition("wchar: ")[2].split()[0])
    except (OSError, IndexError):  # a kernel that doesn't count
        return
    if written > most:
        emit(event="error", kind="oversize", name="", message=f"{written} bytes written, at most {most} expected")
        os._exit(1)


def _watch_writing(most: int) -> None:
    while True:
        time.sleep(EVENT_INTERVAL)
        require_written(most)


def _leave_when_orphaned() -> None:
    sys.stdin.read()
    os._exit(3)


def main() -> None:
    """Runs one job."""
    os.umask(os.umask(0o077) | 0o002)
    job = json.loads(sys.stdin.readline())
    threading.Thread(target=_leave_when_orphaned, daemon=True).start()
    if most := job["most_written"]:
        threading.Thread(target=_watch_writing, args=(most,), daemon=True).start()
    fault = refuse_altered_local_archives(job["fetch"])
    if fault:
        emit(event="error", **fault)
        os._exit(1)
    # All of them: the engine fetches by itself what it finds broken in the cache.
    set_proxies(job["records"], os.environ)
    try:
        Path(job["cache"]).mkdir(parents=True, exist_ok=True)
        asyncio.run(install(job))
    except BaseException as error:  # a Rust panic is no Exception, and the parent must hear of it
        message = str(error) or type(error).__name__
        emit(event="error", kind=classify(message), name=package_of(message, job["records"]), message=message)
        os._exit(1)
    if most:
        require_written(most)
    emit(event="done")
    os._exit(0)


if __name__ == "__main__":
    main()
