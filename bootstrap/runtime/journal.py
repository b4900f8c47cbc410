"""The machine as it was: an image of every path before we first change it, and the way back.

A path's image is written, and on the disk, before the path is touched; putting it back needs only the image. So
`Journal.undo` works from any state, a half-finished one too, and can itself be stopped and run again.

The state folder may be one that holds other files, too: ours are the journal itself and one folder beside it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import stat
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap._util.atomic import cleared_beside, replacing, sync
from bootstrap.errors import JournalError, UndoError

if TYPE_CHECKING:
    from collections.abc import Iterator

STATE_VARIABLE = "CONDACOLAB_BOOTSTRAP_STATE"
_SCHEMA = 1
_SECONDS_TO_EMPTY = 10.0
_SECONDS_TO_COMPILE = 0.1


def state_folder() -> Path:
    """Where the journal lies: ``$CONDACOLAB_BOOTSTRAP_STATE``, ``/var/lib`` for root, else the user's data folder."""
    if named := os.environ.get(STATE_VARIABLE):
        return Path(named).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/condacolab-bootstrap")
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(base) / "condacolab-bootstrap"


@dataclass(frozen=True)
class Snapshot:
    """One path as it was."""

    path: str
    kind: str
    """``absent``, ``file``, ``link``, ``folder``, or ``above``: a folder that was absent, and that others may use."""
    target: str = ""
    """Of a link."""
    content: str = ""
    """Of a file: the name of its copy beside the journal."""
    mode: int = 0
    uid: int = 0
    gid: int = 0
    mtime_ns: int = 0


