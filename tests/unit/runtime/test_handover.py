"""What one program leaves to the next, through a real exec."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bootstrap.runtime.kernel.handover import VARIABLE, Handover, receive

LEAVER = """
import os, sys
from bootstrap.runtime.kernel.handover import VARIABLE, Handover
left = Handover(clients={"shell": 2}, remove=["/nowhere"], note="n")
left.add("shell", [b"a", b"\\x00\\xff"])
left.add("shell", [b"b"])
environment = {**os.environ, VARIABLE: str(left.leave())}
taker = "from bootstrap.runtime.kernel.handover import receive; r = receive(); print(r.frames('shell'), r, receive())"
os.execve(sys.executable, [sys.executable, "-c", taker], environment)
"""


def test_it_survives_an_exec_and_is_received_once() -> None:
    done = subprocess.run([sys.executable, "-c", LEAVER], capture_output=True, text=True, check=True)
    assert "[[b'a', b'\\x00\\xff'], [b'b']]" in done.stdout
    assert "clients={'shell': 2}" in done.stdout
    assert done.stdout.rstrip().endswith("None")


@pytest.mark.parametrize("value", ["", "no number", "987654"])
def test_nothing_was_left(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, value)
    assert receive() is None
    assert VARIABLE not in os.environ


def test_another_versions_handover_is_no_handover(monkeypatch: pytest.MonkeyPatch) -> None:
    fd = os.memfd_create("x")
    os.write(fd, b'{"unknown": 1}')
    monkeypatch.setenv(VARIABLE, str(fd))
    assert receive() is None


def test_frames_of_a_channel_without_messages() -> None:
    assert Handover().frames("control") == []
