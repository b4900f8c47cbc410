"""The one line in a notebook on Colab: the running kernel moves, and nothing is lost on the way."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import websocket

from tests.support.colab import ColabRoot, each_version, numpy_of

from .conftest import INSTALL, cell

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.colab import Client, Result

    from .conftest import Material

WHERE = "import os, sys; print({number}, sys.executable, os.getpid(), os.getppid()); {number} * 10"


def numbered(count: int, start: int = 0) -> list[str]:
    """Cells that tell their number and where they run."""
    return [WHERE.format(number=number) for number in range(start, start + count)]


def assert_moved(results: list[Result], pid: int, start: int = 0) -> None:
    """Each was answered once, in order, completely, in the environment, and by the server's process or its child."""
    for number, result in enumerate(results, start):
        result.require()
        assert result.replies == 1
        told = result.stdout.split()
        assert told[:2] == [str(number), "/opt/conda/bin/python"]
        assert str(pid) in told[2:]
        assert result.text == str(number * 10)
    times = [next(m.time for m in result.messages if m.type == "execute_reply") for result in results]
    assert times == sorted(times)


def shown(kernel: Client, request: str) -> list[str]:
    """What a cell has shown of its progress, one after the other."""
    return [m.content["data"]["text/plain"] for m in kernel.result(request).messages if "data" in m.content]


def reached(kernel: Client, request: str, stage: str) -> bool:
    """Whether a cell has come to a stage: a brief one may be over by the time that somebody looks."""
    return any(text.startswith(stage) for text in shown(kernel, request))


def replied(kernel: Client, request: str) -> bool:
    """Whether a cell was answered."""
    return kernel.result(request).replies > 0


@pytest.mark.parametrize("version", each_version())
def test_run_all(version: str, material: Material) -> None:
    """Thirty queued cells behind the first one, on each Python that Colab has had."""
    with ColabRoot.start(version, binds=material.binds) as colab:
        kernel = colab.kernel()
        pid = kernel.pid
        assert pid is not None
        ids = [kernel.send(code) for code in [cell(), *numbered(30)]]
        first, *others = kernel.collect(ids, timeout=300)
        first.require()
        assert "ready" in first.text
        assert_moved(others, pid)
        assert kernel.pid == pid
        assert kernel.restarts == 0
        prefix = kernel.execute("import sys, numpy; print(sys.prefix, numpy.__file__)").stdout.split()
        assert prefix[0] == "/opt/conda"
        assert prefix[1].startswith("/opt/conda/lib/")


@pytest.mark.exhaustive
def test_cells_one_by_one_and_the_first_one_twice(colab: ColabRoot) -> None:
    kernel = colab.kernel()
    pid = kernel.pid
    assert pid is not None
    kernel.execute(cell(), timeout=300).require()
    assert_moved([kernel.execute(code) for code in numbered(5)], pid)
    again = kernel.execute(cell()).require()
    assert "this kernel runs in the locked environment" in again.text
    assert_moved([kernel.execute(code) for code in numbered(5, 5)], pid, 5)
    assert kernel.restarts == 0


@pytest.mark.exhaustive
def test_the_first_cell_queued_twice(colab: ColabRoot) -> None:
    kernel = colab.kernel()
    ids = [kernel.send(code) for code in [cell(), cell(), *numbered(3)]]
    first, second, *others = kernel.collect(ids, timeout=300)
    assert "every cell from the next one on" in first.require().text
    assert "this kernel runs in" in second.require().text
    assert_moved(others, kernel.pid or 0)


@pytest.mark.exhaustive
def test_more_cells_than_zeromq_holds(colab: ColabRoot) -> None:
    """At a thousand ZeroMQ reads no further, and may stop inside a message: none is lost, and none comes twice."""
    kernel = colab.kernel()
    pid = kernel.pid
    kernel.execute(INSTALL).require()
    first = kernel.send(cell())
    ids = [kernel.send(f"{number} * 10  # {'.' * (number % 97)}") for number in range(3000)]
    kernel.collect([first], timeout=300)[0].require()
    results = kernel.collect(ids, timeout=300)
    amiss = [(n, r.status, r.replies) for n, r in enumerate(results) if (r.status, r.replies) != ("ok", 1)]
    assert amiss == []
    counts = [result.execution_count or 0 for result in results]
    assert counts == list(range(counts[0], counts[0] + len(ids)))
    where = kernel.execute("import os, sys; (sys.prefix, os.getppid())").text
    assert where == f"('/opt/conda', {pid})"


