"""The machine's Jupyter server: the real one, from the root's own Python, which starts and restarts kernels."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .client import Client
from .root import HOME, RootError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .root import Root

RUNTIME = f"{HOME}/.local/share/jupyter/runtime"


class Server:
    """A Jupyter server in a root, on a free port of loopback, without a token: started with Colab's own arguments.

    Args:
        root: Where it runs.
        transport: How its kernels are reached: ``ipc`` as on Colab, or ``tcp``.
        program: What to start, before its options.
        settings: More options of it.
        extension: The server extension that ``program`` is, if it is one.
    """

    def __init__(
        self,
        root: Root,
        transport: str,
        program: Sequence[str] = ("/usr/bin/python3", "/usr/local/bin/jupyter-server"),
        settings: Mapping[str, object] | None = None,
        extension: str | None = None,
    ) -> None:
        self.root = root
        self.transport = transport
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed with the server
        every = {
            "transport": transport,
            "ip": "127.0.0.1",
            "port": self.port,
            "FileContentsManager.root_dir": "/",
            "FileContentsManager.allow_hidden": True,
            "MappingKernelManager.root_dir": "/content",
            "ServerApp.iopub_data_rate_limit": 1e10,
            # What follows isn't Colab's: this server shares the outside's network and its account.
            "ServerApp.port_retries": 0,
            "ServerApp.allow_root": True,
            "ServerApp.open_browser": False,
            "ServerApp.disable_check_xsrf": True,
            "ServerApp.token": "",
            **(settings or {}),
        }
        options = [f"--{name}={value}" for name, value in every.items()]
        # Two that take seconds to load and play no part here.
        extensions = {"ipyparallel": False, "nbclassic": False, **({extension: True} if extension else {})}
        options += [f"--ServerApp.jpserver_extensions={name}={wanted}" for name, wanted in extensions.items()]
        self._process = subprocess.Popen(
            root.enter([*program, *options], env={"COLAB_JUPYTER_TRANSPORT": transport}),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._await_start()

    def _await_start(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.call("GET", "/api")
            except OSError:
                pass
            else:
                # By its own word: another one could have taken the port in the meantime.
                if f"{self.url}/" in self.log():
                    return
            time.sleep(0.05)
        raise RootError(f"the root's Jupyter server doesn't start:\n{self.log()}")

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """A request to the server's REST interface; returns the answer's JSON, None where it is empty."""
        data = json.dumps(body).encode() if body is not None else b"" if method == "POST" else None
        request = urllib.request.Request(self.url + path, data, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def log(self) -> str:
        """All that the server and its kernels said outside of cells."""
        self._log.flush()
        return Path(f"/proc/self/fd/{self._log.fileno()}").read_text(encoding="utf-8", errors="replace")

    def kernel(self, *, ready: bool = True) -> Kernel:
        """Starts a kernel by the kernel spec ``python3``."""
        started = self.call("POST", "/api/kernels", {"name": "python3"})
        kernel = Kernel(self, started["id"])
        if ready:
            kernel.ready()
        return kernel

    def close(self) -> None:
        """Stops the server and its kernels, as switching it off does."""
        mine = f"--port={self.port}"
        for pid, arguments in self.root.processes().items():
            if mine in arguments:
                os.kill(pid, signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._log.close()


class Kernel(Client):
    """A kernel of the server, and a client of it.

    Attributes:
        id: As the server has it.
        connection_file: Its path inside.
    """

    def __init__(self, server: Server, identity: str) -> None:
        self.server = server
        self.id = identity
        self.connection_file = f"{RUNTIME}/kernel-{identity}.json"
        self._log_start = len(server.log())
        super().__init__(server.root.path(self.connection_file))

    def client(self) -> Client:
        """One more client of the same kernel, ready."""
        client = Client(self.server.root.path(self.connection_file))
        client.ready()
        return client

    @property
    def outer_pid(self) -> int | None:
        """The process id, as the outside has it, of the process that the server started; None if there is none."""
        found = []
        for pid, arguments in self.server.root.processes().items():
            if any(self.id in argument for argument in arguments) and _state(pid) not in "ZX":
                found.append(pid)
        # Not by their ids, which begin anew when they have run out.
        return min(found, key=_started, default=None)

    @property
    def pid(self) -> int | None:
        """The same as the kernel itself has it (``os.getpid()``)."""
        try:
            return None if (outer := self.outer_pid) is None else self.server.root.inner_pid(outer)
        except OSError:  # it has ended in between
            return None

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self.outer_pid is not None

    @property
    def restarts(self) -> int:
        """How often the server found a kernel dead and started it again, since this one was started."""
        return self.server.log()[self._log_start :].count("KernelRestarter: restarting kernel")

    def interrupt(self) -> None:
        """As the page's button does."""
        self.server.call("POST", f"/api/kernels/{self.id}/interrupt")

    def restart(self) -> None:
        """As the page's menu does; waits until the new kernel is ready."""
        self.server.call("POST", f"/api/kernels/{self.id}/restart")
        self.ready()

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Kills its process, as a crash would.

        Returns:
            The process id that it had, as the outside has it.
        """
        pid = self.outer_pid
        assert pid is not None, "the kernel has no process"
        os.kill(pid, number)
        return pid

    def stop(self) -> None:
        """Shuts the kernel down for good."""
        self.close()
        try:
            self.server.call("DELETE", f"/api/kernels/{self.id}")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise


def _started(pid: int) -> int:
    """When a process was started, in ticks since the machine was."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
    except OSError:
        return sys.maxsize


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return "X"
