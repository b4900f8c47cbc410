"""Building the channel: what is wanted, what is there already, and the difference."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import ROOT

from .archive import ZSTD_LEVEL
from .download import fetch
from .index import read_repodata, write_repodata
from .interpreter import python_index
from .names import conda_version
from .resolve import Resolution, Resolved, read_specs, requirements, resolve
from .standins import standin_indexes
from .target import ChannelError, Target, choose_target
from .wheel import license_of, package_index
from .worker import Job, make_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CACHE_VARIABLE = "BOOTSTRAP_CHANNEL_CACHE"
UNUSED_DAYS = 2

# Which of this package's modules decide what a package of each kind holds.
_SOURCES = {
    "wheel": ("archive", "names", "wheel"),
    "python": ("archive", "debian", "debian_sitecustomize", "elf", "interpreter"),
    "standin": ("archive", "conda_standin", "standins"),
}


@dataclass(frozen=True)
class LocalChannel:
    """A built channel.

    Attributes:
        path: Its folder, with ``linux-64`` and ``noarch``.
        python: The version of the ``python`` package.
    """

    path: Path
    python: str

    @property
    def file_url(self) -> str:
        """``file://`` URL of the folder."""
        return self.path.as_uri()

    def records(self) -> list[dict[str, Any]]:
        """Every record of the repodata, with ``fn``, ``subdir`` and ``url``."""
        return read_repodata(self.path)


def cache_folder() -> Path:
    """Where wheels, packages and channels are kept."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).resolve() if named else ROOT / ".cache" / "channel"


def ensure_channel(
    spec: Path | None = None, *, python: Path | None = None, quiet: bool = True, cache: Path | None = None
) -> LocalChannel:
    """The local channel for an environment.yml, built if it isn't there.

    Takes minutes the first time, well under two seconds after that; two calls at once build it once.

    Args:
        spec: The specification; the repository's environment.yml by default.
        python: The interpreter to build for; see `choose_target` for the default.
        quiet: Say nothing; otherwise progress goes to stderr, line by line.
        cache: Another cache folder than the repository's.

    Raises:
        ChannelError: It can't be built; the message says why.
    """
    spec = spec or ROOT / "environment.yml"
    cache = cache or cache_folder()

    def log(line: str) -> None:
        if not quiet:
            print(f"channel: {line}", file=sys.stderr, flush=True)

    target = choose_target(python)
    specs = read_specs(spec)
    lines = [f"{item.name} {item.constraint}".strip() for item in specs]
    key = _key("channel", lines, target.identity(), _source_hash(), ZSTD_LEVEL)
    home = cache / "channels" / key
    if (found := _complete(home)) is not None:
        return found
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "lock", log) as lock:
        if (found := _complete(home)) is None:
            started = time.monotonic()
            _build(home, specs, target, cache, lock, log)
            log(f"built in {time.monotonic() - started:.0f} s: {home}")
            _prune(cache, keep=home)
            found = _complete(home)
    if found is None:
        raise ChannelError(f"The channel at {home} vanished while it was being built.")
    return found


def _complete(home: Path) -> LocalChannel | None:
    marker = home / "complete.json"
    try:
        content = json.loads(marker.read_bytes())
        marker.touch()
    except FileNotFoundError:
        return None
    return LocalChannel(home / "conda-forge", content["python"])


def _build(home: Path, specs: list[Any], target: Target, cache: Path, lock: int, log: Callable[[str], None]) -> None:
    resolution = _resolution(requirements(specs, target), target, cache, log)
    wheels = fetch(resolution.distributions, cache / "wheels", target, log=log)
    jobs = [*_wheel_jobs(resolution, wheels, target), _python_job(target)]
    versions = {item.project: conda_version(item.version) for item in resolution.distributions}
    jobs += _standin_jobs(standin_indexes(specs, versions, target))
    records = _make_packages(jobs, target, cache / "packages", lock, log)

    shutil.rmtree(home, ignore_errors=True)
    channel = home / "conda-forge"
    for job in jobs:
        record = records[job.key]
        goal = channel / record["subdir"] / record["fn"]
        goal.parent.mkdir(parents=True, exist_ok=True)
        os.link(cache / "packages" / job.key / record["fn"], goal)
    write_repodata(channel, records.values())
    content = {"python": target.version, "packages": sorted(records)}
    part = home / ".complete.part"
    part.write_text(json.dumps(content), encoding="utf-8")
    part.replace(home / "complete.json")


def _resolution(asked: list[str], target: Target, cache: Path, log: Callable[[str], None]) -> Resolution:
    """pip's choice, kept: it takes half a minute, and a converter's change doesn't alter it."""
    kept = cache / "resolutions" / f"{_key('resolution', asked, target.identity())}.json"
    if kept.exists():
        content = json.loads(kept.read_bytes())
        items = tuple(Resolved(**item) for item in content["distributions"])
        return Resolution(items, content["environment"])
    resolution = resolve(asked, target, log=log)
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part")
    part.write_text(json.dumps(asdict(resolution)), encoding="utf-8")
    part.replace(kept)
    return resolution


