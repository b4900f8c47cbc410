"""The library's verbs. They take paths, return data, raise `bootstrap.errors`, and never print.

What a verb needs it imports itself: a notebook that asks for one doesn't wait for the others.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.errors import InterruptedRestoreError
from bootstrap.locate import DEFAULT_PREFIX, StrPath, default_prefix, find_lock
from bootstrap.lock.model import PLATFORM
from bootstrap.prefix.place import absolute
from bootstrap.progress import NullProgress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.diagnosis import Diagnosis, History, Replay
    from bootstrap.diagnosis.session import ResolverName
    from bootstrap.errors import BootstrapError
    from bootstrap.health import Report
    from bootstrap.lock.explanation import Explanation
    from bootstrap.pages import ErrorPage, ErrorPages
    from bootstrap.prefix import Restored
    from bootstrap.prefix_status import PrefixStatus
    from bootstrap.progress import Progress
    from bootstrap.runtime.run_result import RunResult
    from bootstrap.runtime.undo import UndoResult


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
        lock: Path or address of a conda-lock.yml; see `find_lock`.
        prefix: Where to put the environment; `default_prefix()` unless given.
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

    # The engine loads while this process does: started first, it is waited for a tenth of a second less.
    with Engine() as engine:
        from bootstrap.lock import read_lock
        from bootstrap.prefix import restore as restore_lock
        from bootstrap.runtime.additions import additions

        place = absolute(Path(prefix or default_prefix(to_make=True)))
        progress = progress or NullProgress()
        locked = read_lock(find_lock(lock, variant=variant, cache=cache, offline=offline))
        return restore_lock(
            locked,
            place,
            cache=_path(cache),
            offline=offline,
            adopt=adopt,
            additions=additions(locked, place, progress),
            progress=progress,
            engine=engine,
        )


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
        lock: Path of a conda-lock.yml; see `find_lock` for the default.
        prefix: A conda environment; `default_prefix()` unless given.
        variant: ``cpu``, ``cuda`` or ``auto``; only used to find a lock.
        cache: Folder of unpacked packages.

    Raises:
        LockError: The lock can't be used.
    """
    from bootstrap.prefix.cache import default_cache
    from bootstrap.prefix_status import examine

    place = absolute(Path(prefix or default_prefix()))
    return examine(place, find_lock(lock, variant=variant, cache=cache), Path(cache or default_cache()))


def explain_lock(
    lock: StrPath | None = None, package: str | None = None, *, variant: str = "auto", platform: str = PLATFORM
) -> Explanation:
    """Shows what a lock would install, and why a package is in it.

    Args:
        lock: Path of a conda-lock.yml; see `find_lock` for the default.
        package: A package to explain; the whole lock unless given.
        variant: ``cpu``, ``cuda`` or ``auto``; only used to find a lock.
        platform: conda's name for the kind of machine.

    Raises:
        LockError: The lock can't be used, or doesn't hold the package.
    """
    from bootstrap.lock import read_lock, validate
    from bootstrap.lock.explanation import explain

    locked = read_lock(find_lock(lock, variant=variant))
    return explain(locked, validate(locked, platform), platform, package)


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
    from bootstrap._util.imports import standard_library_first

    with standard_library_first():
        from bootstrap.checkup import check_up
    progress = progress or NullProgress()
    place = None if prefix is None else absolute(Path(prefix))
    try:
        return check_up(place, _path(python), lock, imports=imports, full=full, repair=repair, progress=progress)
    finally:
        progress.close()


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
    from bootstrap import diagnosis

    interpreter = None if python is None else str(python)
    asked = diagnosis.SessionOptions(interpreter, _path(against), resolver, as_of, build)
    progress = progress or NullProgress()
    try:
        if source is None:
            return diagnosis.reconstruct_history(python=interpreter)
        requirements = Path(source) if isinstance(source, (str, os.PathLike)) else tuple(source)
        if isinstance(requirements, Path) and requirements.suffix == ".ipynb":
            return diagnosis.replay_notebook(requirements, asked, install=install, progress=progress)
        return diagnosis.analyze_requirements(
            requirements,
            asked,
            install=install,
            options=options,
            minimal=_path(write_minimal),
            pinned=_path(write_pinned),
            force=force,
            progress=progress,
        )
    finally:
        progress.close()


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

    Args:
        variant: ``cpu``, ``cuda``, or ``auto`` for what this machine's driver supports.
        lock: Path or address of a conda-lock.yml; see `find_lock`.
        prefix: Where to put the environment; `default_prefix()` unless given.
        cache: Folder of unpacked packages.
        offline: Use only what the cache holds.
        adopt: Also take over a conda environment that this program did not make.
        progress: Receives the states of the work; by default what fits here shows it.

    Raises:
        BootstrapError: It could not be done; the kernel goes on where it was.
    """
    from bootstrap.console import in_notebook, progress_for
    from bootstrap.lock import read_lock
    from bootstrap.prefix.options import RestoreOptions
    from bootstrap.runtime.journal import state_folder
    from bootstrap.runtime.machine import Variant, detect
    from bootstrap.runtime.provision import set_up

    machine = detect(notebook=in_notebook())
    place = Path(prefix or default_prefix(to_make=True))
    if prefix is None and place == DEFAULT_PREFIX and machine.kind != "colab":
        # Kaggle has a conda of its own there, and elsewhere it is for root alone to write.
        place = state_folder() / "env"
    if variant != "auto":
        machine = replace(machine, variant=Variant(variant, "asked for"))
    progress = progress or progress_for()
    try:
        return set_up(
            read_lock(find_lock(lock, variant=machine.variant.name, cache=cache, offline=offline)),
            absolute(place),
            machine,
            RestoreOptions(_path(cache), offline, adopt),
            progress=progress,
        )
    except KeyboardInterrupt:
        raise InterruptedRestoreError("Interrupted before the environment was ready.") from None
    finally:
        progress.close()


def undo(*, dry_run: bool = False) -> UndoResult:
    """Puts back everything that `run` changed on this machine, from any state, also a half-finished one.

    A kernel that runs in the environment moves back to the machine's own Python after the cell that calls this.

    Args:
        dry_run: Only say what would be put back.

    Raises:
        JournalError: What was changed can't be read.
        UndoError: Something could not be put back; call it again when that is mended.
    """
    from bootstrap.runtime.undo import preview
    from bootstrap.runtime.undo import undo as undo_all

    return preview() if dry_run else undo_all()


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


def _path(named: StrPath | None) -> Path | None:
    return None if named is None else Path(named)
