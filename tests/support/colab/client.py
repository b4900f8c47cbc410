"""A client of a kernel over its real sockets: sends cells, and keeps every message that comes, in order."""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_client.client import KernelClient
from jupyter_client.threaded import IOLoopThread, ThreadedKernelClient, ThreadedZMQSocketChannel
from traitlets import Any as Anything
from traitlets import Type

if TYPE_CHECKING:
    from typing import Self

UNTIL_THE_NEXT_HAS_COME = """
from time import monotonic as _now
_kernel, _end = get_ipython().kernel, _now() + 60
while _kernel.msg_queue.empty() and not _kernel.shell_stream.socket.poll(100):
    assert _now() < _end, "no other cell came"
"""
"""A cell's beginning: goes on once the next cell is with the kernel, queued or still in its socket.

A failing cell turns away only what has come by then (ipykernel's ``stop_on_error_timeout`` is 0, as on Colab), and a
page or client may be slower than a short cell.
"""


SILENT = object()
"""What one of a client's answers returns where the page says nothing."""


@dataclass(frozen=True)
class Message:
    """One message from the kernel.

    Attributes:
        channel: ``shell``, ``iopub``, ``stdin`` or ``control``.
        type: Such as ``stream`` or ``execute_reply``.
        parent: The id of the request it belongs to; empty where it belongs to none.
        content: As the protocol has it.
        metadata: As the protocol has it.
        buffers: What came along in binary.
        time: When it arrived, by ``time.monotonic``.
    """

    channel: str
    type: str
    parent: str
    content: dict[str, Any]
    metadata: dict[str, Any]
    buffers: tuple[bytes, ...]
    time: float


@dataclass(frozen=True)
class Failure:
    """An exception in a cell."""

    name: str
    value: str
    traceback: str


@dataclass(frozen=True)
class Result:
    """What became of one cell.

    Attributes:
        id: Of the request.
        code: The cell.
        status: ``ok``, ``error``, ``aborted``, or ``lost``: no answer in the time given.
        execution_count: As the kernel answered; None where it gave none.
        text: ``text/plain`` of the cell's value; empty without one.
        stdout: What it printed.
        stderr: What it printed there.
        error: The exception, if one ended it.
        displays: The data of each display and of the cell's value, in order.
        replies: How many answers came; anything but 1 is a fault, unless lost.
        messages: All that came for it, in order of arrival.
    """

    id: str
    code: str
    status: str
    execution_count: int | None
    text: str
    stdout: str
    stderr: str
    error: Failure | None
    displays: tuple[dict[str, Any], ...]
    replies: int
    messages: tuple[Message, ...]

    def require(self) -> Self:
        """This result, where the cell went well.

        Raises:
            AssertionError: It didn't; with all that the cell said.
        """
        if self.status != "ok":
            trace = self.error.traceback if self.error else ""
            raise AssertionError(f"cell {self.status}: {self.code}\n{self.stdout}\n{self.stderr}\n{trace}")
        return self


_ADDRESS = ("transport", "ip", "key")
_PATIENCE_SECONDS = 30.0


class _Thread(IOLoopThread):  # type: ignore[misc]  # it has no types; so the two below
    async def _async_run(self) -> None:
        while not self._exiting:  # the original looks once a second
            await asyncio.sleep(0.02)


class _Channel(ThreadedZMQSocketChannel):  # type: ignore[misc]
    name = ""
    owner: Client

    def call_handlers(self, msg: dict[str, Any]) -> None:
        self.owner._arrived(self.name, msg)


class _Sockets(ThreadedKernelClient):  # type: ignore[misc]
    """jupyter_client's own client, which polls all channels in a thread, as a Jupyter server does."""

    owner = Anything()
    shell_channel_class = Type(_Channel)
    iopub_channel_class = Type(_Channel)
    stdin_channel_class = Type(_Channel)
    control_channel_class = Type(_Channel)

    def start_channels(self, *arguments: bool, **named: bool) -> None:
        self.ioloop_thread = _Thread()
        self.ioloop_thread.start()
        for name in ("shell", "iopub", "stdin", "control"):
            channel = getattr(self, f"{name}_channel")
            channel.name, channel.owner = name, self.owner
        KernelClient.start_channels(self, *arguments, **named)


