"""The engine's process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootstrap.errors import EngineError
from bootstrap.prefix import engine as engine_process


def children() -> set[int]:
    """The processes that this one has started."""
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


def test_the_engine_is_in_a_group_of_its_own_and_in_our_session() -> None:
    before = children()
    with engine_process.Engine():
        (pid,) = children() - before
        # Ctrl-C on a terminal is for groups; niceness counts only within a session.
        assert os.getpgid(pid) == pid
        assert os.getsid(pid) == os.getsid(0)
    assert children() == before, "it is reaped"


def test_an_engine_that_ends_without_a_word_is_an_error_with_what_it_said(tmp_path: Path) -> None:
    engine = engine_process.Engine()
    with engine, pytest.raises(EngineError) as caught:
        engine.attempt({"nonsense": True}, lambda _: None, 60.0)
    assert "KeyError" in "\n".join(caught.value.evidence)
    engine.close()
