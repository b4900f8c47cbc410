"""Asks a server once more for a file that could not be had, to tell whose fault that was, and which.

The engine's own words are too coarse for that: it calls a loop of redirects, an answer of another status and a
connection that breaks by much the same name, and says nothing while it waits as long as a server asks it to.
"""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from bootstrap._version import __version__
from bootstrap.lock.policy import LOOPBACK_HOSTS

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS = 20.0
"""For a connection, and for each silence after that."""
SECONDS_TO_READ = 300.0
"""For the whole of an archive."""
LARGEST = 8_000_000_000
"""Bytes of an archive of which no size is known."""
_HEADERS = {"User-Agent": f"condacolab-bootstrap/{__version__}", "Accept-Encoding": "identity"}
_MOST_REDIRECTS = 10
_REFUSALS = (401, 403, 407, 451)
_GONE = (404, 410)


@dataclass(frozen=True)
class ServerFinding:
    """What was found out."""

    kind: str
    """One of the worker's kinds of faults; empty where the server answers as it should."""
    evidence: tuple[str, ...] = ()
    retry_after: float | None = None
    """Seconds that the server asks to be left alone for."""


def look(url: str, *, sha256: str = "", size: int | None = None) -> ServerFinding:
    """Asks for a file, follows redirects as a download would, and judges the answer.

    Args:
        url: An http or https address.
        sha256: Of the file; where it is given, the file is read, and the kind is ``hash`` or ``corrupt``.
        size: Bytes of the file, where known.
    """
    seen: list[str] = []
    while True:
        try:
            answer = _ask(url)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return ServerFinding("connection", (*_way(seen, url), _words(error)))
        with answer:
            status = answer.status
            if 300 <= status < 400 and status != 304:
                where = answer.headers.get("Location")
                seen.append(url)
                fault = _redirect(url, where, seen, status)
                if fault:
                    return fault
                url = urljoin(url, where or "")
                continue
            told = (*_way(seen, url), f"the server returned {status} {answer.reason}".rstrip())
            if status != 200:
                return _refusal(status, told, answer.headers)
            if not sha256:
                return ServerFinding("")
            return _read(answer, sha256, size)


def _ask(url: str) -> Any:
    # What is on this machine is never asked for by way of another.
    proxies = urllib.request.ProxyHandler({}) if urlsplit(url).hostname in LOOPBACK_HOSTS else None
    opener = urllib.request.build_opener(*([proxies] if proxies else []), _Stay)
    # The scheme was judged with the lock, a redirect's in `_redirect`.
    request = urllib.request.Request(url, headers=_HEADERS)  # noqa: S310
    try:
        return opener.open(request, timeout=SECONDS)
    except urllib.error.HTTPError as error:
        return error


class _Stay(urllib.request.HTTPRedirectHandler):
    """Has every redirect be an answer like others: it is followed above, where it is judged."""

    def http_error_302(self, *_: Any) -> None:
        """Follows nothing."""

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302  # type: ignore[assignment]


def _redirect(url: str, where: str | None, seen: list[str], status: int) -> ServerFinding | None:
    """What is wrong with a redirect."""
    way = _way(seen, url)
    if not where:
        return ServerFinding("server", (*way, f"the server returned {status} without a location"))
    try:
        target = urlsplit(urljoin(url, where))
        hostname, _ = target.hostname, target.port
    except ValueError as error:
        return ServerFinding("server", (*way, f"the server returned {status} with a malformed URL, {where}: {error}"))
    if target.geturl() in seen or len(seen) > _MOST_REDIRECTS:
        return ServerFinding("server", (*way, f"the server returned {status}, in a redirect loop"))
    secure = target.scheme == "https" or (target.scheme == "http" and urlsplit(url).scheme == "http")
    if not secure or not hostname:
        return ServerFinding("redirect", (*way, f"the server returned {status}: redirected to {target.geturl()}"))
    return None


def _refusal(status: int, told: tuple[str, ...], headers: Mapping[str, str]) -> ServerFinding:
    if status in _REFUSALS:
        return ServerFinding("refused", told)
    if status in _GONE:
        return ServerFinding("not-found", told)
    wait = None
    if header := headers.get("Retry-After"):
        told = (*told, f"it asks to wait: Retry-After: {header}")
        with suppress(ValueError, OverflowError):
            wait = max(0.0, float(header))
    if status == 206:
        told = (*told, "to a request for the whole file")
    return ServerFinding("server", told, wait)


def _read(answer: Any, sha256: str, size: int | None) -> ServerFinding:
    """Whether what comes is what the lock names: as much of it as may be, for as long as may be."""
    digest, count = hashlib.sha256(), 0
    deadline = time.monotonic() + SECONDS_TO_READ
    try:
        while chunk := answer.read1(1 << 20):
            digest.update(chunk)
            count += len(chunk)
            if count > (size or LARGEST):
                return ServerFinding("hash", (f"more than the {size or LARGEST} bytes expected",))
            if time.monotonic() > deadline:
                return ServerFinding("connection", (f"{count} bytes in {SECONDS_TO_READ:.0f} s, unfinished",))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return ServerFinding("connection", (_words(error),))
    if answer.length:
        return ServerFinding("connection", (f"the connection ended {answer.length} bytes before the file's end",))
    if digest.hexdigest() == sha256:
        return ServerFinding("corrupt", (f"its sha256 is the locked one, {sha256}",))
    return ServerFinding("hash", (f"sha256 found: {digest.hexdigest()}", f"sha256 locked: {sha256}"))


def _way(seen: list[str], url: str) -> tuple[str, ...]:
    return (f"redirected from {seen[0]} to {url}",) if seen and seen[0] != url else ()


def _words(error: Exception) -> str:
    return str(error)[:300] or type(error).__name__