class Journal:
    """The images of one machine, in the order in which they were taken."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or state_folder()
        self.file = self.folder / "journal.json"
        self.own = self.folder / "journal.d"
        """The folder of whatever else is ours; it goes with the journal."""
        self._images: dict[str, Snapshot] = {}
        self.facts: dict[str, Any] = {}
        """What else is to be known later: the prefix, the environment of the original kernel."""
        self._read()

    def _read(self) -> None:
        try:
            data = json.loads(self.file.read_bytes())
            if data["schema"] != _SCHEMA:
                evidence = [f"{self.file}: schema {data['schema']}, expected {_SCHEMA}"]
                raise JournalError("The journal was written by another version.", evidence=evidence)
            self._images = {image["path"]: Snapshot(**image) for image in data["images"]}
            self.facts = dict(data["facts"])
        except (FileNotFoundError, NotADirectoryError):
            return
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            evidence = [f"{self.file}: {type(error).__name__}: {error}"]
            raise JournalError("Can't read the journal.", evidence=evidence) from error

    @property
    def empty(self) -> bool:
        """Whether nothing was ever changed."""
        return not self._images

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that may have been changed."""
        return tuple(self._images)

    def keep(self, *paths: Path) -> None:
        """Takes images of paths that are about to be changed. The first image of a path stays.

        Folders above a path that don't exist yet are kept, too: undoing removes them, where nothing else came into
        them.

        Raises:
            JournalError: The state folder can't be written, or what lies there is not ours.
        """
        if not self.file.exists():
            self.write()  # before any content: from here on, what lies in our folder is known to be ours
        added = False
        for path in paths:
            missing = [parent for parent in path.parents if not parent.exists()]
            for each in (*reversed(missing), path):
                if str(each) not in self._images:
                    above = each in missing
                    self._images[str(each)] = Snapshot(str(each), "above") if above else self._image(each)
                    added = True
        if added:
            self.write()

    def note(self, **facts: Any) -> None:
        """Remembers facts."""
        if self.facts != {**self.facts, **facts}:
            self.facts.update(facts)
            self.write()

    def image(self, path: Path) -> Snapshot | None:
        """The image of a path."""
        return self._images.get(str(path))

    def _image(self, path: Path) -> Snapshot:
        seen = _seen(path)
        if seen.kind != "file":
            return seen
        name = f"{len(self._images):03d}-{path.name}"
        with self._writing():
            shutil.copyfile(path, self.own / name)
            sync(self.own / name)
        return replace(seen, content=name)

    def write(self) -> None:
        """Puts the journal on the disk, whole or not at all. Raises as `keep` does."""
        data = {"schema": _SCHEMA, "images": [*map(asdict, self._images.values())], "facts": self.facts}
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.own.mkdir(exist_ok=True, mode=0o700)
            if not self.file.exists() and any(self.own.iterdir()):
                hint = f"Set {STATE_VARIABLE} to another folder, or move this one elsewhere; nothing was changed."
                evidence = [f"{self.own}: has files, but no journal beside it"]
                raise JournalError("The state folder contains unrelated files.", evidence=evidence, hint=hint)
            with replacing(self.file) as new:
                new.touch(mode=0o600, exist_ok=False)  # the variables of a kernel may be secret
                new.write_text(json.dumps(data, indent=1), encoding="utf-8")
            sync(self.folder)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            hint = f"Fix the problem above, or set {STATE_VARIABLE} to another folder. The journal is unchanged."
            evidence = [f"{error.filename or self.folder}: {error.strerror or error}"]
            raise JournalError("Can't write the journal.", evidence=evidence, hint=hint) from error

    def _restore(self, image: Snapshot) -> bool:
        """Makes a path what its image says. Returns whether it had to be changed."""
        path = Path(image.path)
        with contextlib.suppress(OSError):
            cleared_beside(path)  # of a run that was killed
        if self._agrees(image):
            return False
        if image.kind == "absent":
            _remove(path)
        elif image.kind == "above":
            try:
                path.rmdir()
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST):  # something else is in it by now
                    return False
                raise
        elif image.kind == "folder":
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(image.mode)
        else:
            _remove_empty_folders(path)
            with replacing(path) as new:
                if image.kind == "link":
                    new.symlink_to(image.target)
                else:
                    shutil.copyfile(self.own / image.content, new)
                    os.chown(new, image.uid, image.gid)
                    new.chmod(image.mode)
                    os.utime(new, ns=(image.mtime_ns, image.mtime_ns))
        return True

    def _agrees(self, image: Snapshot) -> bool:
        path = Path(image.path)
        now = _seen(path)
        if image.kind == "above":
            return now.kind != "folder"
        if image.kind != "file":
            return (now.kind, now.target) == (image.kind, image.target)
        same = replace(now, content=image.content) == image
        return same and path.read_bytes() == (self.own / image.content).read_bytes()

    def pending(self) -> tuple[str, ...]:
        """The paths that `undo` would change, in its order."""
        return tuple(path for path, image in reversed(self._images.items()) if not self._agrees(image))

    def undo(self, *, spare: tuple[Path, ...] = ()) -> list[str]:
        """Puts every path back as it was, the last changed first, and ends the journal.

        Args:
            spare: Paths to leave for later; the journal then goes on.

        Returns:
            The paths that had to be changed.

        Raises:
            UndoError: Some could not be put back; the others were, and the journal stays.
        """
        changed, failed = [], []
        for path, image in reversed(self._images.items()):
            if Path(path) in spare:
                continue
            try:
                if self._restore(image):
                    changed.append(path)
            except OSError as error:
                failed.append(f"{path}: {error.strerror or error}")
        if failed:
            raise UndoError("Some changes couldn't be undone.", evidence=failed)
        # From here on no copy of a file is needed: they may go before the journal does.
        self._images = {path: image for path, image in self._images.items() if Path(path) in spare}
        if self.file.exists():
            self.write()
        if not spare:
            self.end()
        return changed

    def end(self) -> None:
        """Deletes a journal that has nothing to put back any more, and what else is ours in the state folder.

        Raises:
            UndoError: It can't be deleted.
        """
        self._images, self.facts = {}, {}
        try:
            if self.file.exists():
                if self.own.exists():
                    shutil.rmtree(self.own)
                self.file.unlink()
        except OSError as error:
            raise UndoError("Can't delete the journal after the undo.", evidence=[str(error)]) from error
        with contextlib.suppress(OSError):
            cleared_beside(self.file)
            self.own.rmdir()
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def _seen(path: Path) -> Snapshot:
    """A path as it is, without its content."""
    try:
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Snapshot(str(path), "absent")
    owner: dict[str, Any] = {"mode": stat.S_IMODE(info.st_mode), "uid": info.st_uid, "gid": info.st_gid}
    if stat.S_ISLNK(info.st_mode):
        return Snapshot(str(path), "link", target=os.readlink(path), **owner)  # noqa: PTH115 (as text, byte for byte)
    if stat.S_ISDIR(info.st_mode):
        return Snapshot(str(path), "folder", **owner)
    return Snapshot(str(path), "file", mtime_ns=info.st_mtime_ns, **owner)


def _remove(path: Path) -> None:
    if not path.is_dir() or path.is_symlink():
        path.unlink()
        return
    deadline = time.monotonic() + _SECONDS_TO_EMPTY
    while path.exists():
        try:
            shutil.rmtree(path)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.ENOENT) or time.monotonic() > deadline:
                raise
        # A kernel that is just starting in it writes bytecode, and makes folders for that anew; the last after all is
        # deleted, since a module is compiled in between.
        time.sleep(_SECONDS_TO_COMPILE)


def _remove_empty_folders(path: Path) -> None:
    """Makes room for a file or link where only folders may have come from us."""
    if path.is_dir() and not path.is_symlink():
        for folder, _, _ in os.walk(path, topdown=False):
            os.rmdir(folder)  # noqa: PTH106 (a name of os.walk)
