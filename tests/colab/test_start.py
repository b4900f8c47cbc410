"""A kernel always starts: the machine's own where the environment's can't, and says why at its first cell."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.colab import ColabRoot

from .conftest import cell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Material

LIB = "/opt/conda/lib/python3.11"
SITE = f"{LIB}/site-packages"
OWN = "/opt/conda/share/condacolab-bootstrap"
WHERE = "import os, sys; print(sys.executable, os.environ['PATH'].split(':')[0], os.environ.get('PYTHONPATH'))"
NOTICE = "condacolab-bootstrap: the locked environment's kernel could not start"

# One of each kind: what a start imports of the environment, what it imports of ours, the scripts, the interpreter.
REMOVED = [
    f"{SITE}/traitlets",
    f"{SITE}/numpy",
    f"{OWN}/bridge/bootstrap",
    f"{OWN}/kernel",
    f"{LIB}/encodings",
]
OTHERS = [
    *(f"{SITE}/{name}" for name in ("IPython", "dateutil", "google", "httplib2", "ipykernel", "jupyter_client")),
    *(f"{SITE}/{name}" for name in ("jupyter_core", "matplotlib_inline", "pandas", "prompt_toolkit", "psutil")),
    *(f"{SITE}/{name}" for name in ("pygments", "requests", "tornado", "wcwidth", "zmq")),
    f"{SITE}/numpy/_core/_multiarray_umath*.so",
    f"{SITE}/condacolab-bootstrap.pth",
    f"{OWN}/bridge",
    f"{OWN}/bridge/bootstrap/runtime/kernel/launch.py",
    f"{OWN}/bridge/bootstrap/runtime/kernel/start.py",
    f"{OWN}/bridge/colab_kernel_launcher.py",
    f"{OWN}/bridge/google/colab",
    OWN,
    f"{LIB}/asyncio",
    f"{LIB}/json",
    f"{LIB}/runpy.py",
    f"{LIB}/site.py",
    LIB,
    "/opt/conda/bin/python*",
    "/opt/conda",
]


@pytest.fixture(scope="module")
def machine(material: Material, settled: Path) -> Iterator[ColabRoot]:
    """A machine whose kernels start in the environment."""
    with ColabRoot.start(binds=material.binds, layers=[settled]) as colab:
        yield colab


@contextmanager
def without(machine: ColabRoot, pattern: str) -> Iterator[None]:
    """The machine without some paths."""
    script = 'shopt -s nullglob; mkdir /aside; found=($1); ((${#found[@]})); mv "${found[@]}" /aside'
    machine.run(["bash", "-ec", script, "bash", pattern], check=True)
    try:
        yield
    finally:
        machine.run(["bash", "-ec", 'mv /aside/* "${1%/*}/"; rmdir /aside', "bash", pattern], check=True)


@pytest.mark.parametrize("path", [*REMOVED, *(pytest.param(path, marks=pytest.mark.exhaustive) for path in OTHERS)])
def test_without_a_part_of_the_environment(path: str, machine: ColabRoot) -> None:
    with without(machine, path):
        kernel = machine.kernel()
        told = kernel.execute(WHERE).require()
        again = kernel.execute("1").require()
        kernel.stop()
    if told.stdout.startswith("/opt/conda/bin/python ") and path not in REMOVED:
        assert NOTICE not in told.stderr  # nothing that a start needs
        return
    # The machine's own Python and variables; the reason once.
    assert told.stdout == "/usr/bin/python3 /opt/bin /env/python\n"
    assert NOTICE in told.stderr
    assert "first cell again" in told.stderr
    assert again.stderr == ""


def test_where_a_start_kills_the_process(machine: ColabRoot) -> None:
    """As a damaged library can: the third start is the machine's own, long before the server gives up."""
    victim = machine.path(f"{SITE}/traitlets/__init__.py")
    text = victim.read_text()
    victim.write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    kernel = machine.kernel(ready=False)
    # The server gives it other ports each time: a client has to be there for the last ones.
    deadline = time.monotonic() + 120
    while kernel.restarts < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    kernel.ready()
    told = kernel.execute(WHERE).require()
    assert told.stdout.startswith("/usr/bin/python3 ")
    assert "two starts in a row came to no end" in told.stderr
    assert kernel.restarts == 2
    victim.write_text(text)
    kernel.restart()
    assert kernel.execute(WHERE).require().stdout.startswith("/opt/conda/bin/python ")
    kernel.stop()


def test_the_first_cell_mends_what_is_gone(machine: ColabRoot) -> None:
    machine.run(["rm", "-r", f"{SITE}/numpy", f"{OWN}/bridge/bootstrap/errors.py"], check=True)
    kernel = machine.kernel()
    assert kernel.execute("import sys; print(sys.executable)").require().stdout == "/usr/bin/python3\n"
    assert "every cell from the next one on" in kernel.execute(cell(), timeout=300).require().text
    assert kernel.execute("import sys; print(sys.prefix)").require().stdout == "/opt/conda\n"
    kernel.restart()
    assert kernel.execute("import sys; print(sys.prefix)").require().stdout == "/opt/conda\n"
    assert kernel.restarts == 0
