"""A disposable root: layers over this machine's libraries, in a mount and process namespace of its own."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

HOME = "/root"
"""Where Colab's only user is at home, in every stand-in."""
# What a process on a Colab machine without a GPU has. LANG differs: this machine may not have en_US.UTF-8. Nobody
# answers here where Google's own services are, which the TBE_ variables name.
ENVIRONMENT = {
    "CLICOLOR": "1",
    "CLOUDSDK_CONFIG": "/content/.config",
    "CLOUDSDK_PYTHON": "python3",
    "COLAB_BACKEND_VERSION": "next",
    "COLAB_FILE_HANDLER_ADDR": "localhost:3453",
    "COLAB_GPU": "",
    "COLAB_JUPYTER_IP": "127.0.0.1",
    "COLAB_NOTEBOOK_ID": "0",
    "COLAB_RELEASE_TAG": "release-colab_20260901-060045_RC00",
    "COLAB_WARMUP_DEFAULTS": "1",
    "DEBIAN_FRONTEND": "noninteractive",
    "ENV": f"{HOME}/.bashrc",
    "GIT_PAGER": "cat",
    "HOME": HOME,
    "LANG": "C.UTF-8",
    "LANGUAGE": "en_US",
    "LC_ALL": "C.UTF-8",
    "LD_LIBRARY_PATH": "/usr/lib64-nvidia",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PAGER": "cat",
    "PATH": (
        "/opt/bin:/usr/local/nvidia/bin:/usr/local/cuda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
        "/sbin:/bin:/tools/node/bin:/tools/google-cloud-sdk/bin"
    ),
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "PYDEVD_USE_FRAME_EVAL": "NO",
    "PYTHONPATH": "/env/python",
    "PYTHONUTF8": "1",
    "PYTHONWARNINGS": "ignore:::pip._internal.cli.base_command",
    "SHELL": "/bin/bash",
    "TBE_CREDS_ADDR": "127.0.0.1:1",
    "TBE_EPHEM_CREDS_ADDR": "127.0.0.1:1",
    "TBE_RUNTIME_ADDR": "127.0.0.1:1",
    "TERM": "xterm-color",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "USE_AUTH_EPHEM": "1",
    "UV_BUILD_CONSTRAINT": "",
    "UV_CONSTRAINT": "",
    "UV_SYSTEM_PYTHON": "true",
    "_PYVIZ_COMMS_INSTALLED": "1",
}

# A folder that every Debian has and nothing here needs: the root stands in a tmpfs mounted over it, where only its
# own namespace sees it, so there is no folder to be left behind.
_PLACES = ("/mnt", "/media", "/srv")


class RootError(Exception):
    """The root can't be made, or a command in it didn't end in time."""


@functools.cache
def why_not() -> str | None:
    """Why no root can be made on this machine; None where one can."""
    if os.geteuid() != 0:
        return "a disposable root needs to be made by root (mount namespaces, overlay file systems)"
    script = """
        mount -t tmpfs none /mnt; cd /mnt; mkdir h m u w r; mount -t overlay -o ro,lowerdir=/mnt/h:/ none m
        mount -t overlay -o lowerdir=/mnt/m,upperdir=u,workdir=w none r
    """
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "sh", "-ec", script], capture_output=True, text=True, check=False
    )
    return f"this machine allows no overlay in a mount namespace: {done.stderr.strip()}" if done.returncode else None


def skip_without() -> None:
    """Skips the test where no root can be made."""
    if (reason := why_not()) is not None:
        lacking(reason)


def lacking(reason: str) -> NoReturn:
    """Skips the test for what this machine lacks; fails it where ``BOOTSTRAP_TESTS_COMPLETE`` says to run all."""
    if os.environ.get("BOOTSTRAP_TESTS_COMPLETE"):
        pytest.fail(f"this test must run here, but {reason}")
    pytest.skip(reason)


def _merge(base: Mapping[str, str], changes: Mapping[str, str | None] | None) -> dict[str, str]:
    return {name: value for name, value in {**base, **(changes or {})}.items() if value is not None}


