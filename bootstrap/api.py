"""The library's verbs. They take paths, return data, raise `bootstrap.errors`, and never print."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.errors import LockError, LockNotFoundError
from bootstrap.prefix import PLATFORM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.diagnosis import Diagnosis, Replay, Story
    from bootstrap.diagnosis.session import ResolverName
    from bootstrap.integrity import Report
    from bootstrap.lock.explain import Explanation
    from bootstrap.prefix import Comparison, Restored
    from bootstrap.progress import Progress

# What a verb needs it imports itself: a notebook that asks for one doesn't wait for the others.

LOCK_NAMES = {"cpu": "conda-lock.yml", "cuda": "conda-lock-cuda.yml"}
DEFAULT_PREFIX = Path("/opt/conda")
PREFIX_ENV_VAR = "BOOTSTRAP_PREFIX"

StrPath = str | os.PathLike[str]


def default_prefix() -> Path:
    """``$BOOTSTRAP_PREFIX``, or ``/opt/conda``."""
    return Path(os.environ.get(PREFIX_ENV_VAR) or DEFAULT_PREFIX)


def find_lock(lock: StrPath | None = None, *, variant: str = "auto") -> Path:
    """The lock to use: the one given, else the variant's in the working directory, else the one shipped.

    Args:
        lock: A path, which decides.
        variant: ``cpu``, ``cuda``, or ``auto`` for what this machine's driver supports.

    Raises:
        LockNotFoundError: There is none.
    """
    if lock is not None:
        return Path(lock)
    from bootstrap.runtime.machine import choose_variant

    name = LOCK_NAMES[choose_variant().name if variant == "auto" else variant]
    package = Path(__file__).resolve().parent
    # Beside the package in a checkout, inside it in a wheel.
    places = (Path.cwd() / name, package / "data" / name, package.parent / name)
    for place in places:
        if place.is_file():
            return place
    raise LockNotFoundError(f"There is no {name}.", evidence=[f"looked for: {place}" for place in places])


def restore(
    lock: StrPath | None = None,
    prefix: StrPath | None = None,
    *,
    variant: str = "auto",
    cache: StrPath | None = None,
    offline: bool = False,
    adopt: bool = False,
    progress: Progress | None = None,
) -> Restored:
    """Restores a lock into a prefix; does nothing where the prefix agrees already.

    Args:
        lock: Path of a conda-lock.yml; see `find_lock` for the default.
        prefix: Where the environment shall be; `default_prefix()` unless given.
        variant: ``cpu``, ``cuda`` or ``auto``; only used to find a lock.
        cache: Folder of unpacked packages.
        offline: Use only what the cache holds.
        adopt: Also take over a conda environment that this program did not make.
        progress: Receives the states of the work; `bootstrap.console` has displays.

    Raises:
        BootstrapError: As `bootstrap.prefix.restore`; the prefix is then as it was before.
    """
    from bootstrap.prefix.worker import Engine

    # The engine loads while this process does: started first, it is waited for a tenth of a second less.
    with Engine() as engine:
        from bootstrap.lock import read_lock
        from bootstrap.prefix import restore as restore_lock

        return restore_lock(
            read_lock(find_lock(lock, variant=variant)),
            Path(prefix or default_prefix()),
            cache=None if cache is None else Path(cache),
            offline=offline,
            adopt=adopt,
            progress=progress,
            engine=engine,
        )


@dataclass(frozen=True)
class Status:
    """What is at a prefix, told without reading every file."""

    prefix: Path
    lock: Path
    environment: bool
    """Whether there is a conda environment at all."""
    ours: bool
    """Whether it was restored by this program."""
    comparison: Comparison | None
    """How it differs from the lock; None without an environment."""
    cache: Path
    cached: int
    """How many of the lock's packages the cache holds."""
    packages: int
    """How many packages the lock has."""

    @property
    def agrees(self) -> bool:
        """Whether the environment is the lock's."""
        return self.comparison is not None and self.comparison.agrees

    def to_dict(self) -> dict[str, Any]:
        """The status as JSON-ready data."""
        return {
            "prefix": str(self.prefix),
            "lock": str(self.lock),
            "environment": self.environment,
            "ours": self.ours,
            "agrees": self.agrees,
            "comparison": self.comparison.to_dict() if self.comparison else None,
            "cache": str(self.cache),
            "cached": self.cached,
            "packages": self.packages,
        }


def status(
    lock: StrPath | None = None,
    prefix: StrPath | None = None,
    *,
    variant: str = "auto",
    cache: StrPath | None = None,
) -> Status:
    """Tells what is at a prefix and how it stands to a lock. Files are told unchanged by size, time and inode.

    Raises:
        LockError: The lock can't be used.
    """
    from bootstrap.lock import judge, read_lock
    from bootstrap.prefix import compare_prefix
    from bootstrap.prefix.cache import PackageCache, default_cache
    from bootstrap.prefix.records import is_environment
    from bootstrap.prefix.state import read_state

    path = find_lock(lock, variant=variant)
    records = judge(read_lock(path), PLATFORM)
    place = Path(prefix or default_prefix()).expanduser().absolute()
    environment = place.is_dir() and is_environment(place)
    store = PackageCache(Path(cache) if cache else default_cache())
    return Status(
        prefix=place,
        lock=path,
        environment=environment,
        ours=environment and read_state(place) is not None,
        comparison=compare_prefix(place, records, hash_all=False) if environment else None,
        cache=store.root,
        cached=sum(store.holds(r) for r in records),
        packages=len(records),
    )