@pytest.mark.exhaustive
def test_two_clients_at_once(colab: ColabRoot) -> None:
    """One queues everything at once; the other sends twenty cells a second, all through the move."""
    kernel = colab.kernel()
    other = kernel.client()
    other.ready()
    pid = kernel.pid
    assert pid is not None
    kernel.execute(INSTALL).require()
    ids = [kernel.send(code) for code in [cell(), *numbered(10)]]
    streamed = []
    while not replied(kernel, ids[-1]) or len(streamed) < 100:
        streamed.append(other.send(WHERE.format(number=len(streamed))))
        time.sleep(0.05)
        assert len(streamed) < 10_000
    first, *others = kernel.collect(ids, timeout=300)
    first.require()
    assert_moved(others, pid)
    results = other.collect(streamed, timeout=300)
    amiss = [(n, r.status, r.replies) for n, r in enumerate(results) if (r.status, r.replies) != ("ok", 1)]
    assert amiss == [], f"of {len(results)}"
    assert [result.text for result in results] == [str(number * 10) for number in range(len(results))]
    assert {result.stdout.split()[1] for result in results} >= {"/opt/conda/bin/python"}
    other.close()


def test_through_a_websocket_whose_session_is_not_the_messages(colab: ColabRoot) -> None:
    """A server tells its pages apart by their websockets; what their messages say of a session may differ."""
    kernel = colab.kernel()
    kernel.execute(INSTALL).require()
    url = f"{colab.server.url.replace('http', 'ws')}/api/kernels/{kernel.id}/channels?session_id=page"
    with closing(websocket.create_connection(url, timeout=300)) as page:
        ids = [_send(page, code) for code in [cell(), *numbered(30)]]
        replies: list[str] = []
        idle: list[str] = []
        while len(idle) < len(ids) or len(replies) < len(ids):
            message = json.loads(page.recv())
            parent = message["parent_header"].get("msg_id", "")
            if message["msg_type"] == "execute_reply":
                assert message["content"]["status"] == "ok", message["content"]
                replies.append(parent)
                if len(replies) in range(1, 30):
                    ids.append(_send(page, "1"))
            if parent in ids and message["content"].get("execution_state") == "idle":
                idle.append(parent)
        assert replies == ids
        assert idle == ids


def _send(page: websocket.WebSocket, code: str) -> str:
    """Sends a cell as a page does; returns the message's id."""
    identity = uuid.uuid4().hex
    header = {
        "msg_id": identity,
        "msg_type": "execute_request",
        "session": "another",
        "username": "",
        "version": "5.3",
    }
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "buffers": []}
    page.send(json.dumps({**message, "channel": "shell"}))
    return identity


def test_interrupted_half_way_and_run_again(colab: ColabRoot) -> None:
    kernel = colab.kernel()
    kernel.execute(INSTALL).require()
    request = kernel.send(cell())
    behind = kernel.send("1")
    assert kernel.wait(lambda: any("packages" in text for text in shown(kernel, request)), 60)
    kernel.interrupt()
    stopped, aborted = kernel.collect([request, behind], timeout=60)
    assert stopped.error is not None
    assert "Interrupted" in stopped.error.value
    assert "Traceback" not in stopped.error.traceback
    assert aborted.status == "aborted"
    assert kernel.execute("import sys; print(sys.executable)").stdout == "/usr/bin/python3\n"
    kernel.execute(cell(), timeout=300).require()
    assert_moved([kernel.execute(code) for code in numbered(2)], kernel.pid or 0)


@pytest.mark.exhaustive
@pytest.mark.parametrize("stage", ["proving", "fetching", "verifying", "connecting", "moving"])
def test_killed_at_each_stage_and_run_again(stage: str, colab: ColabRoot) -> None:
    kernel = colab.kernel()
    kernel.execute(INSTALL).require()
    request = kernel.send(cell())
    if stage == "moving":
        assert kernel.wait(lambda: replied(kernel, request), 120)
    else:
        assert kernel.wait(lambda: reached(kernel, request, stage), 120), shown(kernel, request)
    kernel.kill()
    kernel.ready(timeout=120)
    assert kernel.restarts == 1
    kernel.execute(cell(), timeout=300).require()
    assert_moved([kernel.execute(code) for code in numbered(2)], kernel.pid or 0)


