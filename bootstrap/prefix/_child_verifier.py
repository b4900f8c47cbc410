"""Do the files of a prefix have the content that conda-meta says?

Hashing an environment is bound by both the processor and the number of files, so it runs in as many processes
as there are cores. They are started as plain interpreters on this file, which therefore imports nothing but
the standard library.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from bootstrap.prefix.records import InstalledFile, InstalledRecord

_CHUNK = 1 << 18
_COMPILED = "pyc_file"
"""conda's type for bytecode that it compiled: Python rewrites and deletes it as it sees fit."""

Reason = Literal["missing", "type", "size", "sha256", "unreadable", "target", "foreign", "prefix"]
"""What is wrong with a file: ``target`` of a link that leads elsewhere, ``foreign`` of what others brought;
``prefix`` of one that names the place from which the environment was moved."""


@dataclass(frozen=True)
class AlteredFile:
    """A file that is not as its package installed it."""

    path: str
    """Relative to the prefix."""
    owner: str
    """The package, with its version."""
    reason: Reason
    detail: str = ""

    @property
    def package(self) -> str:
        """The owner's name."""
        return self.owner.rsplit(" ", 1)[0]


def verify_files(
    prefix: Path, records: Iterable[InstalledRecord], *, workers: int | None = None
) -> list[AlteredFile]:
    """Compares every file of the records with its recorded type, size and sha256.

    Args:
        prefix: The environment.
        records: The packages to look at.
        workers: Processes to hash in; as many as cores by default.
    """
    wanted = [(file, str(record)) for record in records for file in record.files if file.kind != _COMPILED]
    workers = min(workers or os.cpu_count() or 1, 8)
    if len(wanted) < 500 or workers == 1:
        found = _check(str(prefix), ((f.path, f.sha256, f.size, f.kind) for f, _ in wanted))
        verdicts = dict(found)
    else:
        verdicts = _check_in_processes(prefix, [f for f, _ in wanted], workers)
    return [
        AlteredFile(file.path, owner, *verdicts[index])
        for index, (file, owner) in enumerate(wanted)
        if index in verdicts
    ]


def _check_in_processes(prefix: Path, files: Sequence[InstalledFile], workers: int) -> dict[int, tuple[Reason, str]]:
    """The faults by index into `files`, whose bytes are spread evenly over the workers."""
    from bootstrap.children import tied  # not for the workers, which are plain interpreters on this file

    shares: list[list[int]] = [[] for _ in range(workers)]
    loads = [0] * workers
    for index in sorted(range(len(files)), key=lambda i: -(files[i].size or 0)):
        # A file costs about as much as 30 kB of hashing merely by being opened.
        lightest = loads.index(min(loads))
        shares[lightest].append(index)
        loads[lightest] += (files[index].size or 0) + 30_000
    running = []
    for share in shares:
        job = {"prefix": str(prefix), "files": [_row(files[i]) for i in share]}
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=tied(),
        )
        running.append((share, process, json.dumps(job).encode()))
    # The jobs are written first, or the second process would wait for the first to end.
    for _, process, job_bytes in running:
        stdin = cast("IO[bytes]", process.stdin)
        with contextlib.suppress(BrokenPipeError):
            stdin.write(job_bytes)
            stdin.close()
        process.stdin = None
    verdicts: dict[int, tuple[Reason, str]] = {}
    for share, process, _ in running:
        answer, _ = process.communicate()
        if process.returncode != 0:
            # Out of memory or killed: the work is done here instead, more slowly.
            found = _check(str(prefix), (_row(files[i]) for i in share))
            verdicts.update({share[i]: fault for i, fault in found})
        else:
            verdicts.update({share[i]: (reason, detail) for i, reason, detail in json.loads(answer)})
    return verdicts


def _row(file: InstalledFile) -> tuple[str, str | None, int | None, str]:
    return file.path, file.sha256, file.size, file.kind


def _check(
    prefix: str, rows: Iterable[tuple[str, str | None, int | None, str]]
) -> Iterator[tuple[int, tuple[Reason, str]]]:
    buffer = memoryview(bytearray(_CHUNK))
    for index, (path, sha256, size, kind) in enumerate(rows):
        fault = _fault(f"{prefix}/{path}", sha256, size, kind, buffer)
        if fault:
            yield index, fault


def _fault(
    path: str, sha256: str | None, size: int | None, kind: str, buffer: memoryview
) -> tuple[Reason, str] | None:
    try:
        info = os.lstat(path)
    except OSError as error:
        return ("missing", "") if isinstance(error, FileNotFoundError) else ("unreadable", str(error.strerror))
    if kind == "directory":
        return None if stat.S_ISDIR(info.st_mode) else ("type", "is not a directory")
    if kind == "softlink":
        return None if stat.S_ISLNK(info.st_mode) or stat.S_ISREG(info.st_mode) else ("type", "is not a link")
    if not stat.S_ISREG(info.st_mode):
        return ("type", "is not a regular file")
    if size is not None and info.st_size != size:
        return ("size", f"{info.st_size} bytes instead of {size}")
    if sha256 is None:
        return None
    try:
        found = _sha256(path, buffer)
    except OSError as error:
        return ("unreadable", str(error.strerror))
    return None if found == sha256 else ("sha256", f"{found[:12]} instead of {sha256[:12]}")


def _sha256(path: str, buffer: memoryview) -> str:
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (pathlib costs a third more here)
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
    return digest.hexdigest()


def _main() -> None:
    job = json.load(sys.stdin)
    json.dump([(i, *fault) for i, fault in _check(job["prefix"], job["files"])], sys.stdout)


if __name__ == "__main__":
    _main()
