"""The index tells what belongs to a version, over http as from a folder."""

from __future__ import annotations

import functools
import http.server
import json
import random
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootstrap.diagnosis import bounded_read, package_metadata
from bootstrap.diagnosis.index import Archive, Index, version_in
from bootstrap.diagnosis.settings import PipSettings
from bootstrap.errors import IndexUnreachableError
from tests.support import wheels

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


class Handler(http.server.SimpleHTTPRequestHandler):
    """A simple index in JSON, with ranges and METADATA beside the files."""

    asked: list[str]
    ranges = True

    def do_GET(self) -> None:
        type(self).asked.append(f"{self.path} {self.headers.get('Range', '')}".strip())
        folder = Path(self.directory)
        if self.path.startswith("/simple/"):
            name = self.path.split("/")[2].replace("-", "_")
            files = [
                {
                    "filename": f.name,
                    "url": f"/files/{f.name}",
                    "size": f.stat().st_size,
                    "core-metadata": name == "served",
                }
                for f in folder.iterdir()
                if f.name.startswith(f"{name}-")
            ]
            body = json.dumps({"files": files}).encode()
            self.answer(body, "application/vnd.pypi.simple.v1+json", 200 if files else 404)
        elif self.path.endswith(".metadata"):
            self.answer(wheels.metadata("served", "1.0", ["from-beside"]).encode(), "text/plain", 200)
        else:
            data = (folder / self.path.rpartition("/")[2]).read_bytes()
            wanted = self.headers.get("Range", "").partition("=")[2]
            if not wanted or not self.ranges:
                self.answer(data, "application/zip", 200)
                return
            first, last = wanted.split("-")
            start = max(0, len(data) - int(last)) if not first else int(first)
            end = len(data) - 1 if not first or not last else int(last)
            self.answer(data[start : end + 1], "application/zip", 206, f"bytes {start}-{end}/{len(data)}")

    def answer(self, body: bytes, kind: str, status: int, span: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if span:
            self.send_header("Content-Range", span)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """An index over http: its address, its folder, and what it is asked."""
    Handler.asked = []
    folder = tmp_path / "served-files"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
    ) as found:
        threading.Thread(target=found.serve_forever, args=[0.01], daemon=True).start()
        yield f"http://127.0.0.1:{found.server_port}/simple", folder, Handler.asked
        found.shutdown()


def test_a_wheel_is_not_fetched_to_be_read(server: tuple[str, Path, list[str]], tmp_path: Path) -> None:
    url, folder, asked = server
    wheels.make_wheel(folder, "large", "1.0", ["needed>=1"], code="# " + "x" * 3_000_000)
    found = Index(PipSettings(index=url), PYTHON, cache=tmp_path / "cache").dist("Large", "1")
    assert found.requires == ("needed>=1",)
    assert all(" bytes=" in line for line in asked if "/files/" in line)
    count = len(asked)
    again = Index(PipSettings(index=url), PYTHON, cache=tmp_path / "cache").dist("large", "1.0")
    assert again == found
    assert len(asked) == count, "a version stays what it is"
    assert package_metadata.size_of(found.url) == next(folder.iterdir()).stat().st_size


