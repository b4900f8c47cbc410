from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.channel.server import ChannelServer, Fault, serve

CONTENT = bytes(range(256)) * 400


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    (tmp_path / "noarch").mkdir()
    (tmp_path / "noarch/a.conda").write_bytes(CONTENT)
    (tmp_path / "noarch/b.conda").write_bytes(b"another")
    return tmp_path


def get(server: ChannelServer, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    request = urllib.request.Request(f"{server.url}/{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


def test_serves_and_counts(folder: Path) -> None:
    with serve(folder) as server:
        status, content, headers = get(server, "noarch/a.conda")
        get(server, "noarch/a.conda")
        assert (status, content, headers["Content-Length"]) == (200, CONTENT, str(len(CONTENT)))
        assert get(server, "noarch/none.conda")[0] == 404
        assert server.requests == {"/noarch/a.conda": 2, "/noarch/none.conda": 1}
        assert [entry[2] for entry in server.log] == [200, 200, 404]


def test_nothing_outside_the_folder(folder: Path) -> None:
    (folder.parent / "secret").write_text("x", encoding="utf-8")
    with serve(folder / "noarch") as server:
        assert get(server, "../b.conda")[0] == 404
        assert get(server, "%2e%2e/noarch/../../secret")[0] == 404


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [("bytes=0-9", 0, 10), ("bytes=100-", 100, None), ("bytes=-7", -7, None), ("bytes=5-99999999", 5, None)],
)
def test_ranges(folder: Path, header: str, start: int, end: int | None) -> None:
    with serve(folder) as server:
        status, content, headers = get(server, "noarch/a.conda", Range=header)
        assert (status, content) == (206, CONTENT[start:end])
        assert headers["Content-Range"].endswith(f"/{len(CONTENT)}")


def test_range_past_the_end(folder: Path) -> None:
    with serve(folder) as server:
        assert get(server, "noarch/a.conda", Range="bytes=99999999-")[0] == 416


def test_etag_saves_the_body(folder: Path) -> None:
    with serve(folder) as server:
        etag = get(server, "noarch/a.conda")[2]["ETag"]
        assert get(server, "noarch/a.conda", **{"If-None-Match": etag})[:2] == (304, b"")


def test_one_connection_serves_many_requests(folder: Path) -> None:
    with serve(folder) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
        for method, path, length in (("GET", "a", len(CONTENT)), ("HEAD", "a", 0), ("GET", "no", 4), ("GET", "b", 7)):
            connection.request(method, f"/noarch/{path}.conda")
            socket = connection.sock
            answer = connection.getresponse()
            assert len(answer.read()) == length
            assert connection.sock is socket
        connection.close()


def test_status_for_the_first_requests(folder: Path) -> None:
    with serve(folder, faults={"a.conda": Fault.status(503, times=2)}) as server:
        assert [get(server, "noarch/a.conda")[0] for _ in range(4)] == [503, 503, 200, 200]
        assert get(server, "noarch/b.conda")[0] == 200


def test_status_for_ever_with_retry_after(folder: Path) -> None:
    with serve(folder, faults={".conda": Fault.status(429, retry_after=1)}) as server:
        for name in ("a", "b", "a"):
            status, _, headers = get(server, f"noarch/{name}.conda")
            assert (status, headers["Retry-After"]) == (429, "1")


def test_a_name_is_no_mere_suffix(folder: Path) -> None:
    (folder / "noarch/aa.conda").write_bytes(b"aa")
    with serve(folder, faults={"a.conda": Fault.status(404)}) as server:
        assert get(server, "noarch/aa.conda")[:2] == (200, b"aa")


def test_truncate_closes_the_connection(folder: Path) -> None:
    with serve(folder, faults={"a.conda": Fault.truncate(times=1)}) as server:
        with pytest.raises(http.client.IncompleteRead) as caught:
            get(server, "noarch/a.conda")
        assert caught.value.partial == CONTENT[: len(CONTENT) // 2]
        assert get(server, "noarch/a.conda")[1] == CONTENT


def test_shorten_states_what_it_sends(folder: Path) -> None:
    with serve(folder, faults={"a.conda": Fault.shorten(fraction=0.25)}) as server:
        assert get(server, "noarch/a.conda")[:2] == (200, CONTENT[: len(CONTENT) // 4])


@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
def test_flip_changes_one_byte(folder: Path, fraction: float) -> None:
    with serve(folder, faults={"a.conda": Fault.flip(fraction=fraction)}) as server:
        content = get(server, "noarch/a.conda")[1]
        assert len(content) == len(CONTENT)
        assert sum(a != b for a, b in zip(content, CONTENT, strict=True)) == 1


def test_substitute_serves_another_file(folder: Path) -> None:
    with serve(folder, faults={"a.conda": Fault.substitute("noarch/b.conda")}) as server:
        assert get(server, "noarch/a.conda")[1] == b"another"


def test_stall_sends_half_and_hangs(folder: Path) -> None:
    with serve(folder, faults={"a.conda": Fault.stall()}) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
        connection.request("GET", "/noarch/a.conda")
        answer = connection.getresponse()
        assert answer.read(len(CONTENT) // 2) == CONTENT[: len(CONTENT) // 2]
        connection.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            answer.read(1)
        connection.close()


def test_stopping_frees_a_stalled_client(folder: Path) -> None:
    failures: list[Exception] = []

    def client(server: ChannelServer) -> None:
        try:
            get(server, "noarch/a.conda")
        except (http.client.HTTPException, OSError) as error:
            failures.append(error)

    with serve(folder, faults={"a.conda": Fault.stall()}) as server:
        thread = threading.Thread(target=client, args=(server,))
        thread.start()
        while not server.log:
            time.sleep(0.01)
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert failures


def test_slow_keeps_its_pace(folder: Path) -> None:
    with serve(folder, faults={"a.conda": Fault.slow(len(CONTENT) * 2)}) as server:
        started = time.monotonic()
        assert get(server, "noarch/a.conda")[1] == CONTENT
        assert time.monotonic() - started > 0.4


def test_faults_can_be_set_and_lifted_while_it_runs(folder: Path) -> None:
    with serve(folder) as server:
        server.set_fault("b.conda", Fault.status(500))
        assert get(server, "noarch/b.conda")[0] == 500
        server.set_fault("b.conda", None)
        assert get(server, "noarch/b.conda")[0] == 200
