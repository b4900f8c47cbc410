"""The floor: what restoring costs at the very least.

``python -m benchmarks.floor FOLDER ARCHIVE...`` reads each ``.conda`` archive, decompresses it and writes its
files, as many archives at a time as there are cores; no hashing, no linking, no records, no verification.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_LOCAL_HEADER = 30
_PIPE = 1 << 20


def extract(archive: Path, folder: Path) -> None:
    """``zstd -d | tar x`` over both parts of one archive."""
    folder.mkdir(parents=True)
    with archive.open("rb") as file, zipfile.ZipFile(file) as parts:
        for part in parts.infolist():
            if part.filename.endswith(".tar.zst"):
                _extract_part(file.fileno(), _data_offset(file.fileno(), part), part.file_size, folder)


def _data_offset(fd: int, part: zipfile.ZipInfo) -> int:
    if part.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{part.filename} is compressed within its .conda, which the format forbids")
    header = os.pread(fd, _LOCAL_HEADER, part.header_offset)
    name, extra = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
    return part.header_offset + _LOCAL_HEADER + name + extra


def _extract_part(fd: int, offset: int, size: int, folder: Path) -> None:
    zstd = subprocess.Popen(["zstd", "-dcq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert zstd.stdin is not None
    tar = subprocess.Popen(["tar", "-x", "--no-same-owner", "-C", str(folder)], stdin=zstd.stdout)
    assert zstd.stdout is not None
    zstd.stdout.close()
    with zstd.stdin as pipe:
        while size:
            # The kernel moves the bytes: this process costs next to nothing.
            moved = os.splice(fd, pipe.fileno(), min(size, _PIPE), offset_src=offset)
            offset += moved
            size -= moved
    if zstd.wait() or tar.wait():
        raise RuntimeError(f"could not extract into {folder}")


def main(argv: list[str]) -> int:
    """Extract every archive into a folder of its own."""
    if not all(map(shutil.which, ("zstd", "tar"))):
        print("the floor needs zstd and tar", file=sys.stderr)
        return 2
    goal = Path(argv[0])
    # The largest first: with it last, one core would end the run alone.
    archives = sorted(map(Path, argv[1:]), key=lambda path: path.stat().st_size, reverse=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda archive: extract(archive, goal / archive.stem), archives))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