def explain_lock(
    lock: StrPath | None = None, package: str | None = None, *, variant: str = "auto", platform: str = PLATFORM
) -> Explanation:
    """Tells what a lock would install, and why a package is in it.

    Raises:
        LockError: The lock can't be used, or doesn't hold the package.
    """
    from bootstrap.lock import judge, read_lock
    from bootstrap.lock.explain import explain

    found = read_lock(find_lock(lock, variant=variant))
    return explain(found, judge(found, platform), platform, package)


def check(
    prefix: StrPath | None = None,
    *,
    python: StrPath | None = None,
    lock: StrPath | None = None,
    imports: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Proves an environment healthy, or names what is wrong.

    Args:
        prefix: The environment; `default_prefix()` unless given.
        python: An interpreter to examine instead of a prefix.
        lock: The lock to compare a prefix with; the one it was restored from unless given.
        imports: Packages to import; numpy's dependents and what no other locked package needs unless given.
        progress: Receives the states of the work.

    Raises:
        PrefixError: There is nothing to check.
        LockError: The lock can't be used.
    """
    from bootstrap import integrity
    from bootstrap.lock import judge, read_lock
    from bootstrap.lock.explain import explain
    from bootstrap.prefix.records import require_environment
    from bootstrap.progress import Silent, Step

    place = (
        None if python is not None and prefix is None else Path(prefix or default_prefix()).expanduser().absolute()
    )
    judged = None
    if place is not None:
        require_environment(place)
        path = Path(lock) if lock is not None else _restored_from(place)
        if path is not None:
            judged = read_lock(path)
            roots = explain(judged, judge(judged, PLATFORM), PLATFORM).roots
            if imports is None:
                imports = tuple(dict.fromkeys([*integrity.DEPENDENTS, *(r.name for r in roots)]))
    shown = progress or Silent()
    try:
        return integrity.check(
            place,
            python=None if python is None else Path(python),
            lock=judged,
            imports=imports,
            progress=lambda stage: shown.step(Step(stage)),
        )
    finally:
        shown.close()


def diagnose(
    source: StrPath | Sequence[str] | None = None,
    *,
    python: StrPath | None = None,
    against: StrPath | None = None,
    install: bool = False,
    write_minimal: StrPath | None = None,
    write_pinned: StrPath | None = None,
    force: bool = False,
    resolver: ResolverName = "auto",
    as_of: str | None = None,
    options: Sequence[str] = (),
    progress: Progress | None = None,
) -> Diagnosis | Replay | Story:
    """Names what would replace or break numpy, or did. The environment asked about is never touched.

    Args:
        source: A requirements file; a list of requirements; a notebook (``.ipynb``), whose installing cells are
            replayed; nothing, for what has happened in this runtime so far.
        python: The interpreter asked about; the running one unless given.
        against: A freeze file, instead of what that interpreter has installed.
        install: Also install for real, in throw-away copies, and check what broke.
        write_minimal: Where to write the largest part that leaves all that is installed alone.
        write_pinned: Where to write the newest exact versions that go with the installed numpy.
        force: Whether these files may replace others.
        resolver: ``pip``; ``uv``; ``auto`` for uv where it is there, confirmed by pip.
        as_of: A day (``2025-11-15``): what was uploaded later doesn't count.
        options: Options of the pip command in question, as ``--upgrade``.
        progress: Receives the states of the work.

    Raises:
        DiagnoseError: The question can't be answered.
    """
    from bootstrap import diagnosis as parts
    from bootstrap.progress import Silent

    shown = progress or Silent()
    place = None if against is None else Path(against)
    try:
        if source is None:
            return parts.tell_story(python=None if python is None else str(python))
        if isinstance(source, (str, os.PathLike)) and Path(source).suffix == ".ipynb":
            return parts.ask_notebook(
                Path(source),
                python=None if python is None else str(python),
                against=place,
                install=install,
                resolver=resolver,
                as_of=as_of,
                progress=shown,
            )
        return parts.ask_requirements(
            Path(source) if isinstance(source, (str, os.PathLike)) else tuple(source),
            python=None if python is None else str(python),
            against=place,
            install=install,
            resolver=resolver,
            as_of=as_of,
            options=options,
            minimal=None if write_minimal is None else Path(write_minimal),
            pinned=None if write_pinned is None else Path(write_pinned),
            force=force,
            progress=shown,
        )
    finally:
        shown.close()


def _restored_from(prefix: Path) -> Path | None:
    """The lock that a prefix was restored from, if that file still has the same content."""
    from bootstrap.lock import read_lock
    from bootstrap.prefix.state import read_state

    state = read_state(prefix)
    if state is None:
        return None
    path = Path(state.lock["path"])
    try:
        return path if read_lock(path).sha256 == state.lock["sha256"] else None
    except LockError:
        return None


__all__ = [
    "PLATFORM",
    "Status",
    "check",
    "default_prefix",
    "diagnose",
    "explain_lock",
    "find_lock",
    "restore",
    "status",
]
