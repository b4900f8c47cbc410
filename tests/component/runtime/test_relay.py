"""A kernel's process becomes a relay to another kernel: nothing is lost, and every way out of it works."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.kernels import COLABS, LATER, SEVEN, LoneKernel, gone, kernel_python, moving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.colab import Client, Result

    Start = Callable[..., LoneKernel]

EXHAUSTIVE = pytest.mark.exhaustive
SLOW = ("/bin/sh", "-c", "touch started; sleep 60")
MOVED = [pytest.param(False, id="first", marks=EXHAUSTIVE), pytest.param(True, id="second")]
TRANSPORTS = ["ipc", pytest.param("tcp", marks=EXHAUSTIVE)]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts kernels, of Colab's packages over ipc if not told otherwise."""
    started = []

    def start(requirements: tuple[str, ...] = COLABS, transport: str = "ipc", version: str = "3.11") -> LoneKernel:
        started.append(LoneKernel(kernel_python(requirements, version), transport))
        return started[-1]

    yield start
    for kernel in started:
        kernel.stop()


@pytest.fixture(scope="module")
def later() -> Path:
    """The Python of another environment."""
    return kernel_python(LATER)


def numbers(client: Client, count: int) -> list[str]:
    """Queues cells that tell their number, each by a value and on standard output."""
    return [client.send(f"print({number}); {number}") for number in range(count)]


def wait_for(path: Path) -> None:
    """Until a file is there."""
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def assert_in_order(results: list[Result]) -> None:
    """Each was answered once, in order, completely."""
    assert [(r.status, r.replies) for r in results] == [("ok", 1)] * len(results)
    told = [(result.text, result.stdout) for result in results]
    assert told == [(str(number), f"{number}\n") for number in range(len(results))]
    statuses = [[m.content["execution_state"] for m in r.messages if m.type == "status"] for r in results]
    assert statuses == [["busy", "idle"]] * len(results)
    replies = [next(m.time for m in r.messages if m.type == "execute_reply") for r in results]
    assert replies == sorted(replies)


@pytest.mark.parametrize("transport", ["ipc", "tcp"])
@pytest.mark.parametrize(
    ("old", "new", "versions"),
    [
        pytest.param(COLABS, LATER, ("3.11", "3.11"), id="6.17-6.31"),
        pytest.param(COLABS, COLABS, ("3.12", "3.11"), id="6.17-6.17", marks=EXHAUSTIVE),
        pytest.param(COLABS, SEVEN, ("3.13", "3.13"), id="6.17-7", marks=EXHAUSTIVE),
        pytest.param(LATER, LATER, ("3.13", "3.11"), id="6.31-6.31", marks=EXHAUSTIVE),
        pytest.param(LATER, SEVEN, ("3.11", "3.11"), id="6.31-7", marks=EXHAUSTIVE),
    ],
)
def test_there_and_back_with_queued_cells(
    old: tuple[str, ...], new: tuple[str, ...], versions: tuple[str, str], transport: str, start: Start
) -> None:
    kernel = start(old, transport, versions[0])
    other = kernel.client()
    there = kernel_python(new, versions[1])
    kernel.execute("mine = 41").require()
    for back in (False, True):
        move = kernel.send(moving(there, back=back))
        mine, others = numbers(kernel, 20), numbers(other, 20)
        assert kernel.collect([move])[0].require().replies == 1
        assert_in_order(kernel.collect(mine))
        assert_in_order(other.collect(others))
        prefix, pid = kernel.where()
        assert (prefix == str(there.parents[1])) is not back
        assert (pid == kernel.process.pid) is back
    assert kernel.execute("mine + 1").text == "42"
    assert kernel.relays_folders == []
    other.close()


