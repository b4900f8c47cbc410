"""The library's verbs. They take paths, return data, raise `bootstrap.errors`, and never print.

Each verb imports what it needs when it is called, so that a notebook doesn't wait for the others.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.errors import InterruptedRestoreError, SystemRefusedError
from bootstrap.locate import DEFAULT_PREFIX, StrPath, default_prefix, find_lock, find_python, named_variant, opened
from bootstrap.lock.model import PLATFORM
from bootstrap.prefix.place import absolute
from bootstrap.profile import Profile, add, recording, span
from bootstrap.progress import NullProgress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bootstrap.diagnosis import Diagnosis, History, Replay
    from bootstrap.diagnosis.session import ResolverName
    from bootstrap.errors import BootstrapError
    from bootstrap.health import Report
    from bootstrap.lock.explanation import Explanation
    from bootstrap.packs.making import Packed
    from bootstrap.pages import ErrorPage, ErrorPages
    from bootstrap.prefix.transaction import Restored
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
    pack: StrPath | None = None,
    profile: bool | StrPath = False,
    progress: Progress | None = None,
) -> Restored:
    """Makes a prefix match a lock; does nothing if it already matches.

    Args:
        lock: Path or https address of a conda-lock.yml. Unless given, the variant's in the working folder, else the
            included one. With a pack, the lock that it has to hold.
        prefix: Folder of the environment. Unless given, the first of: ``$BOOTSTRAP_PREFIX``, the activated
            environment, the one that `run` made, ``/opt/conda``.
        variant: ``cpu``, ``cuda`` or ``auto``: which lock to use if none is given.
        cache: Folder of unpacked packages.
        offline: Download nothing; use only what the cache holds.
        adopt: Also take over a conda environment that bootstrap didn't create.
        pack: Path or address of a pack, which has the lock and its archives: nothing else is downloaded.
            ``#sha256=HEX`` at its end says which content is meant.
        profile: Whether to record where the time goes; a path also receives a trace for Perfetto or speedscope.
        progress: Receives progress; `bootstrap.console` has displays.

    Raises:
        PackError: The pack can't be used, or holds another lock.
        KernelNotLockedError: This machine's kernels run in the prefix, and the lock lacks what they need.
        BootstrapError: As `bootstrap.prefix.transaction.restore`; the prefix is then unchanged.
    """
    from bootstrap.prefix.engine import Engine

    # The engine loads while this process does: started first, it is waited for a tenth of a second less.
    with _recorded(profile) as made, Engine() as engine:
        with span("import"):
            from bootstrap.lock import read_lock
            from bootstrap.prefix.transaction import restore as restore_lock
            from bootstrap.runtime.additions import additions

        place = absolute(Path(prefix or default_prefix(to_make=True)))
        progress = progress or NullProgress()
        with ExitStack() as stack:
            with span("read the lock"):
                source = stack.enter_context(opened(pack, lock, cache=cache, offline=offline, progress=progress))
                locked = (
                    source.lock
                    if source
                    else read_lock(find_lock(lock, variant=variant, cache=cache, offline=offline))
                )
            done = restore_lock(
                locked,
                place,
                cache=_path(cache),
                offline=offline,
                adopt=adopt,
                source=source,
                additions=additions(locked, place, progress),
                progress=progress,
                engine=engine,
            )
            return replace(done, profile=made)


def pack(
    output: StrPath,
    prefix: StrPath | None = None,
    *,
    lock: StrPath | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Packed:
    """Makes one file of an environment: its lock, the archives that the lock names, and what each file is.

    `restore` and `run` create the environment from that file, in any prefix.

    Args:
        output: The pack to write; it appears when it is complete.
        prefix: The environment; `default_prefix()` unless given. Every file of it is checked first.
        lock: The lock that it matches; the one that it was restored from unless given.
        force: Replace an existing file.
        progress: Receives progress.

    Raises:
        PackUnverifiedError: The environment doesn't match its lock.
        PackNotWritableError: The pack can't be written.
        FetchError: An archive can't be downloaded, or doesn't match the lock.
    """
    from bootstrap.lock import read_lock
    from bootstrap.packs.making import make_pack
    from bootstrap.prefix.manifest import restored_from
    from bootstrap.prefix.records import require_environment

    place = absolute(Path(prefix or default_prefix()))
    require_environment(place)
    locked = restored_from(place) if lock is None else read_lock(find_lock(lock))
    with closing(progress or NullProgress()) as progress:
        return make_pack(place, locked, absolute(Path(output)), force=force, progress=progress)


def status(
    lock: StrPath | None = None,
    prefix: StrPath | None = None,
    *,
    variant: str = "auto",
    cache: StrPath | None = None,
    offline: bool = False,
    pack: StrPath | None = None,
) -> PrefixStatus:
    """Shows what is at a prefix and how it differs from a lock, without reading every file.

    A file whose size, time, mode and inode haven't changed counts as unchanged.

    Args:
        lock: Path or https address of a conda-lock.yml. Unless given, the variant's in the working folder, else the
            one that the environment was restored from, else the included one.
        prefix: A conda environment. Unless given, the first of: ``$BOOTSTRAP_PREFIX``, the activated environment, the
            one that `run` made, ``/opt/conda``.
        variant: ``cpu``, ``cuda`` or ``auto``: which lock to use if none is given.
        cache: Folder of unpacked packages.
        offline: Download neither lock nor pack.
        pack: Path or address of a pack, whose lock is compared and whose content is shown.

    Raises:
        LockError: The lock can't be used.
        PackError: The pack can't be used.
    """
    from bootstrap.prefix.cache import default_cache
    from bootstrap.prefix_status import examine

    place = absolute(Path(prefix or default_prefix()))
    with opened(pack, lock, cache=cache, offline=offline) as source:
        content = source.told() if source else None
        path = source.lock.path if source else find_lock(lock, variant=variant, cache=cache, offline=offline)
    if pack is None and lock is None and variant == "auto" and path.parent != Path.cwd():
        # Not found here but included: the environment may have been made from one of somebody's own.
        from bootstrap.prefix.manifest import restored_from

        made_from = restored_from(place)
        path = made_from.path if made_from else path
    return examine(place, path, Path(cache or default_cache()), content)


def explain_lock(
    lock: StrPath | None = None, package: str | None = None, *, variant: str = "auto", platform: str = PLATFORM
) -> Explanation:
    """Shows what a lock would install, and why a package is in it.

    Args:
        lock: Path or https address of a conda-lock.yml. Unless given, the variant's in the working folder, else the
            included one.
        package: A package to explain; the whole lock unless given.
        variant: ``cpu``, ``cuda`` or ``auto``: which lock to use if none is given.
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
    """Proves an environment healthy, or says what is wrong.

    Without a prefix or interpreter it examines this process: what is loaded, then its files and a new process of its
    interpreter. It doesn't import numpy into this process.

    Args:
        prefix: A conda environment to examine from outside.
        python: An interpreter to examine from outside: its path, a command's name, or the folder of its environment.
        lock: The lock to compare a prefix with; the one it was restored from unless given.
        imports: Packages to import; by default numpy's dependents, and packages that no other locked package needs.
        full: Hash every file and import every dependent; by default only from outside, since a check of this process
            should take moments.
        repair: Repair what can be repaired, and return a report on the result.
        progress: Receives progress.

    Raises:
        PrefixError: There is nothing to check.
        InterpreterError: There is no such interpreter.
        LockError: The lock can't be used.
        RepairError: The repair failed.
    """
    from bootstrap._util.import_order import standard_library_first

    with standard_library_first():
        from bootstrap.checkup import check_up
    place = None if prefix is None else absolute(Path(prefix))
    interpreter = None if python is None else find_python(python)
    with closing(progress or NullProgress()) as progress:
        return check_up(place, interpreter, lock, imports=imports, full=full, repair=repair, progress=progress)


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
    """Says what would replace or break numpy, or did. The examined environment is never changed.

    Args:
        source: A requirements file; a list of requirements; a notebook (``.ipynb``), whose installing cells are
            replayed; or None, for what was installed in this runtime so far.
        python: The interpreter to examine, as for `check`; the running one unless given.
        against: A freeze file, instead of what that interpreter has installed.
        install: Also install in temporary copies, and check what breaks.
        write_minimal: Where to write the largest subset of the requirements that changes no installed package.
        write_pinned: Where to write the newest exact versions that work with the installed numpy.
        force: Replace existing files.
        resolver: ``pip``, ``uv``, or ``auto``: uv if it is installed, confirmed by pip.
        as_of: A date (``2025-11-15``): later uploads are ignored.
        options: Options of the pip command, such as ``--upgrade``.
        build: Also build source-only packages, which runs their code; otherwise their archive's metadata is read, or
            they count as unread.
        progress: Receives progress.

    Raises:
        DiagnoseError: There is no answer.
    """
    from bootstrap import diagnosis

    interpreter = None if python is None else str(find_python(python))
    asked = diagnosis.SessionOptions(interpreter, _path(against), resolver, as_of, build)
    with closing(progress or NullProgress()) as progress:
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


