"""A child's side of the conversation with its relay, over a real socket."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zmq

from bootstrap.errors import KernelStartError
from bootstrap.runtime.kernel import relayed
from bootstrap.runtime.kernel.child_kernel import DELIMITER, HERE, IDENTITY, VARIABLE, KernelTarget

TARGET = KernelTarget(["python"], {"A": "1"}, remove=["/old"])


@dataclass
class Kernel:
    """What is used of one."""

    _aborting: bool = False
    parent: SimpleNamespace = field(default_factory=SimpleNamespace)
    dispatched: list[Any] = field(default_factory=list)

    async def dispatch_shell(self, message: Any) -> None:
        self.dispatched.append(message)


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Any]:
    """The relay's end."""
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.rcvtimeo = 5000
    socket.bind(f"ipc://{tmp_path}/relay")
    yield socket
    context.destroy(linger=0)


@pytest.fixture
def link(tmp_path: Path, relay: Any) -> Iterator[relayed.Link]:
    """One of a kernel that has begun."""
    link = relayed.Link(str(tmp_path), 1, "/prefix", "/run/kernel-1.json")
    kernel = Kernel()
    link.begin(kernel)
    assert kernel.parent.connection_file == "/run/kernel-1.json"
    assert relay.recv_multipart() == [HERE]
    yield link
    link._context.destroy(linger=0)


def heard(relay: Any) -> tuple[str, Any]:
    verb, content = relay.recv_multipart()
    return verb.decode(), json.loads(content)


def answers(relay: Any, *answers: dict[str, Any]) -> threading.Thread:
    """Waits for a question, and says something."""

    def answer() -> None:
        relay.recv_multipart()
        for told in answers:
            relay.send(json.dumps(told).encode())

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


def test_another_kernel_starts(link: relayed.Link, relay: Any) -> None:
    thread = answers(relay, {"number": 1, "error": None})
    link.prepare(TARGET)
    thread.join()


def test_another_kernel_does_not_start(link: relayed.Link, relay: Any) -> None:
    thread = answers(relay, {"number": 1, "error": "It did not.", "evidence": ["exit status 1"]})
    with pytest.raises(KernelStartError, match="It did not") as caught:
        link.prepare(TARGET)
    assert caught.value.evidence == ("exit status 1",)
    thread.join()


def test_an_answer_to_an_interrupted_question_is_not_the_next_ones(link: relayed.Link, relay: Any) -> None:
    threads = [answers(relay, {"number": 1, "error": None})]
    link.prepare(TARGET)
    threads.append(answers(relay, {"number": 1, "error": None}, {"number": 2, "error": "late", "evidence": []}))
    with pytest.raises(KernelStartError, match="late"):
        link.prepare(TARGET)
    for thread in threads:
        thread.join()


def test_what_is_asked(link: relayed.Link, relay: Any) -> None:
    link.cancel()
    link.prepare(replace(TARGET, back=True))
    link.commit(("/old",))
    assert heard(relay) == ("cancel", {})
    assert heard(relay) == ("leave", {"back": True, "remove": ["/old"]})


def test_requests_are_given_back_once_it_is_left(link: relayed.Link, relay: Any) -> None:
    class Hooked(Kernel):
        pass

    relayed.attach(link, Hooked)
    kernel = Hooked()
    waiting = [[IDENTITY, b"client", DELIMITER, b"%d" % n] for n in range(3)]
    direct = [b"debugger", DELIMITER, b"direct"]
    own = [IDENTITY, DELIMITER, b"own"]
    asyncio.run(kernel.dispatch_shell(waiting[0]))
    link.commit(())
    for message in (waiting[1], direct, waiting[2], own):
        asyncio.run(kernel.dispatch_shell(message))
    # Only its own and what does not come by the relay is dispatched.
    assert kernel.dispatched == [waiting[0], direct, own]
    assert heard(relay)[0] == "leave"
    assert relay.recv_multipart() == [b"returned", b"client", DELIMITER, b"1"]
    assert relay.recv_multipart() == [b"returned", b"client", DELIMITER, b"2"]
    assert relay.recv_multipart() == [b"done"]


def test_requests_that_the_kernel_turns_away_are_not_given_back(link: relayed.Link, relay: Any) -> None:
    link.commit(())
    assert not link.gives_back(Kernel(_aborting=True), [IDENTITY, b"client", DELIMITER])
    assert link.gives_back(Kernel(), [IDENTITY, b"client", DELIMITER])


def test_the_relay_is_known_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(relayed, "_links", [])
    monkeypatch.setenv(
        VARIABLE, json.dumps({"folder": str(tmp_path), "pid": 1, "prefix": "/usr", "connection_file": "k"})
    )
    found = relayed.receive()
    assert found is not None
    assert found.prefix == "/usr"
    assert relayed.receive() is relayed.link() is found


def test_why_it_does_not_start_is_said(link: relayed.Link, tmp_path: Path) -> None:
    link.say_why(ModuleNotFoundError("No module named 'ipykernel'"))
    assert (tmp_path / "error").read_text() == "ModuleNotFoundError: No module named 'ipykernel'"
