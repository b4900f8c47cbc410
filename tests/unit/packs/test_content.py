"""What comes from an address: taken up where it broke, never mixed with another content, and given up by name."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

import pytest

from bootstrap import errors
from bootstrap.address import Subject
from bootstrap.packs.content import FetchedContent, LocalContent, content_at
from tests.support.channel.server import ChannelServer, Fault, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUBJECT = Subject("pack", errors.PackAddressError, errors.PackNotFetchedError)
DATA = random.Random(1).randbytes(3_000_000)
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ChannelServer]:
    (tmp_path / "www").mkdir()
    (tmp_path / "www/file").write_bytes(DATA)
    with serve(tmp_path / "www") as found:
        yield found


def fetch(server: ChannelServer, folder: Path, budget: float = 5.0) -> FetchedContent:
    return FetchedContent(f"{server.url}/file", SUBJECT, folder, most=len(DATA), digested=True, retry_budget=budget)


def test_it_is_read_while_it_comes(server: ChannelServer, tmp_path: Path) -> None:
    server.set_fault("file", Fault.stall(times=1))
    with fetch(server, tmp_path / "cache") as content:
        assert content.read(1_000, 5_000) == DATA[1_000:6_000]
        assert content.size == len(DATA)
        assert list((tmp_path / "cache").iterdir()) == []


def test_a_connection_that_breaks_is_taken_up(server: ChannelServer, tmp_path: Path) -> None:
    server.set_fault("file", Fault.truncate(times=2))
    with fetch(server, tmp_path) as content:
        assert content.sha256() == DIGEST
        assert content.read(2_990_000, 20_000) == DATA[2_990_000:]
    ranges = [asked for _, _, _, asked in server.log]
    assert ranges[0] is None
    assert ranges[1] == "bytes=1500000-"
    assert [status for _, _, status, _ in server.log] == [200, 206, 206]


def test_a_server_that_gives_no_parts_is_read_again(
    server: ChannelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.channel.server._Handler._range", lambda _self, size, _etag: (0, size, False))
    server.set_fault("file", Fault.truncate(times=1))
    with fetch(server, tmp_path) as content:
        assert content.sha256() == DIGEST
        assert content.read(0, len(DATA)) == DATA
    assert [status for _, _, status, _ in server.log] == [200, 200]


def test_another_content_is_not_mixed_in(server: ChannelServer, tmp_path: Path) -> None:
    server.set_fault("file", Fault.truncate(times=1))
    with fetch(server, tmp_path) as content:
        content.read(0, 10)
        (tmp_path / "www/file").write_bytes(DATA[::-1])
        with pytest.raises(errors.PackNotFetchedError, match="replaced"):
            content.sha256()


@pytest.mark.parametrize(("fault", "asked"), [(Fault.status(404), 1), (Fault.status(503), 1), (Fault.status(403), 1)])
def test_what_a_server_refuses_is_named(server: ChannelServer, tmp_path: Path, fault: Fault, asked: int) -> None:
    server.set_fault("file", fault)
    with fetch(server, tmp_path, budget=0.0) as content, pytest.raises(errors.PackNotFetchedError) as caught:
        content.read(0, 10)
    assert str(fault.code) in caught.value.evidence[0]
    assert server.requests["/file"] == asked


def test_a_server_that_is_busy_is_asked_again(server: ChannelServer, tmp_path: Path) -> None:
    server.set_fault("file", Fault.status(503, times=1))
    with fetch(server, tmp_path) as content:
        assert content.sha256() == DIGEST


def test_nobody_waits_for_what_is_given_up(server: ChannelServer, tmp_path: Path) -> None:
    server.set_fault("file", Fault.stall())
    with fetch(server, tmp_path) as content:
        content.read(0, 10)
        content.abandon()
        assert len(content.read(0, len(DATA))) < len(DATA)


def test_no_more_is_taken_than_may_be(server: ChannelServer, tmp_path: Path) -> None:
    """A server may send without an end. It waits until somebody knows how much there is."""
    for most in (1_000_000, 1_900_000):
        with FetchedContent(f"{server.url}/file", SUBJECT, tmp_path, most=1000) as content:
            assert content.read(0, 1000) == DATA[:1000]
            content.allow(most)
            assert most < content.require(len(DATA)) < len(DATA)


def test_local_files(tmp_path: Path) -> None:
    (tmp_path / "a file").write_bytes(DATA)
    with content_at((tmp_path / "a file").as_uri(), SUBJECT, tmp_path, most=0, digested=True) as content:
        assert (content.size, content.read(5, 5), content.sha256()) == (len(DATA), DATA[5:10], DIGEST)
    with pytest.raises(OSError, match="not a file"):
        LocalContent(tmp_path)