def run(
    variant: str = "auto",
    lock: StrPath | None = None,
    prefix: StrPath | None = None,
    *,
    cache: StrPath | None = None,
    offline: bool = False,
    adopt: bool = False,
    pack: StrPath | None = None,
    profile: bool | StrPath = False,
    progress: Progress | None = None,
) -> RunResult:
    """Makes this notebook run in the locked environment: the line for a notebook's first cell.

    On Colab, all later cells run in the environment. Elsewhere, it creates the environment in the user's data folder
    and registers a kernel for it. It can be called again in any state; if nothing is to be done, it returns at once.
    It shows its progress by default; the other verbs don't.

        bootstrap.run()
        bootstrap.run("cpu")
        bootstrap.run(lock="https://example.org/class/conda-lock.yml#sha256=4f53...")

    Args:
        variant: ``cpu``, ``cuda``, or ``auto`` for what this machine's driver supports.
        lock: Path or https address of a conda-lock.yml; ``#sha256=HEX`` at its end admits that content alone. Unless
            given, the variant's in the working folder, else the included one.
        prefix: Folder of the environment. Unless given, ``/opt/conda`` on Colab, elsewhere one in the data folder.
        cache: Folder of unpacked packages; the user's cache unless given.
        offline: Download nothing; use only what the cache holds.
        adopt: Also take over a conda environment that bootstrap didn't create.
        pack: Path or address of a pack; see `restore`.
        profile: Whether to record where the time goes; a path also receives a trace for Perfetto or speedscope.
        progress: Receives progress; by default, a display that fits this notebook or terminal.

    Raises:
        BootstrapError: It failed; the kernel stays where it was.
    """
    with _recorded(profile) as made:
        from bootstrap.provenance import sent

        if (age := sent()) is not None:
            # As a rule it was pip, of which nothing else is known.
            add("pip and all else in the cell", time.monotonic() - age)
        with span("import"):
            from bootstrap.console import in_notebook, progress_for
            from bootstrap.lock import read_lock
            from bootstrap.packs.opening import absolute_name
            from bootstrap.prefix.restore_options import RestoreOptions
            from bootstrap.runtime.journal import state_folder
            from bootstrap.runtime.machine import Variant, detect
            from bootstrap.runtime.provision import set_up

        with span("look at the machine"):
            machine = detect(notebook=in_notebook())
        place = Path(prefix or default_prefix(to_make=True))
        if prefix is None and place == DEFAULT_PREFIX and machine.kind != "colab":
            # Kaggle has a conda of its own there, and elsewhere it is for root alone to write.
            place = state_folder() / "env"
        if (variant := named_variant(variant)) != "auto":
            machine = replace(machine, variant=Variant(variant, "asked for"))
        progress = progress or progress_for()
        try:
            with opened(pack, lock, cache=cache, offline=offline, progress=progress) as source:
                # What restores opens it again: on Colab that is another process, which works in a folder of its own.
                locked = source.lock if source else None
                place_of_pack = None if pack is None else absolute_name(pack)
            ready = set_up(
                locked or read_lock(find_lock(lock, variant=machine.variant.name, cache=cache, offline=offline)),
                absolute(place),
                machine,
                RestoreOptions(_path(cache), offline, adopt, place_of_pack),
                progress=progress,
            )
            return replace(ready, profile=made)
        except KeyboardInterrupt:
            raise InterruptedRestoreError("Interrupted before the environment was ready.") from None
        finally:
            progress.close()