@pytest.mark.parametrize("new", [LATER, pytest.param(SEVEN, marks=EXHAUSTIVE)], ids=["6.31", "7"])
def test_from_one_child_to_the_next(new: tuple[str, ...], start: Start) -> None:
    kernel = start()
    there = kernel_python(new)
    seen = {kernel.process.pid}
    for _ in range(2):
        move = kernel.send(moving(there))
        behind = numbers(kernel, 20)
        kernel.collect([move])[0].require()
        assert_in_order(kernel.collect(behind))
        seen.add(pid := kernel.where()[1])
    assert len(seen) == 3
    assert all(gone(before) for before in seen - {pid, kernel.process.pid})
    assert kernel.relays_folders == []


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_channel(transport: str, later: Path, start: Start) -> None:
    kernel = start(transport=transport)
    kernel.execute(moving(later)).require()
    assert kernel.execute("input('name? ')", inputs=["you"]).text == "'you'"
    control = kernel.request("kernel_info_request", channel="control")
    assert kernel.reply(control).content["implementation"] == "ipython"
    kernel.execute(
        "get_ipython().kernel.comm_manager.register_target('echo', lambda comm, opened: comm.on_msg("
        "lambda m: comm.send({'n': m['content']['data']['n']}, buffers=m['buffers'])))"
    ).require()
    kernel.request("comm_open", {"comm_id": "c", "target_name": "echo", "data": {}})
    sent = kernel.request("comm_msg", {"comm_id": "c", "data": {"n": 7}})
    assert kernel.wait(lambda: any(m.type == "comm_msg" and m.parent == sent for m in kernel.messages), 20)
    long = "x" * 5_000_000
    assert kernel.execute(f"len({long!r})").text == str(len(long))
    assert len(kernel.execute(f"print('x' * {len(long)})").stdout) == len(long) + 1


def test_more_outputs_than_zeromq_holds(later: Path, start: Start) -> None:
    kernel = start()
    kernel.execute(moving(later)).require()
    burst = "import sys\nfor n in range(5000): print(n, flush=True)"
    assert kernel.execute(burst).stdout == "".join(f"{n}\n" for n in range(5000))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_interrupt(transport: str, later: Path, start: Start) -> None:
    kernel = start(transport=transport)
    kernel.execute(moving(later)).require()
    request = kernel.send("import time; print('now', flush=True); time.sleep(60)")
    assert kernel.wait(lambda: kernel.result(request).stdout == "now\n", 20)
    kernel.interrupt()
    error = kernel.collect([request])[0].error
    assert error is not None
    assert error.name == "KeyboardInterrupt"
    assert kernel.execute("1 + 1").text == "2"


@pytest.mark.parametrize(
    ("way", "code"),
    [
        ("shutdown", 0),
        ("import os; os._exit(7)", 7),
        pytest.param("exit()", 0, marks=EXHAUSTIVE),
        pytest.param(
            "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 128 + signal.SIGSEGV, marks=EXHAUSTIVE
        ),
        pytest.param(
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 128 + signal.SIGKILL, marks=EXHAUSTIVE
        ),
    ],
)
def test_the_relay_ends_as_its_child_does(way: str, code: int, later: Path, start: Start) -> None:
    kernel = start()
    kernel.execute(moving(later)).require()
    child = kernel.where()[1]
    if way == "shutdown":
        asked = kernel.request("shutdown_request", {"restart": False}, channel="control")
        assert kernel.reply(asked).content["status"] == "ok"
    else:
        kernel.send(way)
    assert kernel.process.wait(20) == code
    assert gone(child)
    assert kernel.relays_folders == []


def test_a_killed_relay_takes_its_child_along(later: Path, start: Start) -> None:
    kernel = start()
    kernel.execute(moving(later)).require()
    child = kernel.where()[1]
    os.kill(kernel.process.pid, signal.SIGKILL)
    kernel.process.wait()
    assert gone(child)
    assert kernel.relays_folders == []


@EXHAUSTIVE
def test_a_relay_killed_while_its_child_starts_leaves_nothing_for_long(later: Path, start: Start) -> None:
    kernel = start()
    kernel.send(moving(later, before=SLOW))
    wait_for(kernel.folder / "started")
    os.kill(kernel.process.pid, signal.SIGKILL)
    kernel.process.wait()
    (left,) = kernel.relays_folders
    again = start()
    again.execute(f"import tempfile; tempfile.tempdir = {str(kernel.folder)!r}").require()
    again.execute(moving(later)).require()
    assert not left.exists()


def test_the_connection_file_is_the_clients(later: Path, start: Start) -> None:
    kernel = start()
    told = "import ipykernel.connect; ipykernel.connect.get_connection_file()"
    before = kernel.execute(told).require().text
    kernel.execute(moving(later)).require()
    assert kernel.execute(told).require().text == before


def test_no_place_for_sockets(later: Path, start: Start) -> None:
    """A Unix socket's path is at most 107 characters long."""
    kernel = start()
    deep = kernel.folder / ("deep" * 20)
    deep.mkdir()
    kernel.execute(f"import tempfile; tempfile.tempdir = {str(deep)!r}; mine = 41").require()
    error = kernel.execute(moving(later)).error
    assert error is not None
    assert error.name == "KernelStartError"
    assert "ZMQError" in error.traceback
    assert kernel.execute("mine + 1").text == "42"
    assert list(deep.iterdir()) == []


