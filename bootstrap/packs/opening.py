"""A pack that is read: judged, and given to a restore as the place that its archives come from."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.address import Subject, is_address, path_without_pin, without_pin
from bootstrap.errors import (
    ArchiveCorruptError,
    BootstrapError,
    ConnectionFailedError,
    HashMismatchError,
    PackAddressError,
    PackAlteredError,
    PackDigestError,
    PackLockError,
    PackNotFetchedError,
    PackNotFoundError,
    PackTruncatedError,
    ServerError,
)
from bootstrap.lock import PLATFORM, read_lock, validate
from bootstrap.lock.address import keep_lock
from bootstrap.packs import layout
from bootstrap.packs.content import content_at
from bootstrap.packs.manifest import Packages, differences, read_manifest
from bootstrap.packs.server import serving
from bootstrap.prefix.place import absolute
from bootstrap.text import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bootstrap.lock import Lock, Record
    from bootstrap.packs.content import Content
    from bootstrap.packs.layout import Member, PackIndex
    from bootstrap.prefix.manifest import Manifest

PACK = Subject("pack", PackAddressError, PackNotFetchedError)
_MUCH = 256 << 20
_FACTOR = 2
"""What is unpacked is written twice where cache and prefix share no file system, or files are rewritten."""


class Pack:
    """A pack whose index and lock were read.

    Args:
        name: Its path or address, as it may be shown.
        content: Its bytes.
        pin: What the sha256 of the whole has to be; empty where any will do.
        cache: Folder of the cache, in which its lock is kept.

    Raises:
        PackError: It can't be used.
        LockError: Its lock can't be used.
    """

    def __init__(self, name: str, content: Content, *, pin: str, cache: Path) -> None:
        self.name = name
        self.pin = pin
        self._content = content
        self.index = self._read_index()
        self._members: dict[str, Member] = {member.name: member for member in self.index.members}
        content.allow(self.index.size)
        self._require_size(content.size)
        text = self._whole(self._members[layout.LOCK])
        if hashlib.sha256(text).hexdigest() != self.index.lock_sha256:
            raise self._altered(f"{layout.LOCK}: its sha256 is another than in the index")
        self.lock: Lock = read_lock(keep_lock(text, cache, f"the lock in {name}"))
        self.records = validate(self.lock, PLATFORM)
        layout.require_lock(self.index, self.records)
        self._failures: list[Exception] = []

    @property
    def downloads(self) -> int:
        """How many archives are best asked for at a time.

        Those in a file are there. What comes, comes in the pack's own order: all that are waited for get on.
        """
        return 0 if self.local else 200

    @property
    def local(self) -> bool:
        """Whether it is a file on this machine."""
        return not is_address(self.name) or self.name.startswith("file:")

    def _read_index(self) -> PackIndex:
        start = self._content.read(0, layout.BLOCK)
        size = layout.index_size(start)
        text = self._content.read(layout.BLOCK, size)
        if len(text) < size:
            raise self._truncated(layout.BLOCK + len(text), layout.BLOCK + size)
        return layout.read_index(text, PLATFORM)

    def _require_size(self, size: int | None) -> None:
        if size is not None and size != self.index.size:
            raise self._truncated(size, self.index.size)

    def _truncated(self, size: int, expected: int) -> PackTruncatedError:
        how = "shorter" if size < expected else "longer"
        detail = f"{self.name}: {size} bytes, its index says {expected}"
        return PackTruncatedError(f"The pack is {how} than its index says.", evidence=[detail])

    def _altered(self, said: str) -> PackAlteredError:
        return PackAlteredError("The pack was altered.", evidence=[f"{self.name}: {said}"])

    def _judge(self, member: Member) -> None:
        """Compares what stands before a member with what has to stand there."""
        members = self.index.members
        number = members.index(member)
        start, end = (members[number - 1].end, members[number - 1].after) if number else (0, 0)
        expected = bytes(end - start) + member.header
        content = self._content.read(start, len(expected))
        if len(content) < len(expected):
            raise self._truncated(start + len(content), self.index.size)
        if content != expected:
            raise self._altered(f"the header of {member.name}")

    def _whole(self, member: Member) -> bytes:
        """The content of a small member."""
        self._judge(member)
        content = self._content.read(member.start, member.size)
        if len(content) < member.size:
            raise self._truncated(member.start + len(content), self.index.size)
        return content

    def require_lock(self, lock: Path) -> None:
        """Raises unless the pack's lock is that one.

        Raises:
            PackLockError: It is another.
            LockError: That one can't be read.
        """
        given = read_lock(lock)
        if given.sha256 != self.lock.sha256:
            evidence = [f"{lock}: sha256 {given.sha256}", f"{self.name}: its lock has sha256 {self.lock.sha256}"]
            raise PackLockError("The pack holds another lock.", evidence=evidence)

    # What a restore asks of it

    @contextmanager
    def serving(self, records: Sequence[Record]) -> Iterator[Mapping[str, str]]:
        """Serves the archives of these records; gives their addresses by the packages' names."""
        files = {layout.place(record): record.name for record in records}
        members = {file: self._members[layout.CHANNEL + file] for file in files}
        with serving(self._content, members, self._judge, self._failures.append) as places:
            yield {files[file]: address for file, address in places.items()}

    def room(self, records: Sequence[Record]) -> int:
        """Bytes that there must be room for: these packages' files, and the pack itself while it comes."""
        return self._unpacked(records) + (0 if self.local else self.index.size)

    def most_written(self, records: Sequence[Record]) -> int:
        """Bytes that unpacking and linking these packages may write."""
        return _FACTOR * self._unpacked(records) + _MUCH

    def _unpacked(self, records: Sequence[Record]) -> int:
        files = {layout.place(record) for record in records}
        return sum(archive.unpacked for archive in self.index.archives if archive.file in files)

    def explained(self, error: BootstrapError) -> BootstrapError:
        """An error of the engine as what it is: it knows nothing of packs."""
        failure = next(iter(self._failures), None)
        if isinstance(failure, BootstrapError):
            return failure
        if isinstance(failure, EOFError):
            return self._truncated(self._content.require(self.index.size), self.index.size)
        if isinstance(error, (HashMismatchError, ArchiveCorruptError)):
            return PackAlteredError("An archive in the pack was altered.", evidence=[self.name, *error.evidence])
        if isinstance(error, (ConnectionFailedError, ServerError)):
            return PackNotFetchedError("The pack couldn't be read.", evidence=[self.name, *error.evidence])
        return error

    def manifest(self) -> Packages:
        """What each file was when the pack was made.

        Raises:
            PackAlteredError: It isn't what was written.
        """
        packed = self._whole(self._members[layout.MANIFEST])
        if hashlib.sha256(packed).hexdigest() != self.index.manifest_sha256:
            raise self._altered(f"{layout.MANIFEST}: its sha256 is another than in the index")
        try:
            with gzip.open(io.BytesIO(packed)) as file:
                text = file.read(self.index.manifest_unpacked + 1)
            if len(text) != self.index.manifest_unpacked:
                raise ValueError(f"not the {self.index.manifest_unpacked} bytes that the index says")
            return read_manifest(json.loads(text), self.records)
        except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self._altered(f"{layout.MANIFEST}: {type(error).__name__}: {error}") from None

    def prove(self, state: Manifest) -> None:
        """Raises unless a restored environment has the files that the packed one had, and the pack is the one meant.

        Args:
            state: Of the environment, which is not in its place yet.

        Raises:
            PackError: It hasn't; or the pack is another than its digest says.
        """
        self._require_size(self._content.require(self.index.size + 1))
        if self.pin:
            self.require_pin()
        if differing := differences(self.manifest(), state):
            said = [self.name, *differing[:10]]
            raise PackAlteredError("The restored files aren't those in the pack's manifest.", evidence=said)

    def require_pin(self) -> None:
        """Raises unless the whole has the sha256 that it was named by."""
        sha256 = self._content.sha256()
        if sha256 != self.pin:
            evidence = [self.name, f"sha256 found: {sha256}", f"expected: {self.pin}"]
            raise PackDigestError("The pack doesn't match its #sha256=.", evidence=evidence)

    def told(self) -> dict[str, Any]:
        """What is in it, as JSON-ready data; a local one is compared with its pin first."""
        if self.pin and self.local:
            self.require_pin()
        return {
            "name": self.name,
            "platform": self.index.platform,
            "packages": len(self.index.archives),
            "size": self.index.size,
            "unpacked": self.index.unpacked,
            "lock_sha256": self.index.lock_sha256,
        }


