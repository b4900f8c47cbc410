"""Builds a prefix beside its place and puts it there in one step.

The folder that holds the prefix is locked meanwhile. Whatever a killed run left is put right by the next one
before it begins: the environment that was in place is in place again, and the rest is deleted.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import stat
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.errors import InTheWayError, PrefixBusyError, PrefixNotWritableError, PrefixPlaceError
from bootstrap.prefix import meanwhile, tmpfs
from bootstrap.prefix.folder_lock import locked_folder
from bootstrap.prefix.paths import META_DIR
from bootstrap.prefix.place import mounts_at

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from bootstrap.prefix.meanwhile import Seen

WAIT_SECONDS = 900.0
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
_LOOK_FILE = f"{META_DIR}/condacolab-bootstrap-look"
"""What was seen of the old environment: in the new one from the switch on, until the old one was looked at again."""
_MARK_BYTES = 100
_MARK = re.compile(rb"(condacolab-bootstrap is restoring here: (?P<token>[0-9a-f]{16})\n)?")


class Staging:
    """The places around one prefix. Use it inside `hold`.

    A file beside the prefix names them before they are made, so that nothing is deleted for its name alone.
    """

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self._mark = prefix.with_name(f".{prefix.name}.condacolab-bootstrap")
        self._seen: Seen = {}
        self.late: list[str] | None = None
        """What a killed run had not carried over, and was set aside now; None where there was no such run."""
        self._name(secrets.token_hex(8))

    def _name(self, token: str) -> None:
        self._token = token
        self.stage = self.prefix.with_name(f".{self.prefix.name}.stage-{token}")
        self._old = self.prefix.with_name(f".{self.prefix.name}.old-{token}")

    def recover(self) -> None:
        """Puts right what a killed run left: nobody else can be at work, since the folder is locked.

        Raises:
            InTheWayError: Something that isn't ours has the name of our mark.
        """
        try:
            info = self._mark.lstat()
        except FileNotFoundError:
            with suppress(OSError):
                self._looked.unlink()  # of an environment that was moved here
            return
        ours = stat.S_ISREG(info.st_mode) and info.st_uid == os.geteuid() and info.st_size < _MARK_BYTES
        match = _MARK.fullmatch(self._mark.read_bytes()) if ours else None
        if not match:
            raise InTheWayError(
                "A file beside the prefix has a name that the restore needs.",
                evidence=[f"{self._mark}: not created by bootstrap"],
            )
        own = self._token
        if match["token"]:  # else killed before it was written, and before anything was made
            self._name(match["token"].decode())
            if os.path.lexists(self._old) and not os.path.lexists(self.prefix):
                self._old.rename(self.prefix)
        self._look_again()
        self.clean()
        self._name(own)

    @property
    def _looked(self) -> Path:
        return self.prefix / _LOOK_FILE

    def _look_again(self) -> None:
        """Carries over what came to the old environment until the switch, where a run was killed after that."""
        old = self.stage if os.path.lexists(self.stage) else self._old
        try:
            told = json.loads(self._looked.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return
        except ValueError:  # after a power cut
            told = {"token": None}
        if told["token"] == self._token and os.path.lexists(old):
            seen = {path: mark and tuple(mark) for path, mark in told["seen"].items()}
            _, self.late = meanwhile.carry_over(seen, str(old), str(self.prefix), set(told["owned"]))
        self._looked.unlink()

    def begin(self, *, clone: bool) -> Path:
        """Makes the stage: empty, or a copy of the prefix that shares its files by hard links.

        Its records lie in memory until `finish`.
        """
        try:
            with open(self._mark, "xb", opener=_private) as mark:
                mark.write(b"condacolab-bootstrap is restoring here: " + self._token.encode() + b"\n")
            self.stage.mkdir(0o755)
        except (FileNotFoundError, PermissionError) as error:  # /proc and its like, which allow no folders
            raise _not_writable(self.prefix.parent, error) from error
        tmpfs.redirect_to_tmpfs(self.stage / META_DIR, self._token)
        self._require_exchange()
        self._seen = {}
        if clone:
            self._seen = meanwhile.clone(str(self.prefix), str(self.stage))
        elif self.prefix.exists():
            meanwhile.like(str(self.prefix), str(self.stage))
        return self.stage

    def _require_exchange(self) -> None:
        """Raises where the file system won't move the prefix, such as one in a layer of a container's image."""
        try:
            # It can't succeed: the stage isn't empty, which is looked at last.
            if os.path.lexists(self.prefix) and any(self.prefix.iterdir()):
                self.prefix.rename(self.stage)
        except OSError as error:
            if error.errno in (errno.EXDEV, errno.EBUSY):
                raise PrefixPlaceError(
                    "The file system can't swap the prefix with another folder.",
                    evidence=[f"{self.prefix}: {error.strerror}"],
                ) from error

    def finish(self, texts: Mapping[str, str]) -> None:
        """Puts the records beside the files that they are about; those named with a new text."""
        for name, text in texts.items():
            (self.stage / META_DIR / name).write_text(text, encoding="utf-8")
        tmpfs.copy_back(self.stage / META_DIR)

    def switch(self, owned: Collection[str] = ()) -> list[str]:
        """Puts the stage in the prefix's place, and what was there aside. What came to it meanwhile is carried over.

        Args:
            owned: Paths that are packages' from now on.

        Returns:
            What came meanwhile and was set aside, since a package has its place.
        """
        try:
            self.stage.rename(self.prefix)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return []  # nothing was there, or an empty folder
        self._seen, aside = meanwhile.carry_over(self._seen, str(self.prefix), str(self.stage), owned)
        told = {"token": self._token, "seen": self._seen, "owned": list(owned)}
        with open(self.stage / _LOOK_FILE, "x", opener=_private) as file:
            file.write(json.dumps(told, separators=(",", ":")))
            file.flush()
            os.fsync(file.fileno())
        old = self.stage
        if not _exchange(self.stage, self.prefix):
            self.prefix.rename(self._old)
            self.stage.rename(self.prefix)
            old = self._old
        _, more = meanwhile.carry_over(self._seen, str(old), str(self.prefix), owned)
        self._looked.unlink()
        return sorted({*aside, *more})

    def clean(self) -> None:
        """Deletes what is no longer needed."""
        tmpfs.discard(self._token)
        if unfinished(self.prefix):
            return
        for leftover in (self.stage, self._old):
            _delete(leftover)
        if not os.path.lexists(self.stage) and not os.path.lexists(self._old):
            with suppress(OSError):  # what stays is deleted by the next run, as all else here is
                self._mark.unlink()


def unfinished(prefix: Path) -> bool:
    """Whether a restore ended right after its switch: what was written meanwhile may not be in the prefix yet."""
    return os.path.lexists(prefix / _LOOK_FILE)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _delete(folder: Path) -> None:
    def allow(function: Callable[[str], object], path: str, _error: object) -> None:
        # A folder that its owner may not write to is allowed, and tried again; what stays all the same is left.
        place = Path(path)
        with suppress(OSError):
            for above in (place.parent, place):
                if (above == folder or folder in above.parents) and above.is_dir() and not above.is_symlink():
                    above.chmod(0o700)
            if function in (os.unlink, os.rmdir):
                function(path)
            else:
                shutil.rmtree(place, ignore_errors=True)

    if folder.is_symlink():
        folder.unlink()
    elif folder.exists() and not mounts_at(folder):
        shutil.rmtree(folder, onerror=allow)


@contextmanager
def hold(prefix: Path, *, waiting: Callable[[], None], wait_seconds: float = WAIT_SECONDS) -> Iterator[Staging]:
    """Holds the prefix for one restore.

    Args:
        prefix: An absolute path; the folders above it are made.
        waiting: Called once if another restore holds it.
        wait_seconds: How long to wait for that.

    Raises:
        PrefixBusyError: It is still locked after that.
        PrefixNotWritableError: The folder that should hold it can't be made or written.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(locked_folder(prefix.parent, waiting, wait_seconds))
        except BlockingIOError:
            raise PrefixBusyError(
                "Another restore is running on this prefix.",
                evidence=[f"{prefix}: still locked after {wait_seconds:.0f} s"],
            ) from None
        except OSError as error:
            raise _not_writable(prefix.parent, error) from error
        staging = Staging(prefix)
        staging.recover()
        try:
            yield staging
        finally:
            staging.clean()


def _not_writable(folder: Path, error: OSError) -> PrefixNotWritableError:
    return PrefixNotWritableError(
        "The prefix's parent folder isn't writable.", evidence=[f"{folder}: {error.strerror}"]
    )


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two folders in one step; False where the kernel or file system can't."""
    import ctypes  # not for an environment that agrees already, which is asked for often

    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    done: int = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return done == 0
