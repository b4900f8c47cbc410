"""METADATA out of archives: of a wheel without fetching the wheel, of a source archive's own record."""

from __future__ import annotations

import email
import io
import re
import tarfile
import tempfile
import urllib.parse
import urllib.request
import zipfile
import zlib
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import IO, TYPE_CHECKING

from bootstrap.diagnosis.bounded_read import fetch
from bootstrap.diagnosis.model import Dist

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

_TAIL, _LONG_TAIL = 131_072, 8_000_000
"""The directory of a zip archive is at its end, and wheels put their METADATA right before it."""
_MEMBER = b"PK\x03\x04"
_HEADER = 30 + 2 * 65_535
"""Bytes before a member's content at most: its fixed fields, its name and its extra field."""
_WHEEL_LIMIT = 2_000_000_000
"""A server without ranges sends all of a wheel."""
_SOURCE_LIMIT = 30_000_000
_RECORD_LIMIT = 5_000_000


def size_of(url: str) -> int | None:
    """An archive's size by its server; None where it doesn't tell."""
    if url.startswith("file:"):
        try:
            return _path(url).stat().st_size
        except OSError:
            return None
    try:
        _, headers = fetch(url, {"Range": "bytes=0-0"})
    except OSError:
        return None
    total = headers.get("Content-Range", "").rpartition("/")[2]
    return int(total) if total.isdigit() else None


def _path(url: str) -> Path:
    """Of a ``file:`` address."""
    return Path(urllib.request.url2pathname(urllib.parse.urlsplit(url).path))


def read_wheel(url: str) -> Dist:
    """What a wheel's METADATA says.

    Raises:
        OSError: It can't be fetched.
        ValueError: It isn't a wheel.
    """
    for size in (_TAIL, _LONG_TAIL):
        with _tail(url, size) as file, suppress(zipfile.BadZipFile), zipfile.ZipFile(file) as archive:
            members = [m for m in archive.infolist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", m.filename)]
            if not members:
                break
            _fill(file, members[0], url)
            return parse(archive.read(members[0]).decode("utf-8", "replace"), url)
    raise ValueError(f"{url}: no METADATA")


def _tail(url: str, size: int) -> IO[bytes]:
    """A file as long as the one at an address, of which at least the end is there; before it may be a hole."""
    if url.startswith("file:"):
        return _path(url).open("rb")
    data, headers = fetch(url, {"Range": f"bytes=-{size}"}, most=_WHEEL_LIMIT)
    total = headers.get("Content-Range", "").rpartition("/")[2]
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    file.seek(int(total) - len(data) if total.isdigit() else 0)  # without ranges the server sends all of it
    file.write(data)
    return file


def _fill(file: IO[bytes], member: zipfile.ZipInfo, url: str) -> None:
    """Brings what of an archive's member lies before the end that is there already."""
    file.seek(member.header_offset)
    if file.read(len(_MEMBER)) == _MEMBER:
        return
    end = member.header_offset + _HEADER + member.compress_size
    data, headers = fetch(url, {"Range": f"bytes={member.header_offset}-{end}"})
    if headers.get("Content-Range"):
        file.seek(member.header_offset)
        file.write(data)


def read_source(url: str, size: int | None) -> Dist:
    """What a source archive says of itself; its build could say more.

    Raises:
        OSError: It can't be fetched.
        ValueError: It is too large to be fetched for this, or says nothing.
    """
    if size is not None and size > _SOURCE_LIMIT:
        raise ValueError(f"{url}: {size} bytes are too many to read its metadata")
    data, _ = fetch(url, most=_SOURCE_LIMIT)
    try:
        texts = dict(_zipped_records(data) if url.endswith(".zip") else _tarred_records(data))
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ValueError(f"{url}: {error}") from error

    def text(suffix: str, depth: int) -> str | None:
        names = sorted((n for n in texts if n.endswith(suffix) and n.count("/") <= depth), key=len)
        return texts[names[0]] if names else None

    info = text("/PKG-INFO", 1) or text(".egg-info/PKG-INFO", 3)
    if info is None:
        raise ValueError(f"{url}: no PKG-INFO")
    dist = parse(info, url)
    needs = text(".egg-info/requires.txt", 3)
    if dist.requires or needs is None:
        return dist
    requires = tuple(_Egg({"PKG-INFO": info, "requires.txt": needs}).requires or ())
    return Dist(dist.name, dist.version, requires, dist.extras, dist.requires_python, url=url)


class _Egg(metadata.Distribution):
    """The record of an egg, to be read as the standard library reads it."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    def read_text(self, filename: str) -> str | None:
        return self._texts.get(filename)

    def locate_file(self, path: str | os.PathLike[str]) -> Path:
        return Path(path)


def _wanted(name: str, size: int) -> bool:
    return name.endswith(("/PKG-INFO", ".egg-info/requires.txt")) and size < _RECORD_LIMIT


def _tarred_records(data: bytes) -> Iterator[tuple[str, str]]:
    """The records in a tar archive: names and texts."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() and _wanted(member.name, member.size) else None
            if stream:
                yield member.name, stream.read().decode("utf-8", "replace")


def _zipped_records(data: bytes) -> Iterator[tuple[str, str]]:
    """The records in a zip archive; some have them at the top, beside setup.py."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            name = member.filename if "/" in member.filename else f"/{member.filename}"
            if _wanted(name, member.file_size):
                yield name, archive.read(member).decode("utf-8", "replace")


def parse(text: str, url: str | None) -> Dist:
    """A METADATA file's content.

    Raises:
        ValueError: It names no distribution.
    """
    headers = email.message_from_string(text)
    if not headers["Name"] or not headers["Version"]:
        raise ValueError(f"{url}: METADATA without name or version")
    return Dist(
        name=headers["Name"].strip(),
        version=headers["Version"].strip(),
        requires=tuple(headers.get_all("Requires-Dist") or ()),
        extras=tuple(headers.get_all("Provides-Extra") or ()),
        requires_python=headers["Requires-Python"],
        url=url,
    )
