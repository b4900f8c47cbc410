"""Which lock, pack and prefix are meant, also where none is named."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.errors import InterpreterError, JournalError, LockNotFoundError, UsageError, did_you_mean
from bootstrap.included import places
from bootstrap.lock.model import LOCK_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootstrap.errors import BootstrapError
    from bootstrap.packs.opening import Pack
    from bootstrap.progress import Progress

# Every command needs this: what only some need is imported when they do.

DEFAULT_PREFIX = Path("/opt/conda")
PREFIX_ENV_VAR = "BOOTSTRAP_PREFIX"

StrPath = str | os.PathLike[str]


def default_prefix(*, to_make: bool = False) -> Path:
    """The first of: ``$BOOTSTRAP_PREFIX``, the activated environment, the one that `run` made, ``/opt/conda``.

    An activated environment that this program did not make, as conda's ``base`` often is, comes after the one that
    `run` made, and is never recreated.

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


def find_python(python: StrPath) -> Path:
    """The interpreter meant by a path, a command's name or an environment's folder.

    Raises:
        InterpreterError: There is none.
    """
    folder = Path(python).expanduser()
    name = folder / "bin" / "python" if folder.is_dir() else folder
    executable = shutil.which(name)
    if executable is None:
        raise InterpreterError("Python not found.", evidence=[f"{name}: missing or not executable"])
    return Path(executable).absolute()


def named_variant(name: str) -> str:
    """A variant by its name, or by ``gpu``.

    Raises:
        UsageError: There is none of this name.
    """
    name = "cuda" if name == "gpu" else name
    known = ("auto", *LOCK_NAMES)
    if name not in known:
        message = f"The variant must be one of {', '.join(known)}, not {name}."
        raise UsageError(message, hint=did_you_mean(name, known))
    return name


def find_lock(
    lock: StrPath | None = None, *, variant: str = "auto", cache: StrPath | None = None, offline: bool = False
) -> Path:
    """The lock to use: the one given, else the variant's in the working directory, else the one shipped.

    Args:
        lock: A path, or an address (``https://...``), at whose end ``#sha256=HEX`` may say which content is meant.
        variant: ``cpu``, ``cuda``, or ``auto`` for what this machine's driver supports.
        cache: Folder in which a lock from an address is kept.
        offline: Download nothing.

    Raises:
        UsageError: There is no such variant.
        LockNotFoundError: There is none.
        LockAddressError: No lock is read from such an address.
        LockDigestError: The address has another lock than the one named.
        LockNotFetchedError: It couldn't be downloaded.
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


@contextmanager
def opened(
    pack: StrPath | None,
    lock: StrPath | None,
    *,
    cache: StrPath | None,
    offline: bool = False,
    progress: Progress | None = None,
) -> Iterator[Pack | None]:
    """The pack that was named, if one was; it holds the lock that was named, if one was.

    Args:
        pack: Its path or address, at whose end ``#sha256=HEX`` may say which content is meant.
        lock: A lock, as for `find_lock`.
        cache: Folder in which the pack's lock is kept, and what comes of a pack lies meanwhile.
        offline: Download nothing.
        progress: Is told of faults of server and network.

    Raises:
        PackError: It can't be used, or holds another lock.
        LockError: One of the locks can't be used.
    """
    if pack is None:
        yield None
        return
    from bootstrap.packs.opening import open_pack
    from bootstrap.prefix.cache import default_cache
    from bootstrap.prefix.place import absolute

    def on_retry(error: BootstrapError, pause: float) -> None:
        if progress:
            progress.note(f"{error.message} Retrying in {pause:.0f} s.")

    folder = absolute(Path(cache or default_cache()))
    with open_pack(os.fspath(pack), folder, offline=offline, on_retry=on_retry) as opened_pack:
        if lock is not None:
            opened_pack.require_lock(find_lock(lock, cache=cache, offline=offline))
        yield opened_pack