def test_metadata_at_a_wheels_beginning(server: tuple[str, Path, list[str]], tmp_path: Path) -> None:
    url, folder, asked = server
    with zipfile.ZipFile(folder / "odd-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("odd-1.0.dist-info/METADATA", wheels.metadata("odd", "1.0", ["needed>=1"]))
        archive.writestr("odd.py", random.Random(1).randbytes(20_000_000))
    assert Index(PipSettings(index=url), PYTHON, cache=tmp_path).dist("odd", "1.0").requires == ("needed>=1",)
    asked_for = [line.rpartition("bytes=")[2].split("-") for line in asked if "/files/" in line]
    assert sum(int(last) - int(first or 0) for first, last in asked_for) < 1_000_000


@pytest.mark.parametrize("served", [True, False])
def test_a_wheel_may_be_larger_than_what_is_read_of_other_files(
    served: bool, server: tuple[str, Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder, _ = server
    monkeypatch.setattr(bounded_read.fetch, "__kwdefaults__", {"most": 100_000, "seconds": 60.0})
    wheels.make_wheel(folder, "large", "1.0", ["needed>=1"], code="# " + "x" * 300_000)
    monkeypatch.setattr(Handler, "ranges", False)  # a server that knows of none sends all of it
    settings = PipSettings(index=url) if served else PipSettings(index=None, find_links=(str(folder),))
    assert Index(settings, PYTHON, cache=tmp_path).dist("large", "1.0").requires == ("needed>=1",)


def test_metadata_beside_the_wheel_comes_first(server: tuple[str, Path, list[str]], tmp_path: Path) -> None:
    url, folder, _ = server
    wheels.make_wheel(folder, "served", "1.0", ["from-inside"])
    assert Index(PipSettings(index=url), PYTHON, cache=tmp_path).dist("served", "1.0").requires == ("from-beside",)


def test_a_source_archive_tells_of_itself(tmp_path: Path) -> None:
    wheels.make_sdist(tmp_path, "only-source", "2.0", ["a", "b<3"])
    index = Index(PipSettings(index=None, find_links=(str(tmp_path),)), PYTHON, cache=tmp_path)
    assert index.dist("only-source", "2.0").requires == ("a", "b<3")
    assert index.dist("only-source", "3.0") is None


def test_an_index_out_of_reach_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(IndexUnreachableError):
        Index(PipSettings(index="http://127.0.0.1:9/simple"), PYTHON, cache=tmp_path).archives("a")


def test_versions_and_names() -> None:
    assert version_in("a_b-1.0-py3-none-any.whl", "a-b") == "1.0"
    assert version_in("a-b-1.0.tar.gz", "a-b") == "1.0"
    assert version_in("a-b-1.0.tar.gz", "a") is None


@pytest.mark.parametrize(
    ("best", "other"),
    [
        ("py3-none-any.whl", None),
        ("cp39-abi3-linux_x86_64.whl", "cp27-cp27m-linux_x86_64.whl"),
        ("py3-none-manylinux_2_17_x86_64.whl", "py3-none-win_amd64.whl"),
        ("py3-none-manylinux1_x86_64.whl", "py3-none-musllinux_1_1_x86_64.whl"),
    ],
)
def test_the_file_that_this_python_would_take(tmp_path: Path, best: str, other: str | None) -> None:
    for name in (f"a-1.0-{best}", f"a-1.0-{other}" if other else "a-1.0.tar.gz", "a-2.0-py3-none-any.whl", "a.txt"):
        (tmp_path / name).touch()
    index = Index(PipSettings(index=None, find_links=(str(tmp_path),)), PYTHON, cache=tmp_path)
    assert index.choose("A", "1").filename == f"a-1.0-{best}"
    assert index.choose("a", "3.0") is None
    assert index.choose("b", "1.0") is None


def test_a_local_version_stands_for_the_public_one(tmp_path: Path) -> None:
    (tmp_path / "a-1.0-py3-none-any.whl").touch()
    index = Index(PipSettings(index=None, find_links=(tmp_path.as_uri(),)), PYTHON, cache=tmp_path)
    assert index.choose("a", "1.0+cu126").version == "1.0"


@pytest.mark.parametrize(
    ("filename", "runs"),
    [
        (f"a-1-cp{PYTHON.replace('.', '')}-cp{PYTHON.replace('.', '')}-linux_x86_64.whl", True),
        ("a-1-cp38-abi3-linux_x86_64.whl", True),
        ("a-1-py2.py3-none-any.whl", True),
        ("a-1-cp27-cp27m-linux_x86_64.whl", False),
        ("a-1.tar.gz", True),
    ],
)
def test_whether_a_wheel_is_for_this_python(tmp_path: Path, filename: str, runs: bool) -> None:
    index = Index(PipSettings(index=None), PYTHON, cache=tmp_path)
    assert index.runs_here(Archive(filename, "", "1")) is runs


def test_a_page_of_links(tmp_path: Path) -> None:
    """An index without JSON, or a page for --find-links."""
    wheel = wheels.make_wheel(tmp_path, "listed", "1.0", ["needed"])
    page = tmp_path / "links.html"
    page.write_text(f'<a href="{wheel.name}#sha256=00">x</a> <a href="other-1.0.tar.gz">y</a> <a>z</a>')
    index = Index(PipSettings(index=None, find_links=(page.as_uri(),)), PYTHON, cache=tmp_path)
    assert [a.filename for a in index.archives("listed")] == [wheel.name]
    assert index.dist("listed", "1").requires == ("needed",)
