"""What one program of the process leaves to the next: messages, connections, and who will come back."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import asdict, dataclass, field

VARIABLE = "CONDACOLAB_BOOTSTRAP_HANDOVER"
"""Names the descriptor in the new program's environment."""


@dataclass
class Handover:
    """Everything that a moved kernel goes on with."""

    messages: dict[str, list[list[str]]] = field(default_factory=dict)
    """Channel (``shell``, ``control``) to the messages not yet answered, in order, each as frames in base64."""
    held: dict[str, list[int]] = field(default_factory=dict)
    """Channel to descriptors of connections whose last bytes are still to be read."""
    clients: dict[str, int] = field(default_factory=dict)
    """Channel to the number of clients that were connected, and are expected back."""
    remove: list[str] = field(default_factory=list)
    """Folders to delete before the kernel starts: an environment that the kernel has just left."""
    note: str = ""
    """For the user, at the next cell."""

    def add(self, channel: str, frames: list[bytes]) -> None:
        """Appends one message."""
        self.messages.setdefault(channel, []).append([base64.b64encode(frame).decode() for frame in frames])

    def frames(self, channel: str) -> list[list[bytes]]:
        """The messages of a channel."""
        return [[base64.b64decode(frame) for frame in message] for message in self.messages.get(channel, [])]

    @property
    def descriptors(self) -> list[int]:
        """Those of all channels that are held."""
        return [fd for fds in self.held.values() for fd in fds]

    def leave(self) -> int:
        """Writes it into a file that only lives in memory, and that the next program inherits.

        Returns:
            The descriptor, for `VARIABLE`.
        """
        fd = os.memfd_create("condacolab-bootstrap", 0)
        with open(os.dup(fd), "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        os.set_inheritable(fd, True)
        return fd


def receive() -> Handover | None:
    """What the program before left, once; None if this process began with this program."""
    name = os.environ.pop(VARIABLE, "")
    if not name.isdecimal():
        return None
    try:
        os.lseek(int(name), 0, os.SEEK_SET)
        with open(int(name), encoding="utf-8") as file:
            return Handover(**json.load(file))
    except (OSError, ValueError, TypeError):
        # A child of the kernel that inherited the variable, or another version's handover.
        return None
