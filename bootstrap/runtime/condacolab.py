"""condacolab, of any version that pip chooses for a Colab runtime, as the installer of a lock.

condacolab runs "a constructor-like installer": a file that is called ``bash INSTALLER -bfp PREFIX``. Ours restores
the lock. condacolab itself runs in a process of its own (`condacolab_process`), and whatever it would change on the
machine outside the prefix goes into a folder that is thrown away: it renames ``sys.executable`` before it writes
the wrapper that replaces it, appends to IPython's configuration, and leaves its files in the working folder.
What it writes into the prefix stays, but for pins that name the machine's Python instead of the environment's.

Source: condacolab.py of 0.1.10, 0.1.11, 0.1.12 and 0.1.13, compared line by line.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap import processes, profile
from bootstrap.errors import BootstrapError, CondacolabFailedError, every_error
from bootstrap.prefix.transaction import Restored
from bootstrap.progress import Progress, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bootstrap.prefix.restore_options import RestoreOptions

KNOWN_VERSIONS = ("0.1.10", "0.1.11", "0.1.12", "0.1.13")
_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_TO_STOP = 5.0

CONFIGURATION = (Path("/etc/ipython/ipython_config.py"),)
"""What condacolab changes when a user has it install something: the kernels' path is set there."""
_RUN_MODULE = (
    "import json, runpy, sys; del sys.path[0]; "
    "sys.path += [entry for entry in json.loads(sys.argv.pop(1)) if entry not in sys.path]; "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)

_INSTALLER = """\
#!/bin/bash
# condacolab-bootstrap: restores a lock, called as a constructor-like installer: bash INSTALLER -bfp PREFIX
prefix=
while getopts "bfp:su" option; do
  [[ $option == p ]] && prefix=$OPTARG
done
[[ -n $prefix ]] || {{ echo "no -p PREFIX" >&2; exit 2; }}
exec {command} --prefix "$prefix" --json >{result} 2>{progress}
"""


def obstacle() -> str | None:
    """Why condacolab can't install a lock here; None if it can."""
    try:
        version = metadata.version("condacolab")
    except metadata.PackageNotFoundError:
        return f"condacolab is not installed in {sys.prefix}"
    return None if version in KNOWN_VERSIONS else f"condacolab {version} is not supported"


def install(
    lock: Path,
    prefix: Path,
    options: RestoreOptions,
    *,
    progress: Progress,
    scratch: Path,
    started: Callable[[int], None],
) -> Restored:
    """Has condacolab install a lock into a prefix, where there is no `obstacle`.

    Args:
        lock: The lock.
        prefix: Where to put the environment.
        options: Of the restore.
        progress: Receives the states of the work.
        scratch: A folder for what is thrown away; what a killed process leaves in it is the caller's to remove.
        started: Called with the process group that does it, for `stop`.

    Raises:
        CondacolabFailedError: condacolab ended early for a reason of its own.
        BootstrapError: What `bootstrap restore` raised, as itself.
    """
    version = metadata.version("condacolab")
    with tempfile.TemporaryDirectory(prefix="install-", dir=scratch) as name:
        folder = Path(name)
        installer = folder / "installer.sh"
        result, events = folder / "result.json", folder / "progress.jsonl"
        command = [*_python("bootstrap"), "restore", "--lock", str(lock), *options.words]
        installer.write_text(
            _INSTALLER.format(
                command=shlex.join(command), result=shlex.quote(str(result)), progress=shlex.quote(str(events))
            ),
            encoding="utf-8",
        )
        request = {
            "installer": installer.as_uri(),
            "sha256": hashlib.sha256(installer.read_bytes()).hexdigest(),
            "prefix": str(prefix),
            "scratch": str(folder / "scratch"),
            "python": sys.executable,
        }
        with profile.span("condacolab"):
            ended = _run(request, events, progress, started)
        if ended.returncode != 0:
            raise failure(ended.stdout, result, version)
        data = json.loads(result.read_text(encoding="utf-8"))
    tidy(prefix)
    return Restored(**{**data, "prefix": Path(data["prefix"]), "lock": Path(data["lock"])})


