"""What the engine itself follows, with certificates: https to https, and never to plain http."""

from __future__ import annotations

import http.server
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bootstrap.errors import RedirectRefusedError
from tests.support.channel.server import serve
from tests.support.tiny_site import Site, fails

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates"),
]


def openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def certificate(folder: Path) -> Path:
    """A server's key and certificate in one file; beside it the authority's, ``ca.pem``."""
    new = ("req", "-newkey", "rsa:2048", "-nodes", "-days", 2)
    openssl(*new, "-x509", "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-subj", "/CN=ca")
    openssl(*new[:4], "-keyout", folder / "key", "-out", folder / "request", "-subj", "/CN=localhost")
    (folder / "more").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    authority = (
        "-CA",
        folder / "ca.pem",
        "-CAkey",
        folder / "ca.key",
        "-CAcreateserial",
        "-extfile",
        folder / "more",
    )
    openssl("x509", "-req", "-in", folder / "request", "-out", folder / "leaf", "-days", 2, *authority)
    both = folder / "server.pem"
    both.write_text((folder / "key").read_text() + (folder / "leaf").read_text())
    return both


@contextmanager
def https(folder: Path, pem: Path, goal: dict[str, str]) -> Iterator[str]:
    """Serves a folder; ``weights`` is redirected to the goal's ``url``, where there is one."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, directory=str(folder), **options)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

        def do_GET(self) -> None:
            if "weights" in self.path and not self.path.endswith("?again"):
                self.send_response(302)
                self.send_header("Location", f"{goal['url']}{self.path}?again")
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                super().do_GET()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_from_https_to_https_alone(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem, goal = certificate(tmp_path), {}
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with https(site.channel.path, pem, goal) as url, serve(site.channel.path) as plain:
        lock = site.channel.write_lock(tmp_path / "https.yml", channel_url=url)
        goal["url"] = plain.url
        found = fails(site, RedirectRefusedError, lock)
        assert plain.url in found.evidence[-1]
        assert not plain.requests
        goal["url"] = url
        assert site.restore(lock).action == "created"