def read_whole(file: Path) -> dict[str, Any]:
    """What a JSON file says, once it is there and complete: who writes it anew may remove or empty it first.

    So do a kernel that starts, with its connection file, and a Jupyter server, with a notebook.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return dict(json.loads(file.read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


class Client:
    """A page, as the kernel sees one. Several may be open on one kernel.

    Attributes:
        messages: All that came since it was opened, in order of arrival.
        inputs: What to answer when cells ask for input, in order.
        answers: For requests of ``google.colab`` to the page: type of request to a function of its body, whose
            value is sent back, unless it is ``SILENT``. What isn't there is not answered, as by a closed page.
    """

    def __init__(self, connection_file: Path) -> None:
        self.messages: list[Message] = []
        self.inputs: deque[str] = deque()
        self.answers: dict[str, Callable[[Any], Any]] = {}
        self._file = connection_file
        self._short = tempfile.TemporaryDirectory(prefix="kernel-")
        self._sent: dict[str, str] = {}
        self._by_parent: defaultdict[str, list[Message]] = defaultdict(list)
        self._news = threading.Condition()
        self._sockets: _Sockets | None = None
        self._connection: dict[str, Any] = {}

    def _connected(self) -> _Sockets:
        """The sockets, to where the connection file says: a server may give a restarted kernel other ports."""
        written = read_whole(self._file)
        # A kernel writes its file anew when it starts, with fewer entries: that is no reason to connect again.
        connection = {name: value for name, value in written.items() if name.endswith("_port") or name in _ADDRESS}
        if self._sockets is None or connection != self._connection:
            again = self._sockets is not None
            self.close()
            self._connection = connection
            self._sockets = _Sockets(owner=self)
            self._sockets.load_connection_info(self._from_here(written))
            self._sockets.start_channels(hb=False)
            if again:
                # Broadcasts of what is sent next would be missed until the new subscription has arrived.
                with suppress(TimeoutError):
                    self.ready()
        return self._sockets

    def _from_here(self, connection: dict[str, Any]) -> dict[str, Any]:
        """The connection as this process can make it: Unix sockets lie beside the connection file, which may be deep
        in another root, and a socket's path is at most 107 characters long."""
        if connection["transport"] != "ipc":
            return connection
        near = Path(self._short.name, "runtime")
        if not near.is_symlink():
            near.symlink_to(self._file.parent)
        return {**connection, "ip": str(near / Path(connection["ip"]).name)}

    def _arrived(self, channel: str, raw: dict[str, Any]) -> None:
        parent = (raw.get("parent_header") or {}).get("msg_id", "")
        buffers = tuple(bytes(buffer) for buffer in raw.get("buffers") or ())
        kind = raw["header"]["msg_type"]
        message = Message(channel, kind, parent, raw["content"], raw["metadata"], buffers, time.monotonic())
        with self._news:
            self.messages.append(message)
            self._by_parent[parent].append(message)
            self._news.notify_all()
        if kind == "input_request" and self.inputs:
            self._say("stdin", "input_reply", {"value": self.inputs.popleft()})
        if kind == "colab_request" and message.metadata["colab_request_type"] in self.answers:
            data = self.answers[message.metadata["colab_request_type"]](message.content["request"])
            value = {"type": "colab_reply", "colab_msg_id": message.metadata["colab_msg_id"], "data": data}
            if data is not SILENT:
                self._say("stdin", "input_reply", {"value": value})

    def _say(self, channel: str, kind: str, content: dict[str, Any], metadata: dict[str, Any] | None = None) -> str:
        sockets = self._sockets
        assert sockets is not None
        message = sockets.session.msg(kind, content, metadata=metadata)
        getattr(sockets, f"{channel}_channel").send(message)
        return str(message["header"]["msg_id"])

    def ready(self, timeout: float = 120.0) -> None:
        """Waits until the kernel answers and its broadcasts arrive here.

        Raises:
            TimeoutError: It doesn't in time.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self._connected()
            asked = self.request("kernel_info_request")

            def heard(asked: str = asked) -> bool:
                return {m.channel for m in self._by_parent.get(asked, ())} >= {"shell", "iopub"}

            if self.wait(heard, 0.5):
                return
        raise TimeoutError(f"the kernel doesn't answer within {timeout:g} s")

    def wait(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Waits until something holds, by messages or by the clock. Returns whether it came to hold."""
        deadline = time.monotonic() + timeout
        with self._news:
            while not condition():
                if (left := deadline - time.monotonic()) <= 0:
                    return False
                self._news.wait(min(left, 0.2))
            return True

    def request(
        self,
        kind: str,
        content: dict[str, Any] | None = None,
        *,
        channel: str = "shell",
        metadata: dict[str, Any] | None = None,
    ) -> str:
        """Sends any message of the protocol; returns its id."""
        self._connected()
        return self._say(channel, kind, content or {}, metadata)

    def reply(self, request: str, timeout: float = 60.0) -> Message:
        """The answer to a request.

        Raises:
            TimeoutError: None came in time.
        """

        def found() -> list[Message]:
            return [m for m in self._by_parent.get(request, ()) if m.channel in ("shell", "control")]

        if not self.wait(lambda: bool(found()), timeout):
            raise TimeoutError(f"no answer within {timeout:g} s")
        return found()[0]

    def send(self, code: str, *, stop_on_error: bool = True, silent: bool = False, cell_id: str = "") -> str:
        """Sends a cell without waiting, as "Run all" does; returns its id for ``collect``."""
        content = {
            "code": code,
            "silent": silent,
            "store_history": not silent,
            "user_expressions": {},
            "allow_stdin": True,
            "stop_on_error": stop_on_error,
        }
        sent = self.request("execute_request", content, metadata={"cellId": cell_id} if cell_id else None)
        self._sent[sent] = code
        return sent

    def collect(self, ids: Iterable[str], timeout: float = 60.0) -> list[Result]:
        """What became of cells, once each is answered and the kernel idle after it.

        Args:
            ids: From ``send``.
            timeout: Seconds for all of them. Those without an answer then are ``lost``; none raises.
        """
        wanted = list(ids)
        missing = set(wanted)

        def done() -> bool:
            # Asked with every message that comes, so a cell that is found done is not looked at again.
            while missing and self._done(one := next(iter(missing))):
                missing.remove(one)
            return not missing

        self.wait(done, timeout)
        return [self.result(request) for request in wanted]

    def _done(self, request: str) -> bool:
        """Whether a cell was answered, and the kernel idle after it."""
        messages = self._by_parent.get(request, ())
        idle = any(m.type == "status" and m.content["execution_state"] == "idle" for m in messages)
        return idle and any(m.type == "execute_reply" for m in messages)

    def execute(self, code: str, timeout: float = 60.0, *, inputs: Iterable[str] = ()) -> Result:
        """Sends a cell and waits for what becomes of it.

        A kernel may still be turning away what was queued behind a failed cell when the next one comes, since it
        answers before; nobody has queued this one, so it is sent again, as a person would.
        """
        self.inputs.extend(inputs)
        result = self.collect([self.send(code)], timeout)[0]
        return self.collect([self.send(code)], timeout)[0] if result.status == "aborted" else result

    def result(self, request: str) -> Result:
        """What is known of a cell now."""
        messages = tuple(self._by_parent.get(request, ()))
        replies = [m.content for m in messages if m.type == "execute_reply"]
        shown = [m for m in messages if m.type in ("display_data", "execute_result")]
        failures = [m.content for m in messages if m.type == "error"]
        values = [m.content["data"].get("text/plain", "") for m in shown if m.type == "execute_result"]

        def streamed(name: str) -> str:
            return "".join(m.content["text"] for m in messages if m.type == "stream" and m.content["name"] == name)

        return Result(
            id=request,
            code=self._sent.get(request, ""),
            status=replies[0]["status"] if replies else "lost",
            execution_count=replies[0].get("execution_count") if replies else None,
            text=values[-1] if values else "",
            stdout=streamed("stdout"),
            stderr=streamed("stderr"),
            error=Failure(failures[-1]["ename"], failures[-1]["evalue"], "\n".join(failures[-1]["traceback"]))
            if failures
            else None,
            displays=tuple(m.content["data"] for m in shown),
            replies=len(replies),
            messages=messages,
        )

    def close(self) -> None:
        """Closes the sockets; the kernel goes on."""
        if self._sockets is not None:
            self._sockets.stop_channels()
            self._sockets = None
