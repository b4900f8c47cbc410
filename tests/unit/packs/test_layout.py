"""Where what lies in a pack, and indexes that no pack may have."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootstrap import errors
from bootstrap.packs.layout import BLOCK, PackedArchive, PackIndex, header, index_size, ordered, read_index
from tests.support.packs import index_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.packs.conftest import Site

LONG = f"noarch/{'long-' * 40}1.0-0.conda"
INDEX = PackIndex(
    platform="linux-64",
    lock_sha256="a" * 64,
    lock_size=700,
    archives=ordered(
        [PackedArchive("noarch/small-1-0.tar.bz2", "b" * 64, 3, 9), PackedArchive(LONG, "c" * 64, 5000, 90)]
    ),
    manifest_sha256="d" * 64,
    manifest_size=20,
    manifest_unpacked=90,
)


def test_an_index_is_read_as_it_was_written() -> None:
    assert read_index(INDEX.text(), "linux-64") == INDEX
    assert INDEX.text() == index_text(json.loads(INDEX.text()))
    assert INDEX.unpacked == 99
    assert [archive.size for archive in INDEX.archives] == [5000, 3]


def test_every_member_lies_where_tar_finds_it(tmp_path: Path) -> None:
    """Long names need more than one block before their content."""
    content = bytearray(INDEX.size)
    for member in INDEX.members:
        content[member.start - len(member.header) : member.start] = member.header
    (tmp_path / "pack").write_bytes(content)
    with tarfile.open(tmp_path / "pack") as tar:
        found = [(info.name, info.offset_data, info.size) for info in tar.getmembers()]
    assert found == [(member.name, member.start, member.size) for member in INDEX.members]
    assert index_size(bytes(content[:BLOCK])) == len(INDEX.text())


@pytest.mark.parametrize(
    "start", [b"", b"PK\x03\x04", b"<!DOCTYPE html>" + bytes(600), bytes(512), b"\x1f\x8b" + bytes(600)]
)
def test_other_files_are_no_packs(start: bytes) -> None:
    with pytest.raises(errors.PackFormatError) as caught:
        index_size(start)
    assert ("web page" in caught.value.evidence[0]) == start.startswith(b"<")


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    *way, last = path.split(".")

    def damage(data: dict[str, Any]) -> None:
        here: Any = data
        for part in way:
            here = here[int(part)] if part.isdecimal() else here[part]
        here[last] = value

    return damage


def _twice(data: dict[str, Any]) -> None:
    data["archives"].append(data["archives"][0])


HOSTILE: list[tuple[type[errors.PackError], Callable[[dict[str, Any]], None]]] = [
    *(
        (errors.PackUnsafeError, _set("archives.0.file", name))
        for name in (
            "../../etc/passwd-1-0.conda",
            "linux-64/../../x-1-0.conda",
            "/etc/x-1-0.conda",
            "linux-64/a/b-1-0.conda",
            "x-1-0.conda",
            "linux-64/x-1-0.zip",
            "linux-64/x\n-1-0.conda",
            "linux-64/x\\..\\y-1-0.conda",
            "linux-64/\ud800-1-0.conda",
            f"linux-64/{'x' * 300}-1-0.conda",
            f"{'x' * 300}/x-1-0.conda",
            "",
        )
    ),
    (errors.PackUnsafeError, _twice),
    *((errors.PackUnsafeError, _set(f"archives.0.{key}", n)) for key in ("size", "unpacked") for n in (-1, 1 << 60)),
    (errors.PackUnsafeError, _set("lock.size", 1 << 40)),
    (errors.PackUnsafeError, _set("manifest.size", 1 << 40)),
    (errors.PackUnsafeError, _set("manifest.unpacked", 1 << 40)),
    *((errors.PackAlteredError, _set("archives.0.size", value)) for value in (None, "3", 3.0, True, [])),
    *((errors.PackAlteredError, _set("lock.sha256", value)) for value in ("", "A" * 64, None, 3)),
    *((errors.PackAlteredError, _set("archives", value)) for value in (None, 3, {"a": 1}, [[]])),
    (errors.PackAlteredError, _set("more", 1)),
    (errors.PackAlteredError, _set("lock", [])),
    (errors.PackPlatformError, _set("platform", "osx-arm64")),
    (errors.PackFormatError, _set("pack", 2)),
    (errors.PackFormatError, _set("pack", True)),
]


@pytest.mark.parametrize(("error", "damage"), HOSTILE)
def test_indexes_that_are_refused(
    error: type[errors.PackError], damage: Callable[[dict[str, Any]], None], site: Site
) -> None:
    """By name, whoever made them: their digest is right."""
    site.write(damage=damage)
    with pytest.raises(errors.PackError) as caught:
        site.verify()
    assert type(caught.value) is error, caught.value.evidence
    assert caught.value.evidence
    assert not (site.root / "cache").exists()


def test_an_index_of_another_digest_is_refused() -> None:
    text = INDEX.text().replace(b'"size": 5000', b'"size": 5001')
    with pytest.raises(errors.PackAlteredError):
        read_index(text, "linux-64")


def test_an_index_of_gigabytes_is_not_read() -> None:
    with pytest.raises(errors.PackUnsafeError):
        index_size(header("pack.json", 5 << 30))


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1).map("x".__add__),
    st.integers(0, 1 << 40),
)
@settings(max_examples=50, deadline=None)
def test_a_header_says_what_it_was_made_for(name: str, size: int) -> None:
    with tarfile.open(fileobj=io.BytesIO(header(name, size) + bytes(1024))) as tar:
        info = tar.next()
    assert info is not None
    assert (info.name, info.size, info.mode, info.mtime) == (name, size, 0o644, 0)
    assert info.offset_data == len(header(name, size))


def test_headers_never_change() -> None:
    """Those of packs that were made before would be taken for altered."""
    known = header("conda-lock.yml", 700) + header(f"channel/{LONG}", 9) + header("x", 1 << 36)
    assert len(known) == 7 * BLOCK
    assert hashlib.sha256(known).hexdigest() == "fb4da176dfabba11db79631be4b2dd13c472721e630d8e3bf4d95e08275500a8"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
@settings(max_examples=25, deadline=None)
def test_whatever_an_index_is_it_is_refused_by_name(data: Any) -> None:
    for text in (json.dumps(data).encode(), index_text({"pack": 1, "archives": data, "lock": data})):
        with pytest.raises(errors.PackError):
            read_index(text, "linux-64")
