"""Freeze files become environments; the index tells what belongs to a version, over http as from a folder."""

from __future__ import annotations

import functools
import http.server
import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootstrap.diagnosis import archives, ask_requirements
from bootstrap.diagnosis.freeze import read_freeze
from bootstrap.diagnosis.index import Index, canonical, version_in
from bootstrap.diagnosis.settings import PYPI, Settings, combine
from bootstrap.diagnosis.target import examine
from bootstrap.errors import FreezeError, FreezePythonError, IndexUnreachableError
from bootstrap.progress import Silent
from tests.support import wheels
from tests.unit.diagnosis.conftest import INSTALLED, Home

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


class Handler(http.server.SimpleHTTPRequestHandler):
    """A simple index in JSON, with ranges and METADATA beside the files."""

    asked: list[str]

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
            if not wanted:
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
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{found.server_port}/simple", folder, Handler.asked
        found.shutdown()


def test_a_wheel_is_not_fetched_to_be_read(server: tuple[str, Path, list[str]], tmp_path: Path) -> None:
    url, folder, asked = server
    wheels.make_wheel(folder, "large", "1.0", ["needed>=1"], code="# " + "x" * 3_000_000)
    found = Index(Settings(index=url), PYTHON, cache=tmp_path / "cache").dist("Large", "1")
    assert found.requires == ("needed>=1",)
    assert all(" bytes=" in line for line in asked if "/files/" in line)
    count = len(asked)
    again = Index(Settings(index=url), PYTHON, cache=tmp_path / "cache").dist("large", "1.0")
    assert again == found
    assert len(asked) == count, "a version stays what it is"
    assert archives.size_of(found.url) == next(folder.iterdir()).stat().st_size


def test_metadata_beside_the_wheel_comes_first(server: tuple[str, Path, list[str]], tmp_path: Path) -> None:
    url, folder, _ = server
    wheels.make_wheel(folder, "served", "1.0", ["from-inside"])
    assert Index(Settings(index=url), PYTHON, cache=tmp_path).dist("served", "1.0").requires == ("from-beside",)


def test_a_source_archive_tells_of_itself(tmp_path: Path) -> None:
    wheels.make_sdist(tmp_path, "only-source", "2.0", ["a", "b<3"])
    index = Index(Settings(index=None, find_links=(str(tmp_path),)), PYTHON, cache=tmp_path)
    assert index.dist("only-source", "2.0").requires == ("a", "b<3")
    assert index.dist("only-source", "3.0") is None


def test_an_index_out_of_reach_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_TRIES", 1)
    with pytest.raises(IndexUnreachableError):
        Index(Settings(index="http://127.0.0.1:9/simple"), PYTHON, cache=tmp_path).archives("a")


def test_an_index_out_of_reach_is_no_verdict(home: Home) -> None:
    options = ("--index-url", "http://127.0.0.1:9/simple", "--retries", "1")
    with pytest.raises(IndexUnreachableError):
        ask_requirements(["unheard-of"], python=home.python, resolver="pip", options=options, progress=Silent())


def test_versions_and_names() -> None:
    assert canonical("2024.08.0") == canonical("2024.8")
    assert canonical("1.0+CU118") == "1+cu118"
    assert version_in("a_b-1.0-py3-none-any.whl", "a-b") == "1.0"
    assert version_in("a-b-1.0.tar.gz", "a-b") == "1.0"
    assert version_in("a-b-1.0.tar.gz", "a") is None


def test_settings_come_together() -> None:
    found = combine({"index-url": "https://a/simple/", "find-links": "/w"}, ["-i", "https://b/simple", "-f", "/x"])
    assert (found.index, found.find_links) == ("https://b/simple", ("/w", "/x"))
    assert combine({}, ["--no-index"]).indexes == ()
    assert combine({}, []).index == PYPI


def test_a_freeze_file_stands_for_an_environment(home: Home, tmp_path: Path) -> None:
    freeze = tmp_path / "freeze.txt"
    text = home.pip("freeze").stdout
    freeze.write_text(f"# generated\n{text}private==1.0\ngoogle-colab @ file:///colabtools/dist/g.tar.gz\n")
    found = home.ask(["alone", "breaks-another"], against=freeze)
    direct = home.ask(["alone", "breaks-another"])
    assert found.environment.numpy == INSTALLED
    assert set(found.environment.unknown) == {"private", "google-colab"}
    for one, other in zip((*found.alone, found.together), (*direct.alone, direct.together), strict=True):
        assert (one.changes, one.breakages, one.chain) == (other.changes, other.breakages, other.chain)


def test_files_that_are_no_freeze(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    for text in ("numpy>=2\nscipy\npandas\n", "", "<html>\n"):
        path.write_text(text)
        with pytest.raises(FreezeError):
            home.ask(["plain"], against=path)


def test_a_freeze_file_of_another_python(home: Home, tmp_path: Path) -> None:
    wheels.make_wheel(tmp_path, "numpy", "1.0").rename(tmp_path / "numpy-1.0-cp27-cp27m-manylinux1_x86_64.whl")
    (tmp_path / "f.txt").write_text("numpy==1.0\n")
    index = Index(Settings(index=None, find_links=(str(tmp_path),)), PYTHON, cache=tmp_path)
    with pytest.raises(FreezePythonError):
        read_freeze(tmp_path / "f.txt", examine(home.python), index, Silent())