def _python(module: str) -> list[str]:
    """The command that runs a module as ``python -m`` does, and finds all that this process finds.

    After condacolab's own installation, kernels have folders on their path that other processes don't.
    """
    return [sys.executable, "-c", _RUN_MODULE, json.dumps([entry for entry in sys.path if entry]), module]


def _run(
    request: dict[str, str], events: Path, progress: Progress, started: Callable[[int], None]
) -> subprocess.CompletedProcess[str]:
    """Runs condacolab's process, and shows meanwhile what the installer says of itself."""
    command = [*_python("bootstrap.runtime._child_condacolab"), json.dumps(request)]
    # A session of its own: an interrupt of the cell is ours to pass on, and it ends everything or nothing.
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, **profile.variables()},
    )
    seen = InstallerProgress(events)
    try:
        started(process.pid)
        while True:
            try:
                output, _ = process.communicate(timeout=_SECONDS_BETWEEN_LOOKS)
                break
            except subprocess.TimeoutExpired:
                seen.pass_on(progress)
    except BaseException:
        stop(process.pid)
        process.wait()
        raise
    seen.pass_on(progress)
    return subprocess.CompletedProcess(command, process.returncode, output, "")


def stop(group: int) -> None:
    """Ends an installation that is under way, whoever began it; the restore in it leaves the prefix as it was.

    Args:
        group: The process group that `install` told; one that is not an installation's is left alone, as is 0.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not group or not _members(group):
            return
        with suppress(ProcessLookupError):
            os.killpg(group, number)
        deadline = time.monotonic() + _SECONDS_TO_STOP
        while _members(group) and time.monotonic() < deadline:
            time.sleep(0.05)


def _members(group: int) -> list[int]:
    """Processes of an installation that live. A group's number may be another's by now: ours say who they are."""
    return [
        pid
        for pid in processes.running()
        if int(processes.stat(pid, 2)) == group and re.search("bootstrap|installer", " ".join(processes.words(pid)))
    ]


class InstallerProgress:
    """The installer's progress, read as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0

    def pass_on(self, progress: Progress) -> None:
        """Hands on what has come since the last call."""
        for event in self._new():
            if event.pop("event", "") == "note":
                progress.note(event["message"])
            else:
                event.pop("seconds_left", None)
                progress.step(Step(**event))

    def _new(self) -> Iterator[dict[str, Any]]:
        with suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n"):  # not whole yet
                    return
                self._position += len(line)
                if line.startswith(b'{"event":'):
                    yield json.loads(line)


def failure(output: str, result: Path, version: str) -> BootstrapError:
    """What went wrong: as the restore told it in its result, or else condacolab's own last words."""
    try:
        told = json.loads(result.read_text(encoding="utf-8"))
        kinds = {kind.exit_code: kind for kind in every_error()}
        kind = kinds.get(told["exit_code"], BootstrapError)
        return kind(told["message"], evidence=told["evidence"], hint=told["hint"])
    except (OSError, ValueError, KeyError):
        lines = [line for line in output.strip().splitlines() if line.strip()][-6:]
        return CondacolabFailedError(
            f"condacolab {version} ended before the environment was installed.", evidence=lines
        )


def tidy(prefix: Path) -> None:
    """Leaves of condacolab's additions to the prefix what is true of it.

    It appends at every run: pins that name the machine's Python, and a setting that conda refuses to read twice.
    """
    pinned = prefix / "conda-meta/pinned"
    if pinned.exists():
        foreign = re.compile(r"(python \d+\.\d+\.\*|python_abi .*|cuda-version .*|cudatoolkit .*)\n?")
        kept = [line for line in pinned.read_text(encoding="utf-8").splitlines(True) if not foreign.fullmatch(line)]
        pinned.write_text("".join(kept), encoding="utf-8") if kept else pinned.unlink()
    condarc = prefix / ".condarc"
    if condarc.exists():
        lines = dict.fromkeys(condarc.read_text(encoding="utf-8").splitlines())
        condarc.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
