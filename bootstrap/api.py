"""The library's verbs. They take paths, return data, raise `bootstrap.errors`, and never print."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.errors import (
    InterruptedRestoreError,
    JournalError,
    LockError,
    LockNotFoundError,
    UsageError,
    did_you_mean,
)
from bootstrap.included import places
from bootstrap.lock.model import PLATFORM
from bootstrap.prefix.place import absolute

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bootstrap.diagnosis import Diagnosis, History, Replay
    from bootstrap.diagnosis.session import ResolverName
    from bootstrap.errors import BootstrapError
    from bootstrap.health import Cause, Report
    from bootstrap.lock import Lock
    from bootstrap.lock.explanation import Explanation
    from bootstrap.pages import ErrorPage, ErrorPages
    from bootstrap.prefix import Restored
    from bootstrap.prefix_status import PrefixStatus
    from bootstrap.progress import Progress
    from bootstrap.runtime.hosting import Hosting
    from bootstrap.runtime.run_result import RunResult
    from bootstrap.runtime.undo import UndoResult

# What a verb needs it imports itself: a notebook that asks for one doesn't wait for the others.

LOCK_NAMES = {"cpu": "conda-lock.yml", "cuda": "conda-lock-cuda.yml"}
DEFAULT_PREFIX = Path("/opt/conda")
PREFIX_ENV_VAR = "BOOTSTRAP_PREFIX"

StrPath = str | os.PathLike[str]


def default_prefix(*, to_make: bool = False) -> Path:
    """The first of: ``$BOOTSTRAP_PREFIX``, the activated environment, the one that `run` made, ``/opt/conda``.

    An activated environment that this program did not make, as conda's ``base`` often is, stands behind what `run`
    made, and is never recreated.

    Args:
        to_make: Whether the environment will be created or changed, not just inspected.
    """
    from bootstrap.prefix.manifest import read_manifest
    from bootstrap.runtime.journal import Journal

    if named := os.environ.get(PREFIX_ENV_VAR):
        return Path(named)
    activated = Path(os.environ["CONDA_PREFIX"]) if os.environ.get("CONDA_PREFIX") else None
    if activated is not None and read_manifest(activated) is not None:
        return activated
    try:
        made = Journal().facts.get("prefix")
    except JournalError:
        # Whoever needs the journal itself says so.
        made = None
    if made is None and activated is not None and not to_make:
        return activated
    return Path(made or DEFAULT_PREFIX)


def named_variant(name: str) -> str:
    """A variant by its name, or by ``gpu``.

    Raises:
        UsageError: There is none of this name.
    """
    name = "cuda" if name == "gpu" else name
    if name not in ("auto", *LOCK_NAMES):
        known = ("auto", *LOCK_NAMES)
        raise UsageError(
            f"The variant must be one of {', '.join(known)}, not {name}.", hint=did_you_mean(name, known)
        )
    return name


def find_lock(
    lock: StrPath | None = None, *, variant: str = "auto", cache: StrPath | None = None, offline: bool = False
) -> Path:
    """The lock to use: the one given, else the variant's in the working directory, else the one shipped.

    Args:
        lock: A path, or an address (``https://...``), at whose end ``#sha256=HEX`` may say which content is meant.
        variant: ``cpu``, ``cuda``, or ``auto`` for what this machine's driver supports.
        cache: Folder in which a lock from an address is kept.
        offline: Fetch nothing.

    Raises:
        UsageError: There is no such variant.
        LockNotFoundError: There is none.
        LockAddressError: The address is none that a lock is read from.
        LockDigestError: At the address is another lock than was named.
        LockNotFetchedError: It couldn't be fetched.
    """
    if lock is not None:
        from bootstrap.lock.address import local_path
        from bootstrap.prefix.cache import default_cache

        return local_path(lock, Path(cache or default_cache()).expanduser(), offline=offline)
    from bootstrap.runtime.machine import choose_variant

    variant = named_variant(variant)
    name = LOCK_NAMES[choose_variant().name if variant == "auto" else variant]
    candidates = (Path.cwd() / name, *places(name))
    for place in candidates:
        if place.is_file():
            return place
    raise LockNotFoundError(
        f"Lock file not found: {name}.", evidence=[f"looked for: {place}" for place in candidates]
    )


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
        lock: Path or https address of a conda-lock.yml. Unless given, the variant's in the working folder, else the
            included one.
        prefix: The environment's folder. Unless given, the first of: ``$BOOTSTRAP_PREFIX``, the activated
            environment, the one that `run` made, ``/opt/conda``.
        variant: ``cpu``, ``cuda`` or ``auto``; only used to find a lock.
        cache: Folder of unpacked packages.
        offline: Use only what the cache holds.
        adopt: Also take over a conda environment that this program did not make.
        progress: Receives the states of the work; `bootstrap.console` has displays.

    Raises:
        KernelNotLockedError: This machine's kernels run at the prefix, and the lock lacks what they need.
        BootstrapError: As `bootstrap.prefix.restore`; the prefix is then as it was before.
    """
    from bootstrap.prefix.engine import Engine
    from bootstrap.progress import NullProgress

    # The engine loads while this process does: started first, it is waited for a tenth of a second less.
    with Engine() as engine:
        from bootstrap.lock import read_lock
        from bootstrap.prefix import restore as restore_lock

        place = absolute(Path(prefix or default_prefix(to_make=True)))
        shown = progress or NullProgress()
        wanted = read_lock(find_lock(lock, variant=variant, cache=cache, offline=offline))
        return restore_lock(
            wanted,
            place,
            cache=None if cache is None else Path(cache),
            offline=offline,
            adopt=adopt,
            additions=_additions(wanted, place, shown),
            progress=shown,
            engine=engine,
        )


def _additions(lock: Lock, prefix: Path, progress: Progress) -> Hosting | None:
    """What a restore adds to an environment and proves there: where kernels run, what they are started with."""
    from bootstrap.runtime.journal import Journal

    try:
        journal = Journal()
    except JournalError:
        # Whoever needs the journal itself says so.
        return None
    if journal.empty:
        return None
    from bootstrap.runtime.hosting import hosting_of

    return hosting_of(lock, prefix, journal, progress)


def status(
    lock: StrPath | None = None,
    prefix: StrPath | None = None,
    *,
    variant: str = "auto",
    cache: StrPath | None = None,
) -> PrefixStatus:
    """Shows what is at a prefix and how it differs from a lock.

    Files whose size, time and inode are the same count as unchanged.

    Args:
        lock: Path or https address of a conda-lock.yml. Unless given, the variant's in the working folder, else the
            one that the environment was restored from, else the included one.
        prefix: A conda environment. Unless given, the first of: ``$BOOTSTRAP_PREFIX``, the activated environment, the
            one that `run` made, ``/opt/conda``.
        variant: ``cpu``, ``cuda`` or ``auto``; only used to find a lock.
        cache: Folder of unpacked packages.

    Raises:
        LockError: The lock can't be used.
    """
    from bootstrap.lock import read_lock, validate
    from bootstrap.prefix import compare_prefix
    from bootstrap.prefix.cache import PackageCache, default_cache
    from bootstrap.prefix.manifest import is_ours
    from bootstrap.prefix.records import is_environment
    from bootstrap.prefix.staging import unfinished
    from bootstrap.prefix_status import PrefixStatus

    place = absolute(Path(prefix or default_prefix()))
    path = find_lock(lock, variant=variant, cache=cache)
    if lock is None and variant == "auto" and path.parent != Path.cwd():
        # Not found here but included: the environment may have been made from one of somebody's own.
        path = _restored_from(place) or path
    records = validate(read_lock(path), PLATFORM)
    environment = place.is_dir() and is_environment(place)
    store = PackageCache(Path(cache) if cache else default_cache())
    return PrefixStatus(
        prefix=place,
        lock=path,
        environment=environment,
        ours=environment and is_ours(place),
        comparison=compare_prefix(place, records, hash_all=False) if environment else None,
        cache=store.root,
        cached=sum(store.holds(r) for r in records),
        packages=len(records),
        guard=_guard_state(place) if environment else "never",
        unfinished=unfinished(place),
    )


def _guard_state(prefix: Path) -> str:
    from bootstrap import guard

    found = guard.status(prefix)
    return "not whole" if found.state == "on" and not found.active else found.state


def explain_lock(
    lock: StrPath | None = None, package: str | None = None, *, variant: str = "auto", platform: str = PLATFORM
) -> Explanation:
    """Shows what a lock would install, and why a package is in it.

    Args:
        lock: Path or https address of a conda-lock.yml. Unless given, the variant's in the working folder, else the
            included one.
        package: A package to explain; the whole lock unless given.
        variant: ``cpu``, ``cuda`` or ``auto``; only used to find a lock.
        platform: conda's name for the kind of machine.

    Raises:
        LockError: The lock can't be used, or doesn't hold the package.
    """
    from bootstrap.lock import read_lock, validate
    from bootstrap.lock.explanation import explain

    found = read_lock(find_lock(lock, variant=variant))
    return explain(found, validate(found, platform), platform, package)


def check(
    prefix: StrPath | None = None,
    *,
    python: StrPath | None = None,
    lock: StrPath | None = None,
    imports: Sequence[str] | None = None,
    full: bool | None = None,
    repair: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Proves an environment healthy, or names what is wrong.

    Without a prefix and an interpreter it examines this very process: what it has loaded, then its files and a
    fresh process of its interpreter. numpy is not imported into it.

    Args:
        prefix: A conda environment to examine from outside.
        python: An interpreter to examine from outside.
        lock: The lock to compare a prefix with; the one it was restored from unless given.
        imports: Packages to import; numpy's dependents and what no other locked package needs unless given.
        full: Hash every file and import every dependent. By default that is done from outside, and not for this
            process, which should answer within moments.
        repair: Do what can be done about the causes, and return the report on what came of it.
        progress: Receives the states of the work.

    Raises:
        PrefixError: There is nothing to check.
        LockError: The lock can't be used.
        RepairError: A repair was asked for and failed.
    """
    with _standard_library_first():
        from bootstrap import health
        from bootstrap.lock import read_lock, validate
        from bootstrap.lock.explanation import explain
        from bootstrap.prefix.records import is_environment, require_environment
        from bootstrap.progress import NullProgress, Step

    live = prefix is None and python is None
    thorough = not live if full is None else full
    if live:
        python = sys.executable
        place = Path(sys.prefix) if is_environment(Path(sys.prefix)) else None
    else:
        place = None if prefix is None else absolute(Path(prefix))
    judged: Lock | None = None
    also: tuple[str, ...] = ()
    if place is not None:
        require_environment(place)
        path = find_lock(lock) if lock is not None else _restored_from(place)
        if path is not None:
            judged = read_lock(path)
            if imports is None and thorough:
                roots = explain(judged, validate(judged, PLATFORM), PLATFORM).roots
                also = tuple(r.name for r in roots)
    shown = progress or NullProgress()
    try:
        report = health.check(
            place,
            python=None if python is None else Path(python),
            lock=judged,
            imports=imports,
            also=also,
            full=thorough,
            live=live,
            timeout=120.0 if thorough else 30.0,
            progress=lambda stage: shown.step(Step(stage)),
        )
        if repair:
            report = report.repair(progress=lambda stage: shown.step(Step(stage)))
        return report if place is None else report.with_causes(_guard_notes(place))
    finally:
        shown.close()


@contextmanager
def _standard_library_first() -> Iterator[None]:
    """Imports in this block are not led astray by files in the working folder that are named like the library's."""
    before = list(sys.path)
    home = os.path.dirname(os.__file__)  # noqa: PTH120 - compared as text
    sys.path.sort(key=lambda path: not (path.startswith(home) and "-packages" not in path))
    try:
        yield
    finally:
        sys.path[:] = before


def _guard_notes(prefix: Path) -> list[Cause]:
    """What the guard has to say in a report: that it was turned off, or isn't whole."""
    from bootstrap import guard
    from bootstrap.health import Cause

    found = guard.status(prefix)
    if found.state == "never" or found.active:
        return []
    off = found.state == "off"
    return [
        Cause(
            id="guard-off" if off else "guard-undone",
            severity="note",
            summary=f"The guard was turned off on {found.since}: installs may replace locked packages."
            if off
            else "The guard is on, but part of it is missing: installs may replace locked packages.",
            evidence=found.undone,
            repair=f"Run `bootstrap guard on --prefix {prefix}`.",
            since=found.since if off else "",
        )
    ]


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
    build: bool = False,
    progress: Progress | None = None,
) -> Diagnosis | Replay | History:
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
        build: Also build what exists as source only (setup.py, build backends), which runs its code; otherwise its
            own record is read, or it counts as unread.
        progress: Receives the states of the work.

    Raises:
        DiagnoseError: The question can't be answered.
    """
    from bootstrap import diagnosis as parts
    from bootstrap.progress import NullProgress

    shown = progress or NullProgress()
    place = None if against is None else Path(against)
    try:
        if source is None:
            return parts.reconstruct_history(python=None if python is None else str(python))
        if isinstance(source, (str, os.PathLike)) and Path(source).suffix == ".ipynb":
            return parts.replay_notebook(
                Path(source),
                python=None if python is None else str(python),
                against=place,
                install=install,
                resolver=resolver,
                as_of=as_of,
                build=build,
                progress=shown,
            )
        return parts.analyze_requirements(
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
            build=build,
            progress=shown,
        )
    finally:
        shown.close()


def _restored_from(prefix: Path) -> Path | None:
    """The lock that a prefix was restored from, if that file still has the same content."""
    from bootstrap.lock import read_lock
    from bootstrap.prefix.manifest import read_manifest

    state = read_manifest(prefix)
    if state is None:
        return None
    path = Path(state.lock["path"])
    try:
        return path if read_lock(path).sha256 == state.lock["sha256"] else None
    except LockError:
        return None


def run(
    variant: str = "auto",
    lock: StrPath | None = None,
    prefix: StrPath | None = None,
    *,
    cache: StrPath | None = None,
    offline: bool = False,
    adopt: bool = False,
    progress: Progress | None = None,
) -> RunResult:
    """Makes this notebook run in the locked environment: what a notebook's first cell calls.

    On Colab, the cells after the one that calls it run there. It can be called again, in any state: where all is
    well it says so, in a moment. Elsewhere it registers a kernel to choose, of an environment in the user's data
    folder. This verb alone shows its progress by itself, since it is made for a cell.

        bootstrap.run()
        bootstrap.run("cpu")
        bootstrap.run(lock="https://example.org/class/conda-lock.yml#sha256=4f53...")

    Args:
        variant: ``cpu``, ``cuda``, or ``auto`` for what this machine's driver supports.
        lock: Path or https address of a conda-lock.yml; ``#sha256=HEX`` at its end admits that content alone. Unless
            given, the variant's in the working folder, else the included one.
        prefix: The environment's folder. Unless given, ``/opt/conda`` on Colab, elsewhere one in the data folder.
        cache: Folder of unpacked packages; the user's cache unless given.
        offline: Use only what the cache holds.
        adopt: Also take over a conda environment that this program did not make.
        progress: Receives the states of the work; by default what fits here shows it.

    Raises:
        BootstrapError: It could not be done; the kernel goes on where it was.
    """
    from bootstrap.console import in_notebook, progress_for
    from bootstrap.lock import read_lock
    from bootstrap.runtime.journal import state_folder
    from bootstrap.runtime.machine import Variant, detect
    from bootstrap.runtime.provision import set_up

    machine = detect(notebook=in_notebook())
    place = Path(prefix or default_prefix(to_make=True))
    if prefix is None and place == DEFAULT_PREFIX and machine.kind != "colab":
        # Kaggle has a conda of its own there, and elsewhere it is for root alone to write.
        place = state_folder() / "env"
    if (variant := named_variant(variant)) != "auto":
        machine = replace(machine, variant=Variant(variant, "asked for"))
    shown = progress or progress_for()
    try:
        return set_up(
            read_lock(find_lock(lock, variant=machine.variant.name, cache=cache, offline=offline)),
            absolute(place),
            machine,
            cache=None if cache is None else Path(cache),
            offline=offline,
            adopt=adopt,
            progress=shown,
        )
    except KeyboardInterrupt:
        raise InterruptedRestoreError("Interrupted before the environment was ready.") from None
    finally:
        shown.close()


def undo(*, dry_run: bool = False) -> UndoResult:
    """Puts back everything that `run` changed on this machine, from any state, also a half-finished one.

    A kernel that runs in the environment moves back to the machine's own Python after the cell that calls this.

    Args:
        dry_run: Only say what would be put back.

    Raises:
        JournalError: What was changed can't be read.
        UndoError: Something could not be put back; call it again when that is mended.
    """
    from bootstrap.runtime import undo as parts

    return parts.preview() if dry_run else parts.undo()


def explain(error: str | int | BootstrapError | None = None) -> ErrorPage | ErrorPages:
    """Explains an error, how to investigate it, and how to fix it.

    Args:
        error: Its name, as an error's last line says it (``hash-mismatch``); its exit code; or the error itself.
            Unless given, every one of them.

    Raises:
        UsageError: There is no such error.
    """
    from bootstrap.pages import explain as explain_error

    return explain_error(error)


__all__ = [
    "PLATFORM",
    "check",
    "default_prefix",
    "diagnose",
    "explain",
    "explain_lock",
    "find_lock",
    "restore",
    "run",
    "status",
    "undo",
]
