"""The private folder in which a child's sockets and its connection file lie until it is connected."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

_PREFIX = "condacolab-bootstrap-relay-"
_LOCK = "lock"
_CHANNELS = ("shell", "iopub", "stdin", "control", "hb")


class Folder:
    """A folder that only its owner may enter, and that is known to be in use until it is removed."""

    def __init__(self) -> None:
        sweep()
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        # Whoever finds the lock free knows that the process has ended, however it did.
        self._lock: int | None = os.open(self.path / _LOCK, os.O_CREAT | os.O_WRONLY, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def endpoint(self, channel: str) -> str:
        """ZeroMQ's address of one of the child's sockets (``shell``, ``iopub`` ...), or of another name."""
        if channel in _CHANNELS:
            return f"ipc://{self.path}/kernel-{_CHANNELS.index(channel) + 1}"
        return f"ipc://{self.path}/{channel}"

    def write_connection_file(self, name: str, session: Any) -> Path:
        """Writes the file that tells a kernel to use these sockets, with a session's key. Returns its path."""
        ports = {f"{channel}_port": number for number, channel in enumerate(_CHANNELS, 1)}
        connection = {
            "transport": "ipc",
            "ip": f"{self.path}/kernel",
            **ports,
            "key": session.key.decode(),
            "signature_scheme": session.signature_scheme,
        }
        path = self.path / name
        path.touch(mode=0o600)
        path.write_text(json.dumps(connection), encoding="utf-8")
        return path

    def remove(self) -> None:
        """Deletes it; does nothing the second time."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def sweep() -> None:
    """Deletes the folders of relays that were killed while a child started."""
    with suppress(OSError):
        _sweep(Path(tempfile.gettempdir()))


def _sweep(temporary: Path) -> None:
    for path in temporary.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if path.lstat().st_uid == os.geteuid() and not _in_use(path):
                shutil.rmtree(path, ignore_errors=True)


def _in_use(path: Path) -> bool:
    lock = os.open(path / _LOCK, os.O_WRONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
