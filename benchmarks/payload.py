"""What is installed: a lock's archives, the wheels that they were made from, and both behind one address."""

from __future__ import annotations

import hashlib
import html
import io
import json
import re
import tarfile
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
import zstandard
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_DIST_INFO = re.compile(r"(?:^|/)site-packages/([^/]+)-([^/-]+)\.dist-info/METADATA$")
_RECORD_URL = re.compile(r"^(  url: )\S+/([^/\s]+/[^/\s]+\.(?:conda|tar\.bz2))$", re.MULTILINE)
_CHANNEL_URL = re.compile(r"^(  - url: )\S+$", re.MULTILINE)

Distribution = tuple[str, Version]


class PayloadError(Exception):
    """The lock, the channel and the wheels don't belong together."""


@dataclass(frozen=True)
class Payload:
    """The same environment for every contender.

    Attributes:
        lock: The lock, its records' URLs pointing at the loopback server.
        platform: The platform it is restored for.
        archives: The lock's ``.conda`` archives in the channel.
        wheels: The wheels of the distributions in these archives.
        index: The URL of a simple index that holds the wheels.
        requirements: Requirements file: every wheel with its version and hash.
        lacking: Distributions in the archives that have no wheel; pip and uv are spared these.
    """

    lock: Path
    platform: str
    archives: tuple[Path, ...]
    wheels: tuple[Path, ...]
    index: str
    requirements: Path
    lacking: tuple[str, ...]

    @property
    def sizes(self) -> dict[str, int]:
        """Counts and bytes, for the report."""
        return {
            "archives": len(self.archives),
            "archive_bytes": sum(path.stat().st_size for path in self.archives),
            "wheels": len(self.wheels),
            "wheel_bytes": sum(path.stat().st_size for path in self.wheels),
        }

    def warm_up(self) -> None:
        """Read every archive and wheel once, so that no contender pays for the first reading."""
        for path in (*self.archives, *self.wheels):
            with path.open("rb") as file:
                while file.read(1 << 22):
                    pass


def prepare(*, lock: Path, channel: Path, wheels: Path, platform: str, www: Path, address: str) -> Payload:
    """Lay out the served folder and write the files that the contenders are given.

    Args:
        lock: A conda-lock file whose records lie in the channel.
        channel: The channel's folder.
        wheels: A folder with the wheels that the channel was built from, at any depth.
        platform: The platform to restore.
        www: The folder that is served; the lock and the requirements are written there too.
        address: Its address.

    Raises:
        PayloadError: The channel lacks a locked archive.
    """
    (www / "channel").symlink_to(channel.resolve())
    text = lock.read_text(encoding="utf-8")
    data = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    archives = locked_archives(data, channel, platform)
    wanted = {found for archive in archives for found in distributions(archive)}
    chosen = match_wheels(wanted, wheels.rglob("*.whl"))
    moved = www / "lock.yml"
    moved.write_text(rebase(text, f"{address}/channel"), encoding="utf-8")
    requirements = www / "requirements.txt"
    requirements.write_text("".join(write_index(chosen.values(), www)), encoding="utf-8")
    return Payload(
        lock=moved,
        platform=platform,
        archives=tuple(archives),
        wheels=tuple(chosen.values()),
        index=f"{address}/simple/",
        requirements=requirements,
        lacking=tuple(sorted(f"{name} {version}" for name, version in wanted - set(chosen))),
    )


def locked_archives(data: dict[str, Any], channel: Path, platform: str) -> list[Path]:
    """The archives of one platform's records.

    Raises:
        PayloadError: One is not in the channel, or there are none.
    """
    places = [_place(record["url"]) for record in data["package"] if record["platform"] == platform]
    missing = [place for place in places if not (channel / place).is_file()]
    if missing or not places:
        raise PayloadError(f"{len(missing)} of {len(places)} locked archives not in {channel}: {missing[:3]}")
    return [channel / place for place in places]


def _place(url: str) -> str:
    """An archive's place in its channel: subdir and file name."""
    return "/".join(url.rsplit("/", 2)[1:])


def rebase(text: str, channel: str) -> str:
    """A lock's text with this channel in place of its own; all else, comments too, stays as it is."""
    text = _RECORD_URL.sub(lambda match: f"{match[1]}{channel}/{match[2]}", text)
    return _CHANNEL_URL.sub(lambda match: f"{match[1]}{channel}", text)


def distributions(archive: Path) -> set[Distribution]:
    """The Python distributions that an archive installs, by its own list of paths."""
    with zipfile.ZipFile(archive) as parts:
        info = next(name for name in parts.namelist() if name.startswith("info-"))
        with (
            parts.open(info) as packed,
            zstandard.ZstdDecompressor().stream_reader(packed) as plain,
            tarfile.open(fileobj=io.BytesIO(plain.read())) as members,
        ):
            listing = members.extractfile("info/paths.json")
            assert listing is not None
            paths = [entry["_path"] for entry in json.load(listing)["paths"]]
    found: set[Distribution] = set()
    for path in paths:
        if match := _DIST_INFO.search(path):
            try:
                found.add((canonicalize_name(match[1]), Version(match[2])))
            except InvalidVersion:
                continue
    return found


def match_wheels(wanted: Iterable[Distribution], wheels: Iterable[Path]) -> dict[Distribution, Path]:
    """One wheel for each distribution that has one."""
    wanted = set(wanted)
    chosen: dict[Distribution, Path] = {}
    for path in sorted(wheels):
        name, version, _, _ = parse_wheel_filename(path.name)
        if (name, version) in wanted:
            chosen.setdefault((name, version), path)
    return chosen


def write_index(wheels: Iterable[Path], www: Path) -> Sequence[str]:
    """A simple index as PyPI has it, metadata files too; gives the requirements' lines, with hashes."""
    files = www / "wheels"
    files.mkdir()
    lines = []
    for wheel in wheels:
        name, version, _, _ = parse_wheel_filename(wheel.name)
        (files / wheel.name).symlink_to(wheel.resolve())
        metadata = _metadata(wheel)
        (files / f"{wheel.name}.metadata").write_bytes(metadata)
        with wheel.open("rb") as file:
            digest = hashlib.sha256()
            while block := file.read(1 << 20):
                digest.update(block)
        page = www / "simple" / name / "index.html"
        page.parent.mkdir(parents=True)
        stated = f"sha256={hashlib.sha256(metadata).hexdigest()}"
        href = f"../../wheels/{html.escape(wheel.name.replace('+', '%2B'))}#sha256={digest.hexdigest()}"
        page.write_text(
            "<!DOCTYPE html><html><body>"
            f'<a href="{href}" data-dist-info-metadata="{stated}" data-core-metadata="{stated}">{wheel.name}</a>'
            "</body></html>\n",
            encoding="utf-8",
        )
        lines.append(f"{name}=={version} --hash=sha256:{digest.hexdigest()}\n")
    return sorted(lines)


def _metadata(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        depth_two = re.compile(r"[^/]+\.dist-info/METADATA")
        return archive.read(next(name for name in archive.namelist() if depth_two.fullmatch(name)))