def _wheel_jobs(resolution: Resolution, wheels: dict[str, Path], target: Target) -> Iterator[Job]:
    for item in resolution.distributions:
        wheel = wheels[item.project]
        index = package_index(
            wheel.name,
            item.sha256 or hashlib.sha256(wheel.read_bytes()).hexdigest(),
            item.metadata.get("requires_python") or "",
            resolution.depends(item.project),
            target,
            license_of(item.metadata),
        )
        sources = _source_hash(*_SOURCES["wheel"])
        key = _key("wheel", item.sha256 or wheel.name, index, target.short, sources, ZSTD_LEVEL)
        yield Job("wheel", key, index, wheel, wheel.stat().st_size)


def _python_job(target: Target) -> Job:
    index = python_index(target)
    key = _key("python", target.identity(), index, _source_hash(*_SOURCES["python"]), ZSTD_LEVEL)
    return Job("python", key, index, None, 50_000_000)


def _standin_jobs(indexes: Iterable[dict[str, Any]]) -> Iterator[Job]:
    for index in indexes:
        key = _key("standin", index, _source_hash(*_SOURCES["standin"]), ZSTD_LEVEL)
        yield Job("standin", key, index, None, 0)


def _make_packages(
    jobs: list[Job], target: Target, folder: Path, lock: int, log: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """The record of every job's package, made where it isn't kept already."""
    folder.mkdir(parents=True, exist_ok=True)
    for left_over in folder.glob(".*.part"):
        shutil.rmtree(left_over)
    kept = {job.key: folder / job.key / "record.json" for job in jobs}
    records = {key: json.loads(path.read_bytes()) for key, path in kept.items() if path.exists()}
    missing = [job for job in jobs if job.key not in records]
    log(f"{len(jobs)} packages, {len(missing)} to make")
    if missing:
        for done, (job, record) in enumerate(make_all(missing, target, folder, lock=lock), 1):
            records[job.key] = record
            log(f"[{done:3}/{len(missing)}] {record['fn']} ({record['size'] / 1e6:.1f} MB)")
    return records


def _prune(cache: Path, *, keep: Path) -> None:
    """Remove channels that nobody asked for in two days, and packages that no channel holds."""
    oldest = time.time() - UNUSED_DAYS * 86400
    used: set[str] = set()
    for home in (cache / "channels").iterdir():
        marker = home / "complete.json"
        if home != keep and (not marker.exists() or marker.stat().st_mtime < oldest):
            shutil.rmtree(home, ignore_errors=True)
        else:
            used |= set(json.loads(marker.read_bytes())["packages"])
    for package in (cache / "packages").iterdir():
        if package.name not in used:
            shutil.rmtree(package, ignore_errors=True)


def clean(cache: Path | None = None) -> None:
    """Remove the whole cache."""
    shutil.rmtree(cache or cache_folder(), ignore_errors=True)


@contextmanager
def _locked(path: Path, log: Callable[[str], None]) -> Iterator[int]:
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log("waiting for another build of the channel")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream.fileno()


def _key(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]


def _source_hash(*modules: str) -> str:
    """A hash over modules of this package; over all that a build uses when none is named."""
    here = Path(__file__).parent
    apart = {"server", "tiny", "__main__", "__init__"}
    names = sorted(modules) or sorted(path.stem for path in here.glob("*.py") if path.stem not in apart)
    digest = hashlib.sha256()
    for name in names:
        digest.update((here / f"{name}.py").read_bytes())
    return digest.hexdigest()
