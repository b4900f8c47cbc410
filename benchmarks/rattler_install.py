"""Plain py-rattler: ``python -m benchmarks.rattler_install LOCK PLATFORM PREFIX CACHE``.

Its own reader of conda-lock files, its own downloads, cache and links, with its defaults; nothing of ours.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import rattler


def main(argv: list[str]) -> None:
    """Install the lock's records for one platform."""
    lock, platform, prefix, cache = argv
    locked = rattler.LockFile.from_path(Path(lock)).default_environment()
    if locked is None:
        raise SystemExit(f"{lock} has no environment")
    records = locked.conda_repodata_records()[platform]
    subdir = rattler.Subdir(platform)
    asyncio.run(rattler.install(records, prefix, cache_dir=Path(cache), platform=subdir, show_progress=False))
    # An orderly exit of the interpreter can crash after the work is done.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