def test_the_reported_failure_and_the_way_out(colab: ColabRoot) -> None:
    """Colab's numpy is loaded, pip writes a later one: imports fail in this kernel. Then the one line."""
    kernel = colab.kernel()
    assert kernel.execute("import numpy; print(numpy.__version__)").stdout == f"{numpy_of()}\n"
    kernel.execute(f"{INSTALL.replace('condacolab-bootstrap', 'numpy==2.3.4')}").require()
    failed = kernel.execute("import numpy._core.strings")
    assert failed.error is not None
    # `_center` came with numpy 2.1, `_slice` with 2.3: the first that the loaded one lacks.
    error = f"cannot import name '{'_center' if numpy_of() < '2.1' else '_slice'}' from 'numpy._core.umath'"
    assert error in failed.error.value
    # The kernel's own traces tell who it was: its history, its loaded files, the records of what was installed.
    told = kernel.execute(f"{INSTALL}; import bootstrap; print(bootstrap.diagnose().to_markdown())").require().stdout
    assert f"broken: the kernel has numpy {numpy_of()} loaded, on disk is 2.3.4" in told
    assert "- **likely:** it was cell 2: " in told
    assert error in told
    kernel.execute(cell(), timeout=300).require()
    works = kernel.execute(
        "import numpy, numpy._core.strings; print(numpy.__version__, numpy.strings.center('a', 3), numpy.__file__)"
    ).require()
    assert works.stdout.startswith("2.")
    assert "/opt/conda/lib/" in works.stdout
    # Of the first cell's names one is there: what it imported to move the kernel.
    assert kernel.execute("print(bootstrap.__file__)").require().stdout.startswith("/opt/conda/")


def test_restart_by_the_user_and_reconnect(ready: ColabRoot) -> None:
    """A manual restart lands in the environment; so does every new kernel."""
    kernel = ready.kernel()
    assert kernel.execute("import sys; print(sys.prefix)").stdout == "/opt/conda\n"
    kernel.restart()
    assert kernel.execute("import sys; print(sys.prefix)").stdout == "/opt/conda\n"
    result = kernel.execute(cell()).require()
    assert "this kernel runs in the locked environment" in result.text
    assert kernel.restarts == 0


@pytest.mark.exhaustive
def test_counter_and_history_are_as_after_a_restart(colab: ColabRoot) -> None:
    kernel = colab.kernel()
    kernel.execute("before = 1").require()
    kernel.execute(cell(), timeout=300).require()
    result = kernel.execute("print('before' in globals(), len(In))").require()
    assert result.stdout == "False 2\n"
    assert result.execution_count == 1
    last = kernel.execute("print([code for _, _, code in get_ipython().history_manager.get_tail(3)])").require()
    assert "before = 1" in last.stdout


@pytest.mark.exhaustive
def test_the_environment_changes_under_a_moved_kernel(ready: ColabRoot, material: Material) -> None:
    """A damaged file is put back by the same line, and the kernel starts anew in what was put back."""
    kernel = ready.kernel()
    victim = "/opt/conda/lib/python3.11/site-packages/numpy/fft/_helper.py"
    ready.path(victim).write_text("nothing = 1\n")
    result = kernel.execute(cell(), timeout=300).require()
    assert "repaired" in result.text
    assert kernel.execute("import numpy.fft; print(numpy.fft.fftfreq(2))").require().stdout == "[ 0.  -0.5]\n"
    assert kernel.restarts == 0


@pytest.mark.exhaustive
def test_from_a_pack_and_nothing_else(ready: ColabRoot, tmp_path: Path) -> None:
    """On a machine that has neither lock nor channel; the pack's path is relative, as in a notebook beside it."""
    ready.run(["bootstrap", "pack", "-o", "/content/class.pack", "-p", "/opt/conda"], check=True)
    shutil.copy(ready.path("/content/class.pack"), tmp_path)
    with ColabRoot.start(binds={"/content/packs": tmp_path}) as machine:
        kernel = machine.kernel()
        line = f"{INSTALL}\nimport bootstrap; bootstrap.run(pack='packs/class.pack')"
        text = kernel.execute(line, timeout=300).require().text
        assert "ready" in text
        assert "the lock in /content/packs/class.pack" in text
        assert kernel.execute("import sys; print(sys.prefix)").stdout == "/opt/conda\n"
        assert kernel.restarts == 0


def test_status_is_json_ready(ready: ColabRoot) -> None:
    done = ready.run(["bootstrap", "run", "--lock", "/var/locks/small.yml", "--json", "-q"], check=True)
    told = json.loads(done.stdout)
    assert told["action"] == "restart"
    assert told["restored"] == "unchanged"
