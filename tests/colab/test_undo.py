"""The way back: the whole root is compared with what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import one_of
from tests.support.colab import numpy_of

from .conftest import INSTALL, cell
from .test_run import reached, replied, shown

if TYPE_CHECKING:
    from tests.support.colab import ColabRoot, Kernel, Snapshot


def new_machine(colab: ColabRoot) -> tuple[Kernel, Snapshot]:
    """A kernel that has the distribution installed and imported, and the machine then."""
    kernel = colab.kernel()
    kernel.execute(f"{INSTALL}; import bootstrap").require()
    return kernel, colab.snapshot()


def assert_as_before(colab: ColabRoot, before: Snapshot) -> None:
    differences = before.differences(colab.snapshot())
    # The server's folder of connection files and sockets is not ours.
    others = ("history.sqlite", "__pycache__", "/jupyter/runtime/")
    rest = [d for d in map(str, differences) if not any(part in d for part in others)]
    assert rest == []


def test_undo_in_the_moved_kernel(colab: ColabRoot) -> None:
    kernel, before = new_machine(colab)
    environment = kernel.execute("import os; print(sorted(os.environ.items()))").stdout
    kernel.execute("mine = 41").require()
    pid = kernel.pid
    kernel.execute(cell(), timeout=300).require()
    assert before.differences(colab.snapshot())
    ids = [kernel.send(code) for code in ("import bootstrap; bootstrap.undo()", "import sys; print(sys.executable)")]
    undone, behind = kernel.collect(ids, timeout=120)
    assert "/usr/bin/python3" in undone.require().text
    assert behind.require().stdout == "/usr/bin/python3\n"
    assert kernel.execute("import numpy; print(numpy.__version__)").stdout == f"{numpy_of()}\n"
    assert kernel.execute("import os; print(sorted(os.environ.items()))").stdout == environment
    assert kernel.execute("mine + 1, os.getpid()").text == f"(42, {pid})"
    assert kernel.pid == pid
    assert kernel.restarts == 0
    assert_as_before(colab, before)
    assert "nothing to undo" in kernel.execute("import bootstrap; bootstrap.undo()").text


@pytest.mark.exhaustive
def test_undo_on_the_command_line(colab: ColabRoot) -> None:
    kernel, before = new_machine(colab)
    kernel.execute(cell(), timeout=300).require()
    pid = kernel.execute("import os; os.getpid()").require().text
    done = colab.run(["bootstrap", "undo"], check=True)
    assert "as it was before" in done.stdout
    assert pid in done.stdout
    kernel.restart()
    assert kernel.execute("import sys; print(sys.executable)").stdout == "/usr/bin/python3\n"
    assert_as_before(colab, before)


@pytest.mark.parametrize("stage", one_of("moving", "fetching", "connecting", "proving"))
def test_undo_of_a_half_finished_set_up(stage: str, colab: ColabRoot) -> None:
    kernel, before = new_machine(colab)
    request = kernel.send(cell())
    if stage == "moving":
        assert kernel.wait(lambda: replied(kernel, request), 120)
    else:
        assert kernel.wait(lambda: reached(kernel, request, stage), 120), shown(kernel, request)
    kernel.kill()
    colab.run(["bootstrap", "undo"], check=True)
    assert_as_before(colab, before)
    # The server starts another kernel by itself, and may have been quick enough for one of the environment's.
    kernel.ready(timeout=120)
    kernel.restart()
    assert kernel.execute("import sys; print(sys.executable)").stdout == "/usr/bin/python3\n"


@pytest.mark.exhaustive
def test_set_up_undone_and_set_up_again(colab: ColabRoot) -> None:
    kernel = colab.kernel()
    for _ in range(2):
        kernel.execute(cell(), timeout=300).require()
        assert kernel.execute("import sys; print(sys.prefix)").stdout == "/opt/conda\n"
        kernel.execute("import bootstrap; bootstrap.undo()").require()
        assert kernel.execute("import sys; print(sys.prefix)").stdout == "/usr\n"
    assert kernel.restarts == 0


@pytest.mark.exhaustive
def test_undo_in_a_kernel_that_was_started_in_the_environment(colab: ColabRoot) -> None:
    """There is no other one to go back to: the machine's own Python starts one."""
    kernel, before = new_machine(colab)
    kernel.execute(cell(), timeout=300).require()
    kernel.restart()
    ids = [kernel.send(code) for code in ("import bootstrap; bootstrap.undo()", "import sys; print(sys.executable)")]
    undone, behind = kernel.collect(ids, timeout=120)
    undone.require()
    assert behind.require().stdout == "/usr/bin/python3\n"
    assert kernel.restarts == 0
    assert_as_before(colab, before)
    kernel.execute(cell(), timeout=300).require()
    assert kernel.execute("import sys; print(sys.prefix)").stdout == "/opt/conda\n"