@dataclass
class Root:
    """A root that stands.

    Attributes:
        pid: The process id of its init, as the outside has it.
        stage: The folder of its tmpfs, in its own mount namespace.
        lower: The lowerdir option of its overlay.
        environment: What commands in it get.
        binds: Path inside to what of the outside is seen there.
    """

    pid: int
    stage: str
    lower: str
    environment: dict[str, str]
    binds: dict[str, Path]
    _starter: subprocess.Popen[str] = field(repr=False)
    _copies: int = 0

    @classmethod
    def make(
        cls,
        layers: Sequence[Path],
        *,
        binds: Mapping[str, Path] | None = None,
        environment: Mapping[str, str | None] | None = None,
        size: str = "8g",
    ) -> Self:
        """Makes a root of layers, topmost first.

        Args:
            layers: Finished folders, each laid out like a root.
            binds: Path inside to what of the outside is seen there, read-only.
            environment: Changes to ``ENVIRONMENT``; None unsets.
            size: The most that may be written, in memory.

        Raises:
            RootError: It can't be made; with what the machine said.
        """
        used = [str(path.resolve()) for path in [*layers, *(binds or {}).values()]]
        stage = next((place for place in _PLACES if not any(path.startswith(place + "/") for path in used)), None)
        if stage is None:
            raise RootError(f"every place for a root is in use by {', '.join(used)}")
        return cls._start([], stage, ":".join(used[: len(layers)]), binds, environment, size=size, complete="")

    def copy(self) -> Self:
        """Another root that starts as this one is now, in a moment: both share what is there.

        This root must not be written to any more.
        It may be closed: what it has lives as long as its copies.
        """
        self._copies += 1
        stage = f"{self.stage}/copy-{self._copies}"
        self.outer(stage).mkdir()
        enter = ["nsenter", f"--target={self.pid}", "--mount"]
        layers = f"{self.stage}/upper:{self.lower}"
        return self._start(enter, stage, layers, self.binds, self.environment, size="", complete="yes")

    @classmethod
    def _start(
        cls,
        enter: list[str],
        stage: str,
        layers: str,
        binds: Mapping[str, Path] | None,
        environment: Mapping[str, str | None] | None,
        *,
        size: str,
        complete: str,
    ) -> Self:
        lines = "\n".join(f"{outside.resolve()}\t{inside}" for inside, outside in (binds or {}).items())
        settings = {"STAGE": stage, "SIZE": size, "LAYERS": layers, "BINDS": lines, "COMPLETE": complete}
        script = Path(__file__).with_name("namespace.sh").read_text(encoding="utf-8")
        starter = subprocess.Popen(
            [*enter, "unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], **settings},
            start_new_session=True,
        )
        assert starter.stdout is not None
        answer = starter.stdout.readline().split(maxsplit=1)
        if len(answer) != 2:
            _, said = starter.communicate()
            raise RootError(f"the root can't be made: {said.strip()}")
        merged = _merge(ENVIRONMENT, environment)
        return cls(int(answer[0]), stage, answer[1].strip(), merged, dict(binds or {}), starter)

    def outer(self, inside: str) -> Path:
        """A path of the root's mount namespace, for this process."""
        return Path(f"/proc/{self.pid}/root{inside}")

    def path(self, inside: str) -> Path:
        """A file of the root, for this process: to read and to write. Absolute links in it lead outside."""
        return self.outer(f"{self.stage}/root") / inside.lstrip("/")

    def enter(
        self, command: Sequence[str | Path], *, cwd: str = "/content", env: Mapping[str, str | None] | None = None
    ) -> list[str]:
        """The command line, for this process, that runs a command in the root."""
        merged = _merge(self.environment, env)
        outside = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "chroot", f"{self.stage}/root"]
        inside = ["/usr/bin/env", "-i", f"--chdir={cwd}", *(f"{name}={value}" for name, value in merged.items())]
        return [*outside, *inside, *map(str, command)]

    def bind(self, inside: str, outside: Path) -> None:
        """Shows a folder of the outside in the standing root, read-only, in the place of one that is there."""
        command = ["mount", "--bind", "-o", "ro", outside.resolve(), f"{self.stage}/root{inside}"]
        subprocess.run(["nsenter", f"--target={self.pid}", "--mount", *command], check=True, capture_output=True)

    def run(
        self,
        command: Sequence[str | Path],
        *,
        cwd: str = "/content",
        env: Mapping[str, str | None] | None = None,
        text: str | None = None,
        timeout: float = 300.0,
        check: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command in the root; its output is captured.

        Args:
            command: Found by the root's own PATH.
            cwd: The working folder inside.
            env: Changes to the root's environment; None unsets.
            text: For its standard input, which is else empty.
            timeout: Seconds after which it is killed.
            check: Whether a status other than 0 is an error.

        Raises:
            RootError: It didn't end in time, or failed where ``check`` is set; with all it said.
        """
        process = subprocess.Popen(
            self.enter(command, cwd=cwd, env=env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(text or "", timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise RootError(f"{command} took over {timeout:g} s\n{out}\n{err}") from None
        if check and process.returncode != 0:
            raise RootError(f"{command} ended with {process.returncode}\n{out}\n{err}")
        return subprocess.CompletedProcess(list(map(str, command)), process.returncode, out, err)

    def processes(self) -> dict[int, list[str]]:
        """Everything that runs in the root but its init: process id as the outside has it, and arguments."""
        mine = os.stat(f"/proc/{self.pid}/ns/pid").st_ino
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != self.pid:
                with contextlib.suppress(OSError):
                    if os.stat(entry / "ns/pid").st_ino == mine:
                        arguments = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
                        found[int(entry.name)] = arguments
        return found

    def inner_pid(self, pid: int) -> int:
        """The process id that a process has inside, from the one that it has outside."""
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        line = next(line for line in status.splitlines() if line.startswith("NSpid:"))
        return int(line.split()[-1])

    def save(self, folder: Path) -> Path:
        """Copies what was written in the root to a folder outside, for use as a layer of later roots.

        Returns:
            The folder.
        """
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", self.outer(f"{self.stage}/upper"), folder], check=True)
        return folder

    def close(self) -> None:
        """Kills what runs in the root and undoes its mounts. May be called twice."""
        starter = self._starter
        if starter.stdin and not starter.stdin.closed:
            starter.stdin.close()
        try:
            starter.wait(10)
        except subprocess.TimeoutExpired:
            starter.kill()
            starter.wait()
        for stream in (starter.stdout, starter.stderr):
            if stream:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
