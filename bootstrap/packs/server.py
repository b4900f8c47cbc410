"""Gives the archives in a pack to the engine, which fetches over http: from loopback, copied by the kernel.

An archive that is still on its way goes on as it comes. Who else is on this machine can't guess the addresses, and
whatever came would be compared with the lock.
"""

from __future__ import annotations

import os
import secrets
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bootstrap.packs.content import Content
    from bootstrap.packs.layout import Member

_CHUNK = 1 << 20


@contextmanager
def serving(
    content: Content,
    members: Mapping[str, Member],
    judge: Callable[[Member], None],
    failed: Callable[[Exception], None],
) -> Iterator[dict[str, str]]:
    """Serves some members of a pack for as long as the block runs; gives the address of each.

    Nobody can wait for more of the pack afterwards.

    Args:
        content: The pack.
        members: What may be asked for.
        judge: Called with a member before it is sent; what it raises ends the answer.
        failed: Called with what ended an answer early.
    """
    token = secrets.token_urlsafe(16)
    places = {f"/{token}/{quote(name)}": member for name, member in members.items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Otherwise the last bytes of an answer wait for the client's delayed acknowledgement.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            member = places.get(self.path)
            if member is None:
                self.send_error(404)
                return
            try:
                judge(member)
                self.send_response(200)
                self.send_header("Content-Length", str(member.size))
                self.end_headers()
                self.wfile.flush()
                self.send(member)
            except OSError:  # the engine has gone
                self.close_connection = True
            except Exception as error:
                # An answer that ends early is a fault to the engine, and why is known here.
                failed(error)
                self.close_connection = True

        def send(self, member: Member) -> None:
            position = member.start
            while position < member.end:
                there = content.require(min(position + _CHUNK, member.end))
                if there <= position:
                    raise EOFError(member.name)
                while position < there:
                    position += os.sendfile(self.connection.fileno(), content.descriptor, position, there - position)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = False
        request_queue_size = 512

        def handle_error(self, request: object, client_address: object) -> None:
            """An engine that goes away early is no error."""

    # Its end waits for the answers under way: they read from what is closed after that.
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield {
                name: f"http://127.0.0.1:{server.server_port}{place}"
                for place, name in zip(places, members, strict=True)
            }
        finally:
            content.abandon()
            server.shutdown()
