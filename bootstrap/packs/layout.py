"""Where what lies in a pack.

A pack is a plain tar file with members in this order: ``pack.json``, the index; ``conda-lock.yml``, the lock;
``channel/SUBDIR/NAME.conda``, the archives that the lock names, as their channel has them, the largest first; and
``manifest.json.gz``, what each file of the packed environment was. Every byte of it follows from the index: where a
member begins from the sizes before it, its header from its name and size, its content from a digest, which for an
archive is the lock's. So nothing in a pack can say otherwise than the index, or lie where nobody looks.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bootstrap.errors import PackAlteredError, PackFormatError, PackPlatformError, PackUnsafeError
from bootstrap.lock.model import ARCHIVE_SUFFIXES
from bootstrap.prefix.paths import fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bootstrap.lock import Record

VERSION = 1
INDEX, LOCK, MANIFEST = "pack.json", "conda-lock.yml", "manifest.json.gz"
CHANNEL = "channel/"
BLOCK = 512
END = bytes(2 * BLOCK)
INDEX_BYTES = 16 << 20
"""How large an index may be: one of 400 packages has 80 kB."""
LOCK_BYTES = 64 << 20
MANIFEST_BYTES = 256 << 20
"""How large a manifest may be, unpacked: one of 40,000 files has 8 MB."""
_NAME_BYTES = 255
_MOST = 1 << 50
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME_FIELD = 100
_SIZE_FIELD = slice(124, 136)
_SIZE_LIMIT = 8**11


@dataclass(frozen=True)
class PackedArchive:
    """A package's archive in a pack."""

    file: str
    """Subdir and file name, as in a channel."""
    sha256: str
    size: int
    unpacked: int
    """Bytes that its files have together."""


