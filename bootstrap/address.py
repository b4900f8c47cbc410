"""What is at an address: which ones may be read, how they are opened, and where they may lead.

A lock and a pack are read by the same rules. A `Subject` says what is read, and which errors name that.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.client import HTTPResponse

    from bootstrap.errors import BootstrapError

SECONDS = 20.0
"""For a connection, and for each silence after that."""
REDIRECTS = 5
_PIN = re.compile(r"sha256=([0-9a-f]{64})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Subject:
    """What is read from an address."""

    noun: str
    """What messages call it: ``lock``."""
    refused: type[BootstrapError]
    """The address may not be read, or leads to one that may not."""
    failed: type[BootstrapError]
    """The server can't be reached, or has nothing there."""


def is_address(name: str | os.PathLike[str]) -> bool:
    """Whether what names a file is an address rather than a path."""
    return "://" in os.fspath(name)


def without_pin(name: str, subject: Subject) -> tuple[str, str]:
    """An address without what stands behind its ``#``, and the digest there; empty where it names none.

    Raises:
        BootstrapError: The subject's; what stands there is no digest.
    """
    place, separator, fragment = name.partition("#")
    pin = _PIN.fullmatch(fragment)
    if separator and fragment and not pin:
        raise subject.refused(
            f"After the # in the {subject.noun}'s URL, sha256= and 64 hexadecimal digits are expected.",
            evidence=[name],
        )
    return place, pin[1].lower() if pin else ""


def path_without_pin(path: str) -> tuple[str, str]:
    """The same of a path, which may have a ``#`` of its own: only a digest is taken off."""
    place, _, fragment = path.rpartition("#")
    pin = _PIN.fullmatch(fragment)
    return (place, pin[1].lower()) if place and pin else (path, "")


def split(address: str, subject: Subject) -> SplitResult:
    """The parts of an address that may be read: https, file, or http on loopback.

    Raises:
        BootstrapError: The subject's; it may not.
    """
    noun = subject.noun
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise subject.refused(f"The {noun}'s URL is malformed.", evidence=[address, str(error)]) from None
    if any(ord(c) <= 32 or ord(c) == 127 for c in address):
        raise subject.refused(f"The {noun}'s URL contains a space or a control character.", evidence=[address])
    if parts.scheme == "file" and not host:
        return parts
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise subject.refused(f"A {noun}'s URL must be https, file, or http on loopback.", evidence=[address])
    return parts


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name or number."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def opened(parts: SplitResult, subject: Subject, headers: Mapping[str, str] | None = None) -> HTTPResponse:
    """The answer to a request for what is at an address; redirects are followed by the rules of `split`.

    Args:
        parts: What `split` returned.
        subject: What is read.
        headers: Of the request, beside its own.

    Raises:
        BootstrapError: The subject's; it leads to an address that may not be read.
        OSError: It can't be had; an `urllib.error.HTTPError` where the server says so.
        http.client.HTTPException: What answers doesn't speak HTTP.
    """
    import urllib.request

    address = urlunsplit(parts._replace(fragment=""))

    class Checked(urllib.request.HTTPRedirectHandler):
        max_redirections = REDIRECTS

        def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
            goal = split(urljoin(req.full_url, newurl), subject)
            if goal.scheme == "file" or (req.type == "https" and goal.scheme != "https"):
                raise subject.refused(
                    f"The {subject.noun}'s URL redirects to one that isn't https.",
                    evidence=[address, f"redirects to {newurl}"],
                )
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    near = parts.scheme == "file" or is_loopback(parts.hostname or "")
    # A proxy has no business with loopback.
    opener = urllib.request.build_opener(Checked, *([urllib.request.ProxyHandler({})] if near else []))
    own = {"User-Agent": "condacolab-bootstrap", "Accept-Encoding": "identity"}
    request = urllib.request.Request(address, headers={**own, **(headers or {})})  # noqa: S310
    answer: HTTPResponse = opener.open(request, timeout=SECONDS)
    return answer
