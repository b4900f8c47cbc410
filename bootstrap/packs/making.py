"""Makes a pack: the environment is verified, its archives are fetched and compared with its lock, all in one file."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bootstrap._util.atomic import replacing
from bootstrap.address import Subject
from bootstrap.card import Card, Shown
from bootstrap.console import megabytes
from bootstrap.errors import (
    ArchiveNotFoundError,
    ConnectionFailedError,
    HashMismatchError,
    PackNotWritableError,
    PackUnverifiedError,
    RedirectRefusedError,
)
from bootstrap.hints import command
from bootstrap.lock import PLATFORM, validate
from bootstrap.packs import layout
from bootstrap.packs.content import content_at
from bootstrap.packs.manifest import make_manifest
from bootstrap.prefix.compare import compare_prefix
from bootstrap.prefix.server_check import LARGEST
from bootstrap.progress import Progress, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bootstrap.errors import BootstrapError
    from bootstrap.lock import Lock, Record
    from bootstrap.packs.content import Content
    from bootstrap.packs.layout import PackIndex

ARCHIVE = Subject("archive", RedirectRefusedError, ConnectionFailedError)
_AT_A_TIME = 8
_CHUNK = 1 << 20
_MOST_SHOWN = 10


@dataclass(frozen=True, repr=False)
class Packed(Shown):
    """A pack that was made."""

    path: Path
    sha256: str
    """Of the whole file."""
    size: int
    """Bytes of the whole file."""
    packages: int
    unpacked: int
    """Bytes that its packages' files have."""
    platform: str
    lock_sha256: str

    @property
    def card(self) -> Card:
        """The same for people, with the line for who is to have the environment."""
        return Card(
            title=f"{self.path}: {self.packages} packages, {megabytes(self.size)}",
            verdict="ok",
            word="packed",
            rows=(
                ("sha256", self.sha256),
                ("lock", f"sha256 {self.lock_sha256}"),
                ("unpacked", f"{megabytes(self.unpacked)}, for {self.platform}"),
                ("class", f'bootstrap.run(pack="https://HOST/{self.path.name}#sha256={self.sha256}")'),
            ),
            next="Put the file where all can read it, and give them the line above with its address. Here: "
            f"`{command('restore', pack=self.path, prefix='./env')}`",
        )


def make_pack(prefix: Path, lock: Lock | None, output: Path, *, force: bool, progress: Progress) -> Packed:
    """Packs an environment.

    The same environment always gives the same pack: it has no time in it, and nothing of the machine.

    Args:
        prefix: The environment.
        lock: What it has to agree with; None where it is not known.
        output: The pack; it is there when all of it is.
        force: Replace a file that is there.
        progress: Receives the states of the work.

    Raises:
        PackUnverifiedError: The environment isn't what the lock says.
        PackNotWritableError: The pack can't be written.
        FetchError: An archive can't be had, or is another than the lock's.
    """
    if lock is None:
        detail = f"{prefix}: not restored from a lock that is still there, and unchanged"
        hint = "Name its lock with `--lock FILE`."
        raise PackUnverifiedError("No lock says what the environment has to be.", evidence=[detail], hint=hint)
    if output.is_dir() or (os.path.lexists(output) and not force):
        raise PackNotWritableError("A file of that name is there.", evidence=[str(output)])
    records = validate(lock, PLATFORM)
    progress.step(Step("verifying"))
    comparison = compare_prefix(prefix, records)
    if not comparison.agrees:
        raise PackUnverifiedError(
            "The environment isn't what its lock says.", evidence=[str(prefix), *comparison.lines(_MOST_SHOWN)]
        )
    packages, sizes = make_manifest(prefix, records)
    text = json.dumps({"packages": packages}, sort_keys=True, separators=(",", ":")).encode()
    packed = gzip.compress(text, 6, mtime=0)
    content = lock.path.read_bytes()
    if hashlib.sha256(content).hexdigest() != lock.sha256:
        raise PackUnverifiedError("The lock has changed meanwhile.", evidence=[str(lock.path)])
    with ExitStack() as stack:
        archives = _fetched(records, output.parent, stack, progress)
        index = layout.PackIndex(
            platform=PLATFORM,
            lock_sha256=lock.sha256,
            lock_size=len(content),
            archives=layout.ordered(
                layout.PackedArchive(
                    layout.place(r), r.sha256 or "", archives[layout.place(r)].size or 0, sizes[r.name]
                )
                for r in records
            ),
            manifest_sha256=hashlib.sha256(packed).hexdigest(),
            manifest_size=len(packed),
            manifest_unpacked=len(text),
        )
        progress.step(Step("packing"))
        small = {layout.INDEX: index.text(), layout.LOCK: content, layout.MANIFEST: packed}
        digest = _write(output, _blocks(index, small, archives))
    return Packed(output, digest, index.size, len(records), index.unpacked, PLATFORM, lock.sha256)


def _fetched(records: Sequence[Record], folder: Path, stack: ExitStack, progress: Progress) -> dict[str, Content]:
    """The archives of some records, whole and as locked; they end with the stack."""

    def fetch(record: Record) -> Content:
        try:
            most = record.size or LARGEST
            content = content_at(record.url, ARCHIVE, folder, most=most, digested=True, on_retry=on_retry)
        except OSError as error:
            evidence = [f"{record}: {record.url}", error.strerror or str(error)]
            raise ArchiveNotFoundError("An archive in the lock isn't there.", evidence=evidence) from None
        stack.callback(content.close)
        content.allow(most)
        sha256 = content.sha256()
        if sha256 != record.sha256:
            evidence = [f"{record}: {record.url}", f"sha256 found: {sha256}", f"sha256 locked: {record.sha256}"]
            raise HashMismatchError("An archive's sha256 doesn't match the lock.", evidence=evidence)
        content.size = content.require(1 << 62)
        return content

    def on_retry(error: BootstrapError, pause: float) -> None:
        progress.note(f"{error.message} Retrying in {pause:.0f} s.")

    contents: dict[str, Content] = {}
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        try:
            for record, content in zip(records, pool.map(fetch, records), strict=True):
                contents[layout.place(record)] = content
                progress.step(Step("fetching", len(contents), len(records), detail=record.name))
            return contents
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _blocks(index: PackIndex, small: dict[str, bytes], archives: dict[str, Content]) -> Iterator[bytes]:
    """A pack, block by block."""
    for member in index.members:
        yield member.header
        if (text := small.get(member.name)) is not None:
            yield text
        else:
            content = archives[member.name.removeprefix(layout.CHANNEL)]
            for position in range(0, member.size, _CHUNK):
                yield content.read(position, min(_CHUNK, member.size - position))
        yield bytes(member.after - member.end)
    yield layout.END


def _write(output: Path, blocks: Iterator[bytes]) -> str:
    """Writes a file and puts it in its place at once; gives its sha256."""
    digest = hashlib.sha256()
    try:
        with replacing(output) as beside, beside.open("xb") as file:
            for block in blocks:
                file.write(block)
                digest.update(block)
    except OSError as error:
        raise PackNotWritableError("The pack can't be written.", evidence=[f"{output}: {error.strerror}"]) from None
    return digest.hexdigest()