@contextmanager
def _recorded(asked: bool | StrPath) -> Iterator[Profile | None]:
    """Records the block where that was asked for; the profile is complete when it has ended."""
    made = None if asked is False else Profile()
    file = None if isinstance(asked, bool) else Path(asked)
    with ExitStack() as stack:
        try:
            stack.enter_context(recording(made, file))
        except OSError as error:
            raise SystemRefusedError("Can't write the profile.", evidence=[str(error)]) from error
        yield made


def undo(*, dry_run: bool = False) -> UndoResult:
    """Restores everything that `run` changed on this machine, even if `run` or `undo` was interrupted.

    A kernel that runs in the environment moves back to the machine's own Python after this cell.

    Args:
        dry_run: Only say what would be restored.

    Raises:
        JournalError: The journal of changes can't be read.
        UndoError: Something couldn't be restored; fix that and call it again.
    """
    from bootstrap.runtime.undo import preview
    from bootstrap.runtime.undo import undo as undo_all

    return preview() if dry_run else undo_all()


def explain(error: str | int | BootstrapError | None = None) -> ErrorPage | ErrorPages:
    """Explains an error, how to investigate it, and how to fix it.

    Args:
        error: Its name, from an error's last line (``hash-mismatch``); its exit code; or the error itself. Without
            it, all of them.

    Raises:
        UsageError: There is no such error.
    """
    from bootstrap.pages import explain as explain_error

    return explain_error(error)


def _path(named: StrPath | None) -> Path | None:
    return None if named is None else Path(named)
