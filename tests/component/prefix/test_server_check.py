"""What is found out about a server that did not hand out a file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bootstrap.prefix import server_check
from bootstrap.prefix.server_check import look
from tests.support import one_of
from tests.support.misbehaving import BEHAVIOURS, misbehaving

CONTENT = bytes(range(256)) * 8
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KINDS = {
    "plain": ("", "corrupt"),
    "gzip": ("", "hash"),
    "500 twice": ("server", "server"),
    "429 twice, Retry-After: 1": ("server", "server"),
    "429 twice, Retry-After: soon": ("server", "server"),
    "a login page": ("", "hash"),
    "nothing": ("", "hash"),
    "bad chunks": ("", "connection"),
    "bad gzip": ("", "hash"),
    "length too long": ("", "connection"),
    "length too short": ("", "hash"),
    "length negative": ("", "hash"),
    "closes once": ("connection", "connection"),
    "a drip": ("", "connection"),
    "silence": ("connection", "connection"),
    "noise": ("", "hash"),
    "redirect to a closed port": ("connection", "connection"),
    "noise for a status line": ("connection", "connection"),
    "a header without end": ("connection", "connection"),
    "HTTP/0.9": ("connection", "connection"),
    "closes at once": ("connection", "connection"),
    "redirect to file": ("redirect", "redirect"),
    "redirect to ftp": ("redirect", "redirect"),
    **{f"status {code}": ("refused", "refused") for code in (401, 403, 407, 451)},
    **{f"status {code}": ("not-found", "not-found") for code in (404, 410)},
}


@pytest.mark.parametrize(
    "behaviour", one_of("redirect in a circle", *sorted(BEHAVIOURS.keys() - {"redirect in a circle"}))
)
def test_each_behaviour(behaviour: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_check, "SECONDS", 0.5 if behaviour == "silence" else 10.0)
    monkeypatch.setattr(server_check, "SECONDS_TO_READ", 0.5)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # what is on this machine is asked for directly
    (tmp_path / "weights").write_bytes(CONTENT)
    asked, read = KINDS.get(behaviour, ("server", "server"))
    with misbehaving(tmp_path, behaviour) as server:
        assert look(f"{server.url}/weights").kind == asked
    with misbehaving(tmp_path, behaviour) as server:
        found = look(f"{server.url}/weights", sha256=SHA256)
    assert found.kind == read, found
    assert found.evidence
    assert all(len(line) < 500 for line in found.evidence)
    if behaviour == "429, Retry-After: a year":
        assert found.retry_after == 31536000
