"""The programs that `bootstrap lock` drives: missing, of another version, killed, and a conda of one's own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootstrap.errors import (
    CondaLockFailedError,
    CondaLockNotFoundError,
    CondaLockVersionError,
    SolverNotFoundError,
    UnknownPackageError,
)
from bootstrap.maintain.condalock import write_front
from tests.support.project import CPU, DEPENDENCIES, PACKAGES, ROOT, Project, leftovers

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("conda_lock")


def test_no_conda_lock(project: Project, before: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    result = project.relock(*CPU, "--conda-lock", "conda-lock-is-not-here")
    assert isinstance(result.error, CondaLockNotFoundError)
    assert "[maintain]" in result.error.hint
    assert project.lock_path().read_bytes() == before


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ('echo "conda-lock, version 3.0.4"', CondaLockVersionError),
        ("echo boom >&2; exit 3", CondaLockNotFoundError),
        (
            '[ "$1" = --version ] && echo "conda-lock, version 4.0.3" && exit; echo boom >&2; exit 3',
            CondaLockFailedError,
        ),
        ('[ "$1" = --version ] && echo "conda-lock, version 4.0.3"; true', CondaLockFailedError),
    ],
)
def test_another_conda_lock(project: Project, before: bytes, script: str, error: type[Exception]) -> None:
    fake = project.root / "fake-conda-lock"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    assert isinstance(project.relock(*CPU, "--conda-lock", str(fake)).error, error)
    assert project.lock_path().read_bytes() == before


def test_no_such_conda(project: Project) -> None:
    """conda-lock itself would download one."""
    result = project.run("lock", "--file", str(project.specification), "--conda", "mamba-is-not-here", *CPU)
    assert isinstance(result.error, SolverNotFoundError)


@contextmanager
def silent_server() -> Iterator[tuple[str, threading.Event]]:
    """A server that takes requests and never answers; the event is set when the first has come."""
    asked, over = threading.Event(), threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.set()
            over.wait(60)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/conda-forge", asked
    finally:
        over.set()
        server.shutdown()
        server.server_close()


DRIVER = """
import sys
from bootstrap.cli import parser
args = parser("lock").parse_args()
sys.exit(args.run(args))
"""


@pytest.mark.parametrize(
    "how", [signal.SIGINT, signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.exhaustive)]
)
def test_killed_half_way_the_lock_is_as_it_was(project: Project, before: bytes, how: signal.Signals) -> None:
    temporary = project.root / "temporary"
    temporary.mkdir()
    arguments = ["lock", "--file", str(project.specification), *CPU]
    with silent_server() as (url, asked):
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, *arguments, "--channel", url],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert asked.wait(60), "the solver never asked the channel"
        process.send_signal(how)
        assert process.wait(120) != 0
        if how == signal.SIGINT:
            deadline = time.monotonic() + 60
            while solvers_of(temporary):
                assert time.monotonic() < deadline, "the solver outlived its caller"
                time.sleep(0.05)
        for pid in solvers_of(temporary):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert project.lock_path().read_bytes() == before
    assert leftovers(project) == []
    shutil.rmtree(temporary, ignore_errors=True)


def solvers_of(temporary: Path) -> list[int]:
    """Processes whose command line names a folder of this test."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if int(entry.parent.name) != os.getpid() and str(temporary).encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
    return found


def test_any_conda_by_its_path_solves_and_updates(project: Project) -> None:
    """The front without its brief is a conda like another: what it is told is the command line alone."""
    conda = write_front(project.root / "conda-of-ones-own")
    arguments = ("lock", "--file", str(project.specification), "--conda", str(conda), *CPU)
    project.specify(*DEPENDENCIES, channel=project.url)
    newer = [p for p in PACKAGES if p["version"] in ("2.3.4", "3.13.0", "4.70", "3.11")]
    project.offer(*(p for p in PACKAGES if p not in newer))
    assert project.run(*arguments).error is None
    before = project.versions()
    assert before["numpy"] == "2.0.2"
    assert all(r.size is None for r in project.lock().records)
    project.offer(*PACKAGES)
    assert project.run(*arguments, "--update", "numpy").error is None
    assert project.versions() == {**before, "numpy": "2.3.4"}
    refused = project.run(*arguments, "--update", "libblas")
    assert isinstance(refused.error, UnknownPackageError)


def test_what_a_foreign_conda_says_is_shown(project: Project) -> None:
    conda = project.root / "foreign"
    said = '{"message": "out of luck"}'
    conda.write_text(f"#!/bin/sh\n[ $1 = --version ] && echo conda 24.1 && exit\necho '{said}'\nexit 1\n")
    conda.chmod(0o755)
    result = project.run("lock", "--file", str(project.specification), "--conda", str(conda), *CPU)
    assert isinstance(result.error, CondaLockFailedError)
    assert "out of luck" in "\n".join(result.error.evidence)
