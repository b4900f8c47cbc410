"""What this program starts ends with it, also where it has no time to see to that."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from bootstrap.diagnosis import sandbox_install, settings
from bootstrap.diagnosis.interpreter_process import inventory
from bootstrap.diagnosis.resolver import Resolver
from bootstrap.health import probe_runner
from bootstrap.maintain.condalock import find_conda_lock, run_conda_lock
from bootstrap.prefix import engine as engine_process
from bootstrap.runtime import kernel_check
from tests.support.kernels import gone

if TYPE_CHECKING:
    from collections.abc import Callable


def _resolve(program: Path) -> object:
    asking = SimpleNamespace(folder=program.parent, metadata_env=SimpleNamespace(root=program))
    return Resolver._call(cast("Any", asking), [str(program)])


def _engine(program: Path) -> object:
    engine = engine_process.Engine()
    (program.parent / "new").write_text(str(engine._process.pid))
    (program.parent / "new").rename(program.parent / "pid")
    return time.sleep(60)


STARTED: dict[str, Callable[[Path], object]] = {
    "conda-lock": lambda p: run_conda_lock(p, [], folder=p.parent, environ=os.environ),
    "conda-lock's version": lambda p: find_conda_lock(str(p)),
    "pip's settings": settings.pip_settings,
    "a resolver": _resolve,
    "an installation in a copy": lambda p: sandbox_install._run([str(p)], None),
    "a Python asked about": inventory,
    "a probe": lambda p: probe_runner.run_tasks(
        probe_runner.Start(p, probe_runner.Limits()), [probe_runner.Task("import", ("x",))]
    ),
    "a kernel on trial": lambda p: kernel_check.prove(cast("Any", SimpleNamespace(entry=p)), "x", ()),
    "the engine": _engine,
}


@pytest.mark.parametrize(
    ("what", "how"),
    [*((what, signal.SIGKILL) for what in STARTED), ("conda-lock", signal.SIGTERM), ("conda-lock", signal.SIGINT)],
)
def test_it_ends_with_its_parent(what: str, how: signal.Signals, tmp_path: Path) -> None:
    told, program = tmp_path / "pid", tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho $$ > {told}.new; mv {told}.new {told}; exec sleep 60\n")
    program.chmod(0o755)
    if (parent := os.fork()) == 0:
        try:
            STARTED[what](program)
        finally:
            os._exit(1)
    wait_for(told.exists)
    os.kill(parent, how)
    os.waitpid(parent, 0)
    assert gone(int(told.read_text()), seconds=20)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
