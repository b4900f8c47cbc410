"""The engine's messages, as it words them, and what they are taken for."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap.prefix import _child_engine

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = [{"name": "numpy", "version": "2.3.4", "build": "py313_0", "fn": "numpy-2.3.4-py313_0.conda"}]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (
            "failed to fetch\nHTTP status client error (404 File not found) for url (http://x/numpy.conda)",
            "not-found",
        ),
        ("HTTP status client error (410 Gone) for url (http://x)", "not-found"),
        ("HTTP status server error (503 Service Unavailable) for url (http://x)", "server"),
        ("HTTP status client error (403 Forbidden) for url (http://x)", "server"),
        ("error sending request for url\ntcp connect error\nConnection refused (os error 111)", "connection"),
        ("error decoding response body\nend of file before message length reached", "connection"),
        ("hash mismatch for https://x: expected ab got cd", "hash"),
        ("an io error occurred: Invalid checksum", "corrupt"),
        ("no data was read from the package stream - the stream may have been truncated", "corrupt"),
        ("failed to read 'paths.json'\nmissing field `paths_version` at line 1", "package"),
        ("an io error occurred: failed to unpack `h`: trying to unpack outside of destination path: /x", "corrupt"),
        ("failed to create file\nNo space left on device (os error 28)", "disk-full"),
        ("failed to create directory\nRead-only file system (os error 30)", "read-only"),
        ("target prefix cannot be longer than the placeholder prefix", "prefix-too-long"),
        ("something else", "other"),
        ("error sending request for url (http://127.0.0.1:42945/linux-64/x-1-h404_0.conda)", "connection"),
        ("failed to link zstd-1.5.7-hb78ec9c_404\nsomething else", "other"),
    ],
)
def test_messages_are_classified(message: str, kind: str) -> None:
    assert _child_engine.classify(message) == kind


def test_the_package_is_found_in_the_message() -> None:
    assert _child_engine.package_of("failed to fetch numpy-2.3.4-py313_0.conda", RECORDS) == "numpy"
    assert _child_engine.package_of("failed to link numpy-2.3.4-py313_0", RECORDS) == "numpy"
    assert _child_engine.package_of("out of luck", RECORDS) == ""


@pytest.mark.parametrize(
    ("build", "number"),
    [("py313h6bc0ddf_1", 1), ("h0_0_cp313", 0), ("cuda129_mkl_py313_h1_304", 304), ("2_kmp_llvm", 2), ("custom", 0)],
)
def test_a_build_string_that_the_engine_would_refuse_is_kept(build: str, number: int) -> None:
    data = {
        "name": "numpy",
        "version": "2.3.4",
        "build": build,
        "subdir": "linux-64",
        "depends": ["python >=3.13"],
        "sha256": "ab" * 32,
        "md5": None,
        "size": None,
        "fn": f"numpy-2.3.4-{build}.conda",
        "url": f"https://x/c/linux-64/numpy-2.3.4-{build}.conda",
        "channel": "https://x/c",
    }
    record = _child_engine.to_record(data)
    assert str(record.build) == build
    assert record.url == data["url"]
    assert record.sha256 == bytes.fromhex("ab" * 32)
    assert record.build_number == number


def test_loopback_never_goes_through_a_proxy() -> None:
    variables = {"no_proxy": "corp.example", "http_proxy": "http://proxy:1"}
    _child_engine.set_proxies([{"url": "http://127.0.0.1:8000/linux-64/a-1-0.conda"}], variables)
    assert variables["NO_PROXY"] == variables["no_proxy"] == "corp.example,127.0.0.1,localhost,::1"


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        ({}, {}),
        ({"HTTPS_PROXY": "p", "NO_PROXY": "corp.example"}, {"HTTPS_PROXY": "p", "NO_PROXY": "corp.example"}),
        ({"https_proxy": "p", "no_proxy": "*"}, {}),
        ({"no_proxy": "corp.example"}, {}),
    ],
)
def test_plain_http_elsewhere_leads_nowhere(before: dict[str, str], kept: dict[str, str]) -> None:
    """Only a redirect could lead there; proxies of https stay as they are."""
    variables = dict(before)
    _child_engine.set_proxies([{"url": "https://example.org/linux-64/a-1-0.conda"}], variables)
    nowhere = {variables.pop("http_proxy"), variables.pop("HTTP_PROXY")}
    assert nowhere == {"http://127.0.0.1:0"}
    assert variables == kept


def test_a_package_counts_as_linked_once_its_files_are_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "pkgs/numpy-2.3.4-py313_0/info"
    info.mkdir(parents=True)
    (info / "index.json").write_text(json.dumps(RECORDS[0]))
    (info / "paths.json").write_text(
        json.dumps({"paths": [{"_path": "x", "path_type": "hardlink", "sha256": "0" * 64}]})
    )
    (info.parent / "x").write_bytes(b"x")
    (tmp_path / "stage").mkdir()
    may_end, told = threading.Event(), []
    monkeypatch.setattr(_child_engine, "compare_hashes", lambda *_: may_end.wait(30))
    monkeypatch.setattr(_child_engine, "emit", lambda **event: told.append(event))
    job: dict[str, Any] = {"records": RECORDS, "cache": str(tmp_path / "pkgs"), "stage": str(tmp_path / "stage")}
    gate = _child_engine._Gate({**job, "closely": ["numpy"], "kept": {}})
    gate.admit("numpy")
    gate.linked("numpy")
    assert told == []
    may_end.set()
    gate.finish()
    assert told == [{"event": "linked", "name": "numpy"}]