@pytest.mark.parametrize(
    "broken",
    ["/bin/false", pytest.param("/nowhere/python", marks=EXHAUSTIVE)],
)
@pytest.mark.parametrize("moved", MOVED)
def test_where_the_other_kernel_does_not_start_nothing_has_happened(
    broken: str, moved: bool, later: Path, start: Start
) -> None:
    kernel = start()
    if moved:
        kernel.execute(moving(later)).require()
    kernel.execute("mine = 41").require()
    first = kernel.execute(moving(broken))
    assert first.error is not None
    assert first.error.name == "KernelStartError"
    assert "exit status" in first.error.traceback
    assert kernel.execute("mine + 1").text == "42"
    assert kernel.relays_folders == []


def test_what_keeps_the_other_kernel_from_starting_is_told(start: Start, tmp_path: Path) -> None:
    """An environment without ipykernel."""
    bare = kernel_python(("pip",))
    error = start().execute(moving(bare)).error
    assert error is not None
    assert "ModuleNotFoundError: No module named 'ipykernel'" in error.traceback


def test_a_move_that_is_given_up_in_its_cell(later: Path, start: Start) -> None:
    kernel = start()
    failed, behind = kernel.collect([kernel.send(moving(later, then="1 / 0")), kernel.send("1")])
    assert failed.error is not None
    assert failed.error.name == "ZeroDivisionError"
    assert behind.status == "aborted"
    assert kernel.where()[1] == kernel.process.pid
    assert kernel.relays_folders == []


def test_of_several_moves_in_a_cell_the_last_one_counts(later: Path, start: Start) -> None:
    kernel = start()
    kernel.execute("mine = 41").require()
    kernel.execute(f"{moving(later)}\n{moving(later)}").require()
    assert kernel.where()[1] != kernel.process.pid
    kernel.execute(f"{moving(later)}\n{moving(later, back=True)}").require()
    assert kernel.execute("mine + 1").text == "42"


@pytest.mark.parametrize("moved", MOVED)
def test_cells_behind_one_that_moves_and_then_fails_are_turned_away(moved: bool, later: Path, start: Start) -> None:
    kernel = start()
    if moved:
        kernel.execute(moving(later)).require()
    before = kernel.where()[1]
    codes = [f"import time; time.sleep(0.2)\n{moving(later)}\n1 / 0", "1", "2"]
    failed, *behind = kernel.collect([kernel.send(code) for code in codes])
    assert failed.error is not None
    assert [result.status for result in behind] == ["aborted"] * 2
    assert kernel.where()[1] not in (before, kernel.process.pid)


@pytest.mark.parametrize("moved", MOVED)
def test_interrupted_while_the_other_kernel_starts(moved: bool, later: Path, start: Start) -> None:
    kernel = start()
    if moved:
        kernel.execute(moving(later)).require()
    kernel.execute("mine = 41").require()
    request = kernel.send(moving(later, before=SLOW))
    wait_for(kernel.folder / "started")
    kernel.interrupt()
    error = kernel.collect([request])[0].error
    assert error is not None
    assert error.name == "KeyboardInterrupt"
    assert kernel.execute("mine + 1").text == "42"
    kernel.execute(moving(later)).require()
    assert kernel.execute("'mine' in globals()").text == "False"
    assert kernel.relays_folders == []


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_debugger_is_no_obstacle(transport: str, later: Path, start: Start) -> None:
    """Once a client has asked for it, debugpy patches what starts programs, on either side."""
    kernel = start(transport=transport)
    kernel.execute("mine = 41").require()
    for python, back in ((later, False), (later, True)):
        asked = kernel.request(
            "debug_request",
            {"type": "request", "command": "initialize", "seq": 1, "arguments": {}},
            channel="control",
        )
        assert kernel.reply(asked).content["success"]
        kernel.execute(moving(python, back=back)).require()
        kernel.execute("1").require()
    assert kernel.execute("mine + 1").text == "42"


def test_folders_are_removed_when_the_kernel_before_is_left(later: Path, start: Start, tmp_path: Path) -> None:
    kernel = start()
    kernel.execute(moving(later)).require()
    (tmp_path / "old/deep").mkdir(parents=True)
    ids = [
        kernel.send(moving(later, back=True, remove=[str(tmp_path / "old")])),
        kernel.send(f"import os; os.path.exists({str(tmp_path / 'old')!r})"),
    ]
    assert kernel.collect(ids)[1].text == "False"
