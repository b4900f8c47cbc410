"""The machine as it was: an image of every path before we first change it, and the way back.

A path's image is written, and on the disk, before the path is touched; putting it back needs only the image. So
`Journal.undo` works from any state, a half-finished one too, and can itself be stopped and run again.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import stat
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bootstrap.errors import JournalError, UndoError

STATE_VARIABLE = "CONDACOLAB_BOOTSTRAP_STATE"
_SCHEMA = 1
_SECONDS_TO_EMPTY = 10.0
_SECONDS_TO_COMPILE = 0.1


def state_folder() -> Path:
    """Where the journal lies: ``$CONDACOLAB_BOOTSTRAP_STATE``, ``/var/lib`` for root, else the user's data folder."""
    if named := os.environ.get(STATE_VARIABLE):
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/lib/condacolab-bootstrap")
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(base) / "condacolab-bootstrap"


@dataclass(frozen=True)
class Image:
    """One path as it was."""

    path: str
    kind: str
    """``absent``, ``file``, ``link`` or ``folder``."""
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
        self._file = self.folder / "journal.json"
        self._images: list[Image] = []
        self.facts: dict[str, Any] = {}
        """What else is to be known later: the prefix, the environment of the original kernel."""
        self._read()

    def _read(self) -> None:
        try:
            data = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise JournalError("The journal can't be read.", evidence=[f"{self._file}: {error}"]) from error
        if data.get("schema") != _SCHEMA:
            evidence = [f"{self._file}: schema {data.get('schema')}, this program writes {_SCHEMA}"]
            raise JournalError("The journal was written by another version.", evidence=evidence)
        self._images = [Image(**image) for image in data["images"]]
        self.facts = data["facts"]

    @property
    def empty(self) -> bool:
        """Whether nothing was ever changed."""
        return not self._images

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that may have been changed."""
        return tuple(image.path for image in self._images)

    def keep(self, *paths: Path) -> None:
        """Takes images of paths that are about to be changed. The first image of a path stays.

        Folders above a path that don't exist yet are kept as absent, too, so that undoing removes them.
        """
        added = False
        for path in paths:
            missing = [parent for parent in path.parents if not parent.exists()]
            for each in (*reversed(missing), path):
                if str(each) not in self.paths:
                    self._images.append(self._image(each))
                    added = True
        if added:
            self.write()

    def note(self, **facts: Any) -> None:
        """Remembers facts."""
        if self.facts != {**self.facts, **facts}:
            self.facts.update(facts)
            self.write()

    def image(self, path: Path) -> Image | None:
        """The image of a path."""
        return next((image for image in self._images if image.path == str(path)), None)

    def _image(self, path: Path) -> Image:
        try:
            info = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return Image(str(path), "absent")
        owner: dict[str, Any] = {"mode": stat.S_IMODE(info.st_mode), "uid": info.st_uid, "gid": info.st_gid}
        if stat.S_ISLNK(info.st_mode):
            return Image(str(path), "link", target=os.readlink(path), **owner)  # noqa: PTH115 (as text, byte for byte)
        if stat.S_ISDIR(info.st_mode):
            return Image(str(path), "folder", **owner)
        name = f"{len(self._images):03d}-{path.name}"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(path, self.folder / name)
        return Image(str(path), "file", content=name, mtime_ns=info.st_mtime_ns, **owner)

    def write(self) -> None:
        """Puts the journal on the disk, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        data = {"schema": _SCHEMA, "images": [asdict(image) for image in self._images], "facts": self.facts}
        with tempfile.NamedTemporaryFile("w", dir=self.folder, delete=False, encoding="utf-8") as file:
            json.dump(data, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self._file)

    def put_back(self, path: Path) -> bool:
        """Makes one path what its image says. Returns whether it had to be changed."""
        image = self.image(path)
        return image is not None and self._restore(image)

    def _restore(self, image: Image) -> bool:
        path = Path(image.path)
        if self._agrees(image):
            return False
        if image.kind == "absent":
            _remove(path)
        elif image.kind == "folder":
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(image.mode)
        elif image.kind == "link":
            with _beside(path) as new:
                new.symlink_to(image.target)
        else:
            with _beside(path) as new:
                shutil.copyfile(self.folder / image.content, new)
                os.chown(new, image.uid, image.gid)
                new.chmod(image.mode)
                os.utime(new, ns=(image.mtime_ns, image.mtime_ns))
        return True

    def _agrees(self, image: Image) -> bool:
        now = self._glance(Path(image.path))
        if now.kind != image.kind or (image.kind == "link" and now.target != image.target):
            return False
        if image.kind != "file":
            return True
        same = (now.mode, now.uid, now.gid, now.mtime_ns) == (image.mode, image.uid, image.gid, image.mtime_ns)
        return same and Path(image.path).read_bytes() == (self.folder / image.content).read_bytes()

    @staticmethod
    def _glance(path: Path) -> Image:
        """A path as it is, without its content."""
        try:
            info = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return Image(str(path), "absent")
        if stat.S_ISLNK(info.st_mode):
            return Image(str(path), "link", target=os.readlink(path))  # noqa: PTH115 (as text, byte for byte)
        kind = "folder" if stat.S_ISDIR(info.st_mode) else "file"
        mode = stat.S_IMODE(info.st_mode)
        return Image(str(path), kind, "", "", mode, info.st_uid, info.st_gid, info.st_mtime_ns)

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
        for image in reversed(self._images):
            if Path(image.path) in spare:
                continue
            try:
                if self._restore(image):
                    changed.append(image.path)
            except OSError as error:
                failed.append(f"{image.path}: {error.strerror or error}")
        if failed:
            raise UndoError("Not everything could be put back.", evidence=failed)
        if spare:
            return changed
        shutil.rmtree(self.folder, ignore_errors=True)
        self._images, self.facts = [], {}
        return changed


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


@contextlib.contextmanager
def _beside(path: Path) -> Any:
    """A new name beside a path, moved there in one step at the end."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    try:
        yield new
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def write_beside(path: Path, text: str, *, mode: int) -> None:
    """Writes a file in one step: at every moment there is the old one or the new one."""
    with _beside(path) as new:
        new.write_text(text, encoding="utf-8")
        new.chmod(mode)
