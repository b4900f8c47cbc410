"""Whatever a lock says, it is read, or refused by name."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootstrap.errors import BootstrapError, LockNotFoundError, LockSyntaxError, LockVersionError
from bootstrap.lock import validate
from bootstrap.lock.reader import parse_lock, read_lock
from tests.support import locks

URL = "https://{}/linux-64/numpy-2.3.4-py313_0.conda"


def encoded(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def use(text: str | bytes) -> None:
    """Reads a lock and judges it, and shows what it says; an error of ours is an answer."""
    try:
        lock = parse_lock(
            text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"), Path("lock.yml")
        )
        validate(lock, "linux-64")
    except BootstrapError as error:
        assert error.evidence
        assert str(error).isprintable()


@pytest.mark.parametrize(
    "host", ["[::1", "[bad]", "a\u2100b", "example.org:99999", "example.org:x", "u:s3cret@[::1", "example.org\\@x"]
)
def test_malformed_addresses_are_told_with_their_line(host: str, tmp_path: Path) -> None:
    path = locks.write(tmp_path / "l.yml", locks.damaged(url=URL.format(host)))
    with pytest.raises(BootstrapError) as caught:
        validate(read_lock(path), "linux-64")
    assert re.search(r"l\.yml:[0-9]+: ", caught.value.evidence[0])
    assert "s3cret" not in caught.value.evidence[0]


@pytest.mark.parametrize("character", ["\n", "\t", "\r", " ", "\x00"])
def test_what_a_parser_of_addresses_drops_is_refused(character: str) -> None:
    lock = locks.damaged(url=URL.format("conda.anaconda.org/conda-forge").replace("linux", f"li{character}nux"))
    with pytest.raises(BootstrapError):
        validate(parse_lock(json.dumps(lock).encode(), Path("lock.yml")), "linux-64")


@pytest.mark.parametrize("make", ["folder", "pipe", "zero"])
def test_what_is_no_regular_file(make: str, tmp_path: Path) -> None:
    path = tmp_path / "lock.yml"
    if make == "folder":
        path.mkdir()
    elif make == "pipe":
        os.mkfifo(path)
    else:
        path = Path("/dev/zero")
    with pytest.raises(LockNotFoundError):
        read_lock(path)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "a: &a [*a]",
        "version: 1\nmetadata: {}\npackage: &a [*a]",
        "&a {version: 1, metadata: *a}",
        "x: !!python/object/apply:os.system [true]",
        f"hash: {{sha256: {'0' * 64} # size: {'9' * 5000}\n}}",
        "\ud800",
        b"\xff\xfe",
        b"",
    ],
)
def test_known_kinds(text: str | bytes) -> None:
    with pytest.raises(LockSyntaxError):
        parse_lock(encoded(text), Path("lock.yml"))


@pytest.mark.parametrize("version", ["1\u00ad", "\x85", "9" * 5000, "1\u202e"])
def test_a_strange_format_version_is_shown_fit_to_print(version: str) -> None:
    with pytest.raises(LockVersionError) as caught:
        parse_lock(json.dumps(locks.sound_lock() | {"version": version}).encode(), Path("lock.yml"))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


@given(st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_mutated(data: st.DataObject) -> None:
    """A sound lock, of which one value anywhere is something else, or some bytes are."""
    lock = locks.sound_lock()
    node: object = lock
    while True:
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))  # type: ignore[arg-type, call-overload]
        child = node[key]  # type: ignore[index]
        if not isinstance(child, (dict, list)) or not child or data.draw(st.booleans()):
            break
        node = child
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    )
    node[key] = data.draw(json_values | st.text().map(lambda t: f"{child}{t}"))  # type: ignore[index]
    text = json.dumps(lock)
    use(text)
    raw = bytearray(text.encode())
    raw[data.draw(st.integers(0, len(raw) - 1)) :] = data.draw(st.binary(max_size=20))
    use(bytes(raw))
