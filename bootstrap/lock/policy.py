"""What a lock must satisfy before anything of it is used.

Each rule has its own error, which lists the records at fault with their lines. The rules are those of the
project's own safety: explicit and hashed archives, from the lock's own channels only, complete.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bootstrap._util.listing import capped
from bootstrap.errors import (
    DanglingDependencyError,
    ForeignChannelError,
    LockError,
    MissingHashError,
    PipEntryError,
    PlatformNotLockedError,
    RecordMismatchError,
    RequiredPackageError,
    UnsafePathError,
    UrlCredentialsError,
    UrlSchemeError,
    WrongSubdirError,
)
from bootstrap.lock.model import ARCHIVE_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bootstrap.lock.model import Lock, Record

REQUIRED_PACKAGES = ("python", "numpy")
"""Without these there is nothing to prove healthy."""

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")

_SHA256 = re.compile(r"[0-9a-f]{64}")
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_SHOWN = 5


def validate(lock: Lock, platform: str) -> tuple[Record, ...]:
    """Returns the lock's records for a platform, or raises the rule that the lock breaks.

    Args:
        lock: The lock as read.
        platform: E.g. ``linux-64``.

    Raises:
        LockError: The first broken rule, as one of its subclasses, with all records at fault as evidence.
    """
    if platform not in lock.platforms:
        locked = ", ".join(lock.platforms) or "none"
        raise PlatformNotLockedError(
            f"The lock has no records for {platform}.", evidence=[f"{lock.path}: platforms locked: {locked}"]
        )
    records = lock.for_platform(platform)
    _refuse(lock, records, PipEntryError, "that pip would install", lambda r: r.manager == "pip")
    _refuse(
        lock, records, MissingHashError, "without a valid sha256", lambda r: not _SHA256.fullmatch(r.sha256 or "")
    )
    _refuse(lock, records, UrlSchemeError, "with a URL that is neither https nor file", _bad_scheme)
    _refuse(lock, records, UrlCredentialsError, "with credentials in the URL", _credentials, show_url=False)
    _refuse(lock, records, UnsafePathError, "with an unsafe path in the URL", _unsafe_path)
    urls = lock.channel_urls
    _refuse(lock, records, ForeignChannelError, "from outside the lock's channels", lambda r: r.channel not in urls)
    _refuse(lock, records, WrongSubdirError, "for another platform", lambda r: r.subdir not in (platform, "noarch"))
    _refuse(lock, records, RecordMismatchError, "whose file name belongs to another package", _misnamed)
    _complete(lock, records)
    names = {r.name for r in records}
    if absent := [name for name in REQUIRED_PACKAGES if name not in names]:
        raise RequiredPackageError(f"The lock doesn't hold {', '.join(absent)}.", evidence=[str(lock.path)])
    return records


def _refuse(
    lock: Lock,
    records: Iterable[Record],
    error: type[LockError],
    fault: str,
    broken: Callable[[Record], bool],
    *,
    show_url: bool = True,
) -> None:
    bad = [r for r in records if broken(r)]
    if bad:
        lines = [f"{lock.path}:{r.line}: {r}" + (f": {r.url}" if show_url else "") for r in bad]
        raise error(f"The lock has {_count(bad)} {fault}.", evidence=capped(lines, _SHOWN))


def _bad_scheme(record: Record) -> bool:
    url = urlsplit(record.url)
    if url.scheme == "file":
        return url.netloc not in ("", "localhost")
    # Plain http is refused because others could answer; on loopback there are no others.
    return url.scheme != "https" and not (url.scheme == "http" and url.hostname in LOOPBACK_HOSTS)


def _credentials(record: Record) -> bool:
    url = urlsplit(record.url)
    return "@" in url.netloc or "/t/" in url.path


def _unsafe_path(record: Record) -> bool:
    url = urlsplit(record.url)
    path = unquote(url.path)
    parts = path.split("/")[1:]
    # Decoding must not uncover another level, or the server and this rule would read two different paths.
    return (
        bool(url.query or url.fragment)
        or _UNSAFE.search(record.url) is not None  # urlsplit drops some of these in silence
        or unquote(path) != path
        or _UNSAFE.search(path) is not None
        or not parts
        or any(part in ("", ".", "..") for part in parts)
        or posixpath.basename(url.path) != parts[-1]
        or not path.endswith(ARCHIVE_SUFFIXES)
        or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", record.name)
    )


def _misnamed(record: Record) -> bool:
    return record.stem != f"{record.name}-{record.version}-{record.locked_build or record.build}"


def _complete(lock: Lock, records: Sequence[Record]) -> None:
    names = {r.name for r in records}
    dangling = [
        f"{lock.path}:{r.line}: {r} needs {name} {spec}".rstrip()
        for r in records
        for name, spec in r.depends.items()
        if name not in names and not name.startswith("__")
    ]
    if dangling:
        raise DanglingDependencyError(
            f"The lock lacks packages that its own records depend on ({len(dangling)}).",
            evidence=capped(dangling, _SHOWN),
        )


def _count(records: Sequence[Record]) -> str:
    return "a record" if len(records) == 1 else f"{len(records)} records"
