"""The Colab machine: a root of its layers, with a Jupyter server in it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from .layers import colab_layers
from .pythons import USUAL, find_python
from .root import Root, RootError, skip_without
from .server import Server
from .snapshot import take
from .wheels import wheel_folders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from .server import Kernel
    from .snapshot import Snapshot


TRANSPORT = os.environ.get("BOOTSTRAP_COLAB_TRANSPORT", "ipc")
"""How kernels are reached where a test doesn't say: ``tcp``, or ``ipc``, which Colab uses."""


@dataclass
class ColabRoot(Root):
    """A root laid out as a Colab machine. See ``Root`` for ``run``, ``path``, ``bind``, ``save`` and the rest.

    Attributes:
        python: The version of its own Python, such as ``3.12``.
        transport: How its Jupyter server reaches kernels: ``ipc`` or ``tcp``.
    """

    python: str = ""
    transport: str = TRANSPORT
    _server: Server | None = field(default=None, repr=False)

    @classmethod
    def start(
        cls,
        python: str = USUAL,
        *,
        transport: str = TRANSPORT,
        binds: Mapping[str, Path] | None = None,
        env: Mapping[str, str | None] | None = None,
        layers: Sequence[Path] = (),
        wheels: bool = True,
        size: str = "8g",
    ) -> Self:
        """A new machine; the test is skipped, with the reason, where this one can't make it.

        Args:
            python: Colab's own Python: 3.11, 3.12 or 3.13.
            transport: How its Jupyter server reaches kernels: ``ipc`` or ``tcp``.
            binds: Path inside to what of the outside is seen there, read-only.
            env: Changes to what its processes get; None unsets.
            layers: More layers above the machine's own (from ``save``), topmost first.
            wheels: Whether pip finds this project's wheel, what it depends on, and numpy 2.3.4 inside.
            size: The most that may be written, in memory.
        """
        skip_without()
        target = find_python(python)
        if target is None:
            pytest.skip(f"this machine has no Python {python} to make a Colab machine of")
        found = wheel_folders(target) if wheels else {}
        made = cls.make(
            [*layers, *colab_layers(target)], binds={**found, **(binds or {})}, environment=env, size=size
        )
        made.python, made.transport = python, transport
        return made

    @property
    def server(self) -> Server:
        """The machine's Jupyter server, started when it is first asked for."""
        if self._server is None:
            self._server = Server(self, self.transport)
        return self._server

    def kernel(self, *, ready: bool = True) -> Kernel:
        """Starts a kernel under the machine's server, and opens a client of it."""
        return self.server.kernel(ready=ready)

    def copy(self) -> Self:
        """Another machine that starts as this one is now, without its processes. See ``Root.copy``.

        Raises:
            RootError: The server runs: it writes.
        """
        if self._server is not None:
            raise RootError("call stop_server() before a copy is made")
        made = super().copy()
        made.python, made.transport = self.python, self.transport
        return made

    def snapshot(self) -> Snapshot:
        """What differs from a new machine now."""
        return take(self)

    def stop_server(self) -> None:
        """Stops the server and its kernels; files stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def close(self) -> None:
        """Stops everything in the machine and throws it away."""
        if self._server is not None:
            self._server._log.close()
            self._server = None
        super().close()
