"""A lock that is at an address: what is fetched, what is refused, and what it costs a second time."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from bootstrap.errors import BootstrapError, LockAddressError, LockDigestError, LockNotFetchedError
from bootstrap.locate import find_lock
from bootstrap.lock import address
from bootstrap.lock.address import fetch_lock, origin
from tests.support.archives import LOCK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = LOCK.encode()
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Answers(BaseHTTPRequestHandler):
    """Answers by the path's first part."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        kind, _, rest = self.path.strip("/").partition("/")
        content = b"<!DOCTYPE html><title>a page</title>" if kind == "page" else CONTENT
        self.send_response(int(rest) if kind == "status" else 302 if kind == "leads" else 200)
        if kind == "leads":
            self.send_header("Location", rest if "://" in rest else f"/{rest}")
        if kind != "endless":
            self.send_header("Content-Length", str(len(content) + (kind == "cut")))
        self.end_headers()
        if kind == "endless":
            content *= 100
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The server's address. A proxy is set, which isn't there and mustn't be asked."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr(Answers, "asked", [])
    monkeypatch.setattr(address, "BYTES", len(CONTENT) * 2)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()


def test_it_is_read_and_its_origin_known(server: str, tmp_path: Path) -> None:
    kept = find_lock(f"{server}/leads/lock?token=secret", cache=tmp_path)
    assert kept.parent == tmp_path / "locks"
    assert origin(kept) == f"{server}/leads/lock?token=*** (sha256 {DIGEST[:12]})"
    assert [path for path in tmp_path.rglob("*") if path.is_file() and b"secret" in path.read_bytes()] == []


def test_a_lock_named_by_its_digest_is_fetched_once(server: str, tmp_path: Path) -> None:
    for _ in range(2):
        assert fetch_lock(f"{server}/lock#sha256={DIGEST.upper()}", tmp_path).read_bytes() == CONTENT
    assert fetch_lock(f"{server}/lock#sha256={DIGEST}", tmp_path, offline=True).read_bytes() == CONTENT
    assert len(Answers.asked) == 1
    (tmp_path / f"locks/{DIGEST}.yml").write_text("edited")
    assert fetch_lock(f"{server}/lock#sha256={DIGEST}", tmp_path).read_bytes() == CONTENT


def test_a_file_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "a lock.yml").write_bytes(CONTENT)
    assert fetch_lock((tmp_path / "a lock.yml").as_uri(), tmp_path / "cache").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("named", "kind", "evidence"),
    [
        ("status/404", LockNotFetchedError, "404 Not Found"),
        ("status/503", LockNotFetchedError, "503 Service Unavailable"),
        ("cut", LockNotFetchedError, "bytes"),
        ("endless", LockNotFetchedError, "endless"),
        ("page", LockAddressError, "page"),
        ("leads/leads/leads/leads/leads/leads/leads/lock", LockNotFetchedError, "302"),
        ("leads/http://192.0.2.1/lock", LockAddressError, "192.0.2.1"),
        ("leads/file:///etc/passwd", LockNotFetchedError, "302"),
        (f"lock#sha256={'0' * 64}", LockDigestError, DIGEST),
        ("lock#sha256=abc", LockAddressError, "sha256=abc"),
    ],
)
def test_what_is_refused_leaves_nothing(
    server: str, tmp_path: Path, named: str, kind: type[BootstrapError], evidence: str
) -> None:
    with pytest.raises(kind) as told:
        fetch_lock(f"{server}/{named}", tmp_path)
    assert evidence in "\n".join(told.value.evidence)
    assert not list(tmp_path.rglob("*.yml"))


def test_no_server(tmp_path: Path) -> None:
    with pytest.raises(LockNotFetchedError, match="Can't download"):
        fetch_lock("http://127.0.0.1:9/lock", tmp_path)
    with pytest.raises(LockNotFetchedError, match="offline mode"):
        fetch_lock("https://example.org/lock", tmp_path, offline=True)
