"""Ten thousand messages to a kernel that moves meanwhile: none is lost, doubled or out of order."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .colab import Client, Result

ROUND_TRIPS = 10
QUEUED = 30
MANY = 4700
IN_FLIGHT = 50
DELAYS = (0.0, 0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5)
LONG = 20_000_000


@dataclass
class Sender:
    """A client that keeps what it has sent, and what each is to answer."""

    client: Client
    sent: dict[str, str] = field(default_factory=dict)

    def send(self, code: str = "") -> str:
        """Sends a cell that tells its number in two ways, and does something more."""
        number = str(len(self.sent))
        request = self.client.send(f"{code}\nprint({number}); {number}" if code else f"print({number}); {number}")
        self.sent[request] = number
        return request

    def stream(self, seconds: float, enough: threading.Event) -> threading.Thread:
        """Sends a cell every so many seconds until it is enough; not more than a busy machine can answer."""

        def run() -> None:
            while not enough.wait(seconds):
                before = list(self.sent)[-IN_FLIGHT:]
                if len(before) < IN_FLIGHT or self.client.result(before[0]).replies:
                    self.send()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def faults(self, timeout: float) -> Counter[str]:
        """What is amiss with the answers, by kind."""
        results = self.client.collect(self.sent, timeout)
        found: Counter[str] = Counter()
        for result, number in zip(results, self.sent.values(), strict=True):
            found.update(_faults(result, number))
        times = [next((m.time for m in r.messages if m.type == "execute_reply"), 0.0) for r in results]
        found["disordered"] += sum(one > other for one, other in pairwise(times))
        return +found


def _faults(result: Result, number: str) -> list[str]:
    if result.status == "lost":
        return ["lost"]
    states = [m.content["execution_state"] for m in result.messages if m.type == "status"]
    values = [m for m in result.messages if m.type == "execute_result"]
    amiss = {
        "doubled": result.replies > 1 or len(values) > 1,
        "failed": result.status != "ok",
        "output": (result.text, result.stdout) != (number, f"{number}\n"),
        "status": states != ["busy", "idle"],
    }
    return [kind for kind, wrong in amiss.items() if wrong]


def stress(kernel: Client, other: Callable[[], Client], there: str, back: str) -> str:
    """Sends at least ten thousand messages to a kernel that is moved there and back meanwhile.

    Args:
        kernel: A client of it.
        other: Opens one more.
        there: A cell that has it moved.
        back: One that has it moved back.

    Returns:
        How many were sent, for people.

    Raises:
        AssertionError: Something is amiss with an answer.
    """
    senders = [Sender(kernel), Sender(other()), Sender(other())]
    try:
        kernel.execute("mine = 41").require()
        _to_and_fro_under_fire(senders, (there, back))
        _next_cell_after_the_reply(senders[0], (there, back))
        _many_and_long(senders[0], (there, back))
        found = sum((sender.faults(600) for sender in senders), Counter())
        sent = sum(len(sender.sent) for sender in senders)
        assert not found, f"of {sent} sent: {dict(found)}"
        assert sent >= 10_000
        assert kernel.execute("mine + 1").text == "42"
    finally:
        for sender in senders[1:]:
            sender.client.close()
    return f"{sent} messages sent, each answered once, in order, whole"


def _to_and_fro_under_fire(senders: list[Sender], moves: tuple[str, str]) -> None:
    """Thirty queued cells behind each move, and two clients that send all the time."""
    enough = threading.Event()
    threads = [senders[1].stream(0.03, enough), senders[2].stream(0.01, enough)]
    try:
        for move in moves * ROUND_TRIPS:
            requests = [senders[0].send(move), *(senders[0].send() for _ in range(QUEUED))]
            senders[0].client.collect(requests[-1:], 300)
    finally:
        enough.set()
        for thread in threads:
            thread.join()


def _next_cell_after_the_reply(sender: Sender, moves: tuple[str, str]) -> None:
    for number, delay in enumerate(DELAYS):
        move = sender.send(moves[number % 2])
        sender.client.reply(move, 120)
        time.sleep(delay)
        sender.client.collect([sender.send()], 120)


def _many_and_long(sender: Sender, moves: tuple[str, str]) -> None:
    """More than ZeroMQ holds by itself, and messages that take longer than the move."""
    for move in moves:
        sender.send(move)
        for number in range(MANY):
            sender.send(f"# {'.' * (number % 97)}")
        sender.send(f"len({'x' * LONG!r})")
        sender.client.collect([sender.send()], 600)
