"""Real kernels outside of Colab: of any version of ipykernel, on either transport that Jupyter uses."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from uv import find_uv_bin

from bootstrap.runtime.kernel.move import LAUNCH_MODULE
from tests.support import ROOT
from tests.support.colab.client import Client
from tests.support.once import digest, made_once
from tests.support.pythons import find_python

if TYPE_CHECKING:
    from collections.abc import Sequence

COLABS = ("ipykernel==6.17.1", "ipython==7.34.0", "jupyter_client==7.4.9", "traitlets==5.7.1", "setuptools<81")
"""What a kernel on Colab is made of."""
LATER = ("ipykernel==6.31.0", "ipython==8.37.0")
"""The last of ipykernel 6, as an environment has it."""
SEVEN = ("ipykernel>=7,<8",)
"""ipykernel 7 has no queue of its own."""


def kernel_python(requirements: Sequence[str], version: str = "3.11") -> Path:
    """The Python of an environment of these packages, made once; the test is skipped without that version."""
    found = find_python(version)
    if found is None:
        pytest.skip(f"this machine has no Python {version}")

    def build(folder: Path) -> None:
        uv = find_uv_bin()
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", found, folder], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", folder, *requirements], check=True)

    name = f"kernel-{version}"
    return made_once(ROOT / ".cache/kernels", name, digest(found.resolve(), *requirements), build) / "bin/python"


def moving(
    python: Path | str | Sequence[str],
    *,
    before: Sequence[str] = (),
    back: bool = False,
    remove: Sequence[str] = (),
    then: str = "pass",
) -> str:
    """A cell that has its kernel moved to another Python.

    Args:
        python: The other kernel's interpreter, or its whole command.
        before: Words before it on the command line.
        back: See ``Target``; so for `remove`.
        then: Is done when the other kernel has started.
    """
    command = [str(python), "-m", LAUNCH_MODULE] if isinstance(python, (str, Path)) else list(python)
    return (
        "import os\n"
        "from bootstrap.runtime.kernel import move\n"
        f"target = move.KernelTarget({[*before, *command]!r}, dict(os.environ), {list(remove)!r}, {back})\n"
        f"with move.moving(get_ipython().kernel, target): {then}"
    )


class LoneKernel(Client):
    """A kernel without a server, and a client of it.

    Args:
        python: Its interpreter.
        transport: ``ipc`` or ``tcp``.
    """

    def __init__(self, python: Path, transport: str) -> None:
        # Short, and not the test's own: a Unix socket's path is at most 107 characters long.
        self._folder = tempfile.TemporaryDirectory(prefix="kernel-")
        folder = Path(self._folder.name)
        self._log = folder / "log"
        file = folder / "kernel-0.json"
        file.write_text(json.dumps(_connection(folder, transport)), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(folder / "ipython")}
        environment |= {"PYDEVD_DISABLE_FILE_VALIDATION": "1", "TMPDIR": str(folder)}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [python, "-m", "ipykernel_launcher", "-f", file],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        super().__init__(file)
        self.ready()

    @property
    def folder(self) -> Path:
        """Where it runs, and where its temporary files go."""
        return Path(self._folder.name)

    @property
    def relays_folders(self) -> list[Path]:
        """The folders that relays have made and not removed."""
        return sorted(self.folder.glob("condacolab-bootstrap-*"))

    def log(self) -> str:
        """What it said outside of cells."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def where(self) -> tuple[str, int]:
        """The prefix and the process that cells run in."""
        told = self.execute("import json, os, sys; print(json.dumps([sys.prefix, os.getpid()]))").require()
        prefix, pid = json.loads(told.stdout)
        return prefix, pid

    def client(self) -> Client:
        """One more client of it, ready."""
        client = Client(self._file)
        client.ready()
        return client

    def interrupt(self) -> None:
        """As a server does."""
        os.killpg(self.process.pid, signal.SIGINT)

    def stop(self) -> None:
        """Ends it and all that it has started."""
        self.close()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._folder.cleanup()


def _connection(folder: Path, transport: str) -> dict[str, Any]:
    names = [f"{channel}_port" for channel in ("shell", "iopub", "stdin", "control", "hb")]
    ports: Sequence[int] = range(1, 6)
    if transport == "tcp":
        probes = [socket.create_server(("127.0.0.1", 0)) for _ in names]
        ports = [probe.getsockname()[1] for probe in probes]
        for probe in probes:
            probe.close()
    ip = "127.0.0.1" if transport == "tcp" else f"{folder}/socket"
    key = {"key": secrets.token_hex(), "signature_scheme": "hmac-sha256"}
    return {"transport": transport, "ip": ip, **dict(zip(names, ports, strict=True)), **key}


def gone(pid: int, seconds: float = 10.0) -> bool:
    """Whether a process has ended, or does within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.02)
    return False
