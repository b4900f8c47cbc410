"""The private folder in which a child's sockets and its connection file lie until it is connected."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from bootstrap.scratch import scratch_folder

if TYPE_CHECKING:
    from pathlib import Path

_CHANNELS = ("shell", "iopub", "stdin", "control", "hb")


class Folder:
    """A folder that only its owner may enter, and that is known to be in use until it is removed."""

    def __init__(self) -> None:
        made = ExitStack()
        self.path = made.enter_context(scratch_folder())
        self.remove = made.close
        """Deletes it; does nothing the second time."""

    def endpoint(self, channel: str) -> str:
        """ZeroMQ's address of one of the child's sockets (``shell``, ``iopub`` ...), or of another name."""
        if channel in _CHANNELS:
            return f"ipc://{self.path}/kernel-{_CHANNELS.index(channel) + 1}"
        return f"ipc://{self.path}/{channel}"

    def write_connection_file(self, name: str, session: Any) -> Path:
        """Writes the file that tells a kernel to use these sockets, with a session's key. Returns its path."""
        path = self.path / name
        write_connection_file(path, f"{self.path}/kernel", session.key.decode(), session.signature_scheme)
        return path


def write_connection_file(path: Path, sockets: str, key: str, scheme: str = "hmac-sha256") -> None:
    """Writes the file that tells a kernel which sockets to use.

    Args:
        path: The file, for its owner alone.
        sockets: How their paths begin; a dash and a number for each channel follow.
        key: Of the messages' signatures.
        scheme: Of these.
    """
    ports = {f"{channel}_port": number for number, channel in enumerate(_CHANNELS, 1)}
    path.touch(mode=0o600)
    path.write_text(json.dumps({"transport": "ipc", "ip": sockets, **ports, "key": key, "signature_scheme": scheme}))