@dataclass(frozen=True)
class Member:
    """One file of a pack."""

    name: str
    start: int
    """Where its content begins."""
    size: int

    @property
    def header(self) -> bytes:
        """What stands before its content."""
        return header(self.name, self.size)

    @property
    def end(self) -> int:
        """Where its content ends."""
        return self.start + self.size

    @property
    def after(self) -> int:
        """Where the next member's header begins: a tar file is filled up to whole blocks."""
        return -(-self.end // BLOCK) * BLOCK


def header(name: str, size: int) -> bytes:
    """A member's header in a tar file: the same for everybody, with no time, owner or machine in it.

    The standard library's is not the same in all of its versions. Source: POSIX, pax, "ustar Interchange Format".
    """
    raw = name.encode()
    more = b""
    if len(raw) > _NAME_FIELD:
        more += _extended("path", raw)
    if size >= _SIZE_LIMIT:
        more += _extended("size", str(size).encode())
    first = _block(b"././@PaxHeader", len(more), b"x") + more + bytes(-len(more) % BLOCK) if more else b""
    return first + _block(raw[:_NAME_FIELD], size if size < _SIZE_LIMIT else 0, b"0")


def _block(name: bytes, size: int, kind: bytes) -> bytes:
    fields = (
        name.ljust(_NAME_FIELD, b"\x00"),
        b"0000644\x00",  # mode
        b"0000000\x00" * 2,  # owner and group
        b"%011o\x00" % size,
        b"00000000000\x00",  # time
        b" " * 8,  # the sum of all bytes, these taken for blanks
        kind,
        bytes(100),
        b"ustar\x00",
        b"00",
    )
    block = b"".join(fields).ljust(BLOCK, b"\x00")
    return block[:148] + b"%06o\x00 " % sum(block) + block[156:]


def _extended(key: str, value: bytes) -> bytes:
    """A record of an extended header, which begins with its own length."""
    rest = b" " + key.encode() + b"=" + value + b"\n"
    length = len(rest) + len(str(len(rest)))
    length = len(rest) + len(str(length))
    return str(length).encode() + rest


@dataclass(frozen=True)
class PackIndex:
    """What a pack says of itself."""

    platform: str
    lock_sha256: str
    lock_size: int
    archives: tuple[PackedArchive, ...]
    manifest_sha256: str
    manifest_size: int
    manifest_unpacked: int

    def text(self) -> bytes:
        """The index as it stands in a pack; the same content is always the same text."""
        data = {
            "pack": VERSION,
            "platform": self.platform,
            "lock": {"sha256": self.lock_sha256, "size": self.lock_size},
            "archives": [vars(archive) for archive in self.archives],
            "manifest": {
                "sha256": self.manifest_sha256,
                "size": self.manifest_size,
                "unpacked": self.manifest_unpacked,
            },
        }
        text = json.dumps(data, indent=1, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return json.dumps({**data, "sha256": digest}, indent=1, sort_keys=True).encode() + b"\n"

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """The files of the pack, in their order, and where each lies."""
        sizes = [(INDEX, len(self.text())), (LOCK, self.lock_size)]
        sizes += [(CHANNEL + archive.file, archive.size) for archive in self.archives]
        sizes.append((MANIFEST, self.manifest_size))
        members: list[Member] = []
        position = 0
        for name, size in sizes:
            start = position + len(header(name, size))
            members.append(Member(name, start, size))
            position = members[-1].after
        return tuple(members)

    @property
    def size(self) -> int:
        """Bytes of the whole pack."""
        return self.members[-1].after + len(END)

    @property
    def unpacked(self) -> int:
        """Bytes that the files of all packages have together."""
        return sum(archive.unpacked for archive in self.archives)


def index_size(start: bytes) -> int:
    """Bytes of the index, by the first block of a pack.

    Raises:
        PackFormatError: It is none.
    """
    field = start[_SIZE_FIELD].rstrip(b"\0 ")
    size = int(field, 8) if re.fullmatch(rb"[0-7]+", field) else -1
    if len(start) < BLOCK or size < 0 or start[:BLOCK] != header(INDEX, size):
        page = re.match(rb"\s*<(!doctype|html)", start[:200], re.IGNORECASE)
        what = (
            "it begins as a web page does" if page else f"it doesn't begin with {INDEX} as `bootstrap pack` writes it"
        )
        raise PackFormatError("This file is not a pack.", evidence=[what])
    if size > INDEX_BYTES:
        raise PackUnsafeError("The pack's index is too large.", evidence=[f"{size} bytes, at most {INDEX_BYTES}"])
    return size


def read_index(text: bytes, platform: str) -> PackIndex:
    """The index, judged: it is one, of this format and for this platform, and nothing in it is out of bounds.

    Raises:
        PackFormatError: It is none, or of another format.
        PackAlteredError: It isn't what was written.
        PackPlatformError: The pack is for another platform.
        PackUnsafeError: It has names or sizes that no pack may have.
    """
    try:
        data = json.loads(text)
        version = data["pack"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(f"{INDEX}: {type(error).__name__}") from None
    if version != VERSION or isinstance(version, bool):
        raise PackFormatError("The pack has another format.", evidence=[f"format {version!r}, known is {VERSION}"])
    try:
        lock, manifest = data["lock"], data["manifest"]
        index = PackIndex(
            platform=_text(data["platform"]),
            lock_sha256=_sha256(lock["sha256"]),
            lock_size=_count(lock["size"], LOCK, LOCK_BYTES),
            archives=tuple(_archive(entry) for entry in data["archives"]),
            manifest_sha256=_sha256(manifest["sha256"]),
            manifest_size=_count(manifest["size"], MANIFEST, MANIFEST_BYTES),
            manifest_unpacked=_count(manifest["unpacked"], MANIFEST, MANIFEST_BYTES),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _damaged(f"{INDEX}: {type(error).__name__}: {error}") from None
    if index.text() != text:
        raise _damaged(f"{INDEX}: its digest is another")
    if index.platform != platform:
        raise PackPlatformError(
            "The pack is for another platform.", evidence=[f"packed for {index.platform}, this is {platform}"]
        )
    times = Counter(archive.file for archive in index.archives)
    if twice := sorted(name for name, count in times.items() if count > 1):
        raise PackUnsafeError("The pack has two archives of one name.", evidence=twice[:10])
    return index


def require_lock(index: PackIndex, records: Sequence[Record]) -> None:
    """Raises unless the pack has the archives of these records, and no others.

    Raises:
        PackAlteredError: It hasn't.
    """
    locked = {place(record): record.sha256 for record in records}
    packed = {archive.file: archive.sha256 for archive in index.archives}
    if locked != packed:
        names = sorted(name for name in {*locked, *packed} if locked.get(name) != packed.get(name))
        evidence = [f"{name}: {_side(name, locked, packed)}" for name in names[:10]]
        raise PackAlteredError("The pack's archives aren't those in its lock.", evidence=evidence)


def place(record: Record) -> str:
    """A record's archive in a channel, and in a pack."""
    return f"{record.subdir}/{record.filename}"


def _side(name: str, locked: Mapping[str, str | None], packed: Mapping[str, str]) -> str:
    if name not in packed:
        return "only in the lock"
    return "with another sha256" if name in locked else "only in the pack"


def _archive(entry: Mapping[str, Any]) -> PackedArchive:
    file = _text(entry["file"])
    if words := _fault(file):
        raise PackUnsafeError("A name in the pack is unsafe.", evidence=[f"{file[:300]!r} {words}"])
    size, unpacked = (_count(entry[key], file, _MOST) for key in ("size", "unpacked"))
    return PackedArchive(file, _sha256(entry["sha256"]), size, unpacked)


def _fault(file: str) -> str | None:
    """Why an archive's name is refused, in words."""
    subdir, _, name = file.partition("/")
    if words := fault(file):
        return words
    if not subdir or "/" in name or not name.endswith(ARCHIVE_SUFFIXES):
        return "is no archive's place in a channel"
    if any(len(part.encode(errors="surrogatepass")) > _NAME_BYTES for part in (subdir, name)):
        return "is too long"
    return None


def _count(value: object, name: str, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name}: {value!r} is not a size")
    if not 0 <= value <= most:
        raise PackUnsafeError("A size in the pack's index is impossible.", evidence=[f"{name}: {value}"])
    return value


def _sha256(value: object) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise TypeError(f"{str(value)[:100]!r} is not a sha256")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:100]!r} is not text")
    return value


def _damaged(evidence: str) -> PackAlteredError:
    return PackAlteredError("The pack's index is damaged.", evidence=[evidence])


def ordered(archives: Iterable[PackedArchive]) -> tuple[PackedArchive, ...]:
    """The largest first: it takes longest to unpack, and should not be alone at the end."""
    return tuple(sorted(archives, key=lambda archive: (-archive.size, archive.file)))
