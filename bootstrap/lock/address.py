"""A lock that is at an address: fetched, checked, and kept in the cache by its digest."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import SplitResult, urlunsplit

from bootstrap._util.atomic import write_atomically
from bootstrap.address import Subject, is_address, opened, split, without_pin
from bootstrap.errors import LockAddressError, LockDigestError, LockNotFetchedError
from bootstrap.included import places
from bootstrap.text import masked

SECONDS = 60.0
"""How long a fetch may take in all."""
BYTES = 64 * 2**20
"""How large a lock may be."""
LOCK = Subject("lock", LockAddressError, LockNotFetchedError)


def local_path(lock: str | os.PathLike[str], cache: Path, *, offline: bool = False) -> Path:
    """The file that a path or an address names; see `fetch_lock`."""
    return fetch_lock(os.fspath(lock), cache, offline=offline) if is_address(lock) else Path(lock)


def fetch_lock(address: str, cache: Path, *, offline: bool = False) -> Path:
    """A file with the lock at an address, in the cache's folder ``locks``.

    Args:
        address: https, http on loopback, or file; ``#sha256=HEX`` at its end says which content is meant. Such a
            lock is fetched once.
        cache: The cache's folder.
        offline: Fetch nothing.

    Raises:
        LockAddressError: Not such an address, or it leads to one that isn't, or to a web page.
        LockDigestError: The content is another than the address says.
        LockNotFetchedError: The server can't be reached or has no lock there; or fetching isn't allowed.
    """
    parts = split(address, LOCK)
    _, digest = without_pin(address, LOCK)
    kept = cache / "locks" / f"{digest}.yml"
    with suppress(OSError):
        if digest and hashlib.sha256(kept.read_bytes()).hexdigest() == digest:
            return kept
    if offline and parts.scheme != "file":
        raise LockNotFetchedError(
            "The lock is at a URL, which offline mode can't fetch.",
            evidence=[address],
            hint="Omit `--offline`, or pass a local lock file.",
        )
    content = _read(parts)
    sha256 = hashlib.sha256(content).hexdigest()
    if digest and sha256 != digest:
        raise LockDigestError(
            "The lock downloaded from the URL doesn't match its #sha256=.",
            evidence=[address, f"sha256 found: {sha256}"],
        )
    if re.match(rb"\s*<(!doctype|html)", content[:200], re.IGNORECASE):
        raise LockAddressError(
            "The lock's URL serves a web page, not the lock itself.",
            evidence=[address, *(f"the raw file may be at {other}" for other in _itself(parts))],
        )
    return keep_lock(content, cache, address)


def keep_lock(content: bytes, cache: Path, address: str) -> Path:
    """A file with a lock that came from elsewhere, in the cache's folder ``locks``; `origin` knows its address.

    Raises:
        LockNotFetchedError: The cache can't be written.
    """
    kept = cache / "locks" / f"{hashlib.sha256(content).hexdigest()}.yml"
    told = json.dumps({"address": masked(address).partition("#")[0]})
    try:
        write_atomically(kept, content, shared=True, durable=False)
        write_atomically(kept.with_suffix(".json"), told, shared=True, durable=False)
    except OSError as error:
        said = f"{kept}: {error.strerror}"
        raise LockNotFetchedError("Can't write the lock to the cache.", evidence=[said]) from None
    return kept


def origin(lock: Path) -> str:
    """Where a lock came from, for people: its address and digest, ``shipped lock``, or the path."""
    if lock in places(lock.name):
        return f"the shipped {lock.name}"
    try:
        address = json.loads(lock.with_suffix(".json").read_text(encoding="utf-8"))["address"]
    except (OSError, ValueError, KeyError, TypeError):
        return str(lock)
    return f"{address} (sha256 {lock.stem[:12]})"


def _read(parts: SplitResult) -> bytes:
    """The content at an address, within the limits of size and time."""
    import http.client
    import urllib.error

    address = urlunsplit(parts._replace(fragment=""))
    content = bytearray()
    try:
        with opened(parts, LOCK) as answer:
            deadline = time.monotonic() + SECONDS
            while block := answer.read1(2**16):
                content += block
                if len(content) > BYTES or time.monotonic() > deadline:
                    limit = f"{BYTES >> 20} MiB" if len(content) > BYTES else f"{SECONDS:.0f} s"
                    raise LockNotFetchedError(f"The lock exceeded the limit of {limit}.", evidence=[address])
            length = answer.headers.get("Content-Length", "")
    except urllib.error.HTTPError as error:
        said = f"{address}: {error.code} {error.reason}"
        raise LockNotFetchedError("The server returned an error for the lock.", evidence=[said]) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise LockNotFetchedError(
            "Can't download the lock.", evidence=[address, f"{type(error).__name__}: {reason}"]
        ) from None
    if length.isdecimal() and int(length) != len(content):
        said = f"{address}: {len(content)} of {length} bytes"
        raise LockNotFetchedError("The connection ended before the lock was complete.", evidence=[said])
    return bytes(content)


def _itself(parts: SplitResult) -> list[str]:
    """Where the file is that a page of GitHub or a Gist shows."""
    path = parts.path.strip("/").split("/")
    if parts.hostname == "github.com" and path[2:3] == ["blob"]:
        return ["https://raw.githubusercontent.com/" + "/".join([*path[:2], *path[3:]])]
    if parts.hostname == "gist.github.com":
        return [f"https://gist.github.com/{'/'.join(path[:2])}/raw"]
    return []
