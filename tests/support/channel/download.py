"""Fetching exactly the wheels that pip chose, each checked against its hash."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

from .target import ChannelError, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from .resolve import Resolved


def sha256_of(path: Path) -> str:
    """A file's sha256."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() if sys.version_info >= (3, 11) else _slow(stream)


def _slow(stream: object) -> str:
    digest = hashlib.sha256()
    while block := stream.read(1 << 20):  # type: ignore[attr-defined]
        digest.update(block)
    return digest.hexdigest()


def fetch(wanted: Sequence[Resolved], folder: Path, target: Target, *, log: Callable[[str], None]) -> dict[str, Path]:
    """The wheel of each distribution, from the folder where it's there already.

    Args:
        wanted: What to fetch.
        folder: Where wheels are kept from one build to the next.
        target: The interpreter that sdists are built with.
        log: Takes a line of progress.

    Returns:
        Project -> wheel.

    Raises:
        ChannelError: A download fails, or a file doesn't have its hash.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [item for item in wanted if _kept(item, folder) is None]
    wheels = [item for item in missing if item.filename.endswith(".whl")]
    if wheels:
        log(f"fetching {len(wheels)} wheels")
        listing = folder / ".requirements.txt"
        lines = [f"{item.project} @ {item.url}{_fragment(item)}" for item in wheels]
        listing.write_text("\n".join(lines) + "\n", encoding="utf-8")
        _run(target, "download", "--no-deps", "--quiet", "--dest", str(folder), "-r", str(listing))
    for item in missing:
        if not item.filename.endswith(".whl"):
            log(f"{item.project} {item.version} has no wheel: building one")
            built = folder / "built" / _built_key(item)
            _run(target, "wheel", "--no-deps", "--quiet", "--wheel-dir", str(built), item.url + _fragment(item))
    found = {item.project: _kept(item, folder) for item in wanted}
    lacking = [project for project, path in found.items() if path is None]
    if lacking:
        raise ChannelError(f"After the download these are missing or don't have their hash: {', '.join(lacking)}.")
    return {project: path for project, path in found.items() if path is not None}


def _fragment(item: Resolved) -> str:
    return f"#sha256={item.sha256}" if item.sha256 else ""


def _built_key(item: Resolved) -> str:
    return item.sha256 or hashlib.sha256(item.url.encode()).hexdigest()


def _kept(item: Resolved, folder: Path) -> Path | None:
    """The wheel, if it's there and right; a wrong one (half written, when killed) is removed."""
    if not item.filename.endswith(".whl"):
        return next((folder / "built" / _built_key(item)).glob("*.whl"), None)
    path = folder / item.filename
    if not path.exists():
        return None
    if item.sha256 and sha256_of(path) != item.sha256:
        path.unlink()
        return None
    return path


def _run(target: Target, *arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--python", str(target.executable), "--disable-pip-version-check"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip() and " is ignored: " not in line]
        raise ChannelError("pip could not fetch the wheels:\n  " + "\n  ".join(lines[-8:]))
