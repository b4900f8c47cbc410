"""A lock that is at an address: fetched, checked, and kept in the cache by its digest."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from bootstrap._util.atomic import write_atomically
from bootstrap.errors import LockAddressError, LockDigestError, LockNotFetchedError
from bootstrap.included import places
from bootstrap.text import masked

if TYPE_CHECKING:
    from http.client import HTTPResponse

SECONDS = 60.0
"""How long a fetch may take in all."""
BYTES = 64 * 2**20
"""How large a lock may be."""
REDIRECTS = 5
_DIGEST = re.compile(r"sha256=([0-9a-f]{64})", re.ASCII | re.IGNORECASE)


def is_address(lock: str | os.PathLike[str]) -> bool:
    """Whether what names a lock is an address rather than a path."""
    return "://" in os.fspath(lock)


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
    parts = _split(address)
    named = _DIGEST.fullmatch(parts.fragment)
    if parts.fragment and not named:
        raise LockAddressError(
            "After the # in the lock's URL, sha256= and 64 hexadecimal digits are expected.",
            evidence=[address],
        )
    digest = named[1].lower() if named else ""
    folder = cache / "locks"
    kept = folder / f"{digest}.yml"
    if digest and kept.is_file() and hashlib.sha256(kept.read_bytes()).hexdigest() == digest:
        return kept
    if offline and parts.scheme != "file":
        raise LockNotFetchedError(
            "The lock is at a URL, which offline mode can't fetch.",
            evidence=[address],
            hint="Omit `--offline`, or pass a local lock file.",
        )
    content = _read(parts)
    found = hashlib.sha256(content).hexdigest()
    if digest and found != digest:
        raise LockDigestError(
            "The lock downloaded from the URL doesn't match its #sha256=.",
            evidence=[address, f"sha256 found: {found}"],
        )
    if re.match(rb"\s*<(!doctype|html)", content[:200], re.IGNORECASE):
        raise LockAddressError(
            "The lock's URL serves a web page, not the lock itself.",
            evidence=[address, *(f"the raw file may be at {other}" for other in _itself(parts))],
        )
    kept = folder / f"{found}.yml"
    _write(kept, content)
    _write(kept.with_suffix(".json"), json.dumps({"address": masked(address).partition("#")[0]}).encode())
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


def _split(address: str) -> SplitResult:
    """The parts of an address that may be read."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise LockAddressError("The lock's URL is malformed.", evidence=[address, str(error)]) from None
    if any(ord(c) <= 32 or ord(c) == 127 for c in address):
        raise LockAddressError("The lock's URL contains a space or a control character.", evidence=[address])
    if parts.scheme == "file" and not host:
        return parts
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))):
        raise LockAddressError("A lock's URL must be https, file, or http on loopback.", evidence=[address])
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(parts: SplitResult) -> bytes:
    """The content at an address."""
    import http.client
    import urllib.error
    import urllib.request

    address = urlunsplit(parts._replace(fragment=""))

    class Checked(urllib.request.HTTPRedirectHandler):
        max_redirections = REDIRECTS

        def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
            goal = _split(urljoin(req.full_url, newurl))
            if goal.scheme == "file" or (req.type == "https" and goal.scheme != "https"):
                raise LockAddressError(
                    "The lock's URL redirects to one that isn't https.",
                    evidence=[address, f"redirects to {newurl}"],
                )
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    near = parts.scheme == "file" or _is_loopback(parts.hostname or "")
    # A proxy has no business with loopback.
    opener = urllib.request.build_opener(Checked, *([urllib.request.ProxyHandler({})] if near else []))
    try:
        request = urllib.request.Request(address, headers={"User-Agent": "condacolab-bootstrap"})  # noqa: S310
        with opener.open(request, timeout=SECONDS / 3) as answer:
            return _limited(answer, address)
    except urllib.error.HTTPError as error:
        said = f"{address}: {error.code} {error.reason}"
        raise LockNotFetchedError("The server returned an error for the lock.", evidence=[said]) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise LockNotFetchedError(
            "Can't download the lock.", evidence=[address, f"{type(error).__name__}: {reason}"]
        ) from None


def _limited(answer: HTTPResponse, address: str) -> bytes:
    """The answer's content, within the limits of size and time."""
    deadline = time.monotonic() + SECONDS
    content = bytearray()
    while block := answer.read1(2**16):
        content += block
        if len(content) > BYTES or time.monotonic() > deadline:
            limit = f"{BYTES >> 20} MiB" if len(content) > BYTES else f"{SECONDS:.0f} s"
            raise LockNotFetchedError(f"The lock exceeded the limit of {limit}.", evidence=[address])
    length = answer.headers.get("Content-Length")
    if length is not None and length.isdecimal() and int(length) != len(content):
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


def _write(path: Path, content: bytes) -> None:
    try:
        write_atomically(path, content, shared=True, durable=False)
    except OSError as error:
        said = f"{path}: {error.strerror}"
        raise LockNotFetchedError("Can't write the lock to the cache.", evidence=[said]) from None