def absolute_name(pack: str | os.PathLike[str]) -> str:
    """The path or address of a pack, from wherever it is read."""
    name = os.fspath(pack)
    return name if is_address(name) else str(absolute(Path(name)))


@contextmanager
def open_pack(
    pack: str,
    cache: Path,
    *,
    offline: bool = False,
    on_retry: Callable[[BootstrapError, float], None] | None = None,
) -> Iterator[Pack]:
    """Opens a pack by its path or address, at whose end ``#sha256=HEX`` may say which content is meant.

    Args:
        pack: The path or address.
        cache: The cache's folder: its lock is kept there, and what comes lies there meanwhile.
        offline: Fetch nothing.
        on_retry: Called with a fault of server or network, and the seconds until the next attempt.

    Raises:
        PackError: It can't be used.
        LockError: Its lock can't be used.
    """
    place, pin = without_pin(pack, PACK) if is_address(pack) else path_without_pin(pack)
    shown = masked(place)
    if offline and is_address(place) and not place.startswith("file:"):
        hint = "Omit `--offline`, or pass a local pack."
        raise PackNotFetchedError(
            "The pack is at a URL, which offline mode can't fetch.", evidence=[shown], hint=hint
        )
    try:
        content = content_at(
            place, PACK, cache, most=layout.INDEX_BYTES + layout.LOCK_BYTES, digested=bool(pin), on_retry=on_retry
        )
    except OSError as error:
        raise PackNotFoundError("Can't read the pack.", evidence=[f"{shown}: {error.strerror or error}"]) from None
    with content:
        yield Pack(shown, content, pin=pin, cache=cache)
