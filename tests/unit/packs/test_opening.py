"""Small packs, altered, cut off, or made by somebody who means harm: nothing of them is believed."""

from __future__ import annotations

import hashlib
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap import errors
from bootstrap.address import path_without_pin
from bootstrap.lock import read_lock, validate
from bootstrap.packs.manifest import differences
from bootstrap.packs.opening import open_pack
from bootstrap.prefix.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.packs.conftest import Site


def test_a_pack_is_read_and_its_lock_kept(site: Site) -> None:
    site.write()
    site.verify()
    with open_pack(str(site.pack), site.root / "cache") as pack:
        assert pack.lock.path.read_bytes() == site.lock.read_bytes()
        assert pack.lock.path.parent == site.root / "cache/locks"
        told = pack.told()
    assert (told["packages"], told["size"], told["platform"]) == (2, site.pack.stat().st_size, "linux-64")


def test_every_byte_counts(site: Site) -> None:
    """No byte of a pack can be another without that it is refused: of each part its edges, and some by chance."""
    whole = site.write().read_bytes()
    with open_pack(str(site.pack), site.root / "cache") as pack:
        members = pack.index.members
    positions = {len(whole) - 1, len(whole) - 1024, *random.Random(0).sample(range(len(whole)), 40)}
    for member in members:
        start = member.start - len(member.header)
        positions |= {start, start + 124, start + 148, member.start - 1}  # name, size, checksum, filling
        positions |= {member.start, member.end - 1, member.end, member.after - 1}
    unnoticed = []
    for position in sorted(positions):
        altered = bytearray(whole)
        altered[position] ^= 0x41
        site.pack.write_bytes(altered)
        try:
            site.verify()
        except (errors.PackError, errors.LockError):
            continue
        unnoticed.append(position)
    assert unnoticed == []


def test_a_pack_that_is_not_whole_is_refused(site: Site) -> None:
    whole = site.write().read_bytes()
    for content in (whole[:-1], whole[: len(whole) // 2], whole[:700], whole + b"\0", whole + bytes(512)):
        site.pack.write_bytes(content)
        with pytest.raises(errors.PackTruncatedError) as caught:
            site.verify()
        assert str(len(content)) in caught.value.evidence[0]


def _larger(data: dict[str, Any]) -> None:
    data["archives"][0]["size"] += 1


def _smaller(data: dict[str, Any]) -> None:
    data["archives"][0]["size"] -= 600


def _swap(data: dict[str, Any]) -> None:
    one, other = data["archives"]
    one["sha256"], other["sha256"] = other["sha256"], one["sha256"]


def _less(data: dict[str, Any]) -> None:
    del data["archives"][0]


def _other(data: dict[str, Any]) -> None:
    data["archives"][0]["file"] = "linux-64/evil-1.0-0.conda"


def _bomb(data: dict[str, Any]) -> None:
    data["manifest"]["unpacked"] -= 5


@pytest.mark.parametrize("damage", [_larger, _smaller, _swap, _less, _other, _bomb])
def test_an_index_that_lies_is_found_out(damage: Callable[[dict[str, Any]], None], site: Site) -> None:
    site.write(damage=damage)
    with pytest.raises((errors.PackAlteredError, errors.PackTruncatedError)):
        site.verify()


def test_a_manifest_with_a_path_that_leads_out_is_refused(site: Site) -> None:
    stems = [record.stem for record in validate(read_lock(site.lock), "linux-64")]
    entry = {"type": "hardlink", "mode": 0o644, "size": 1}
    for path, told in (("../x", entry), ("share/x", {**entry, "size": -1}), ("share/x", {**entry, "type": "device"})):
        packages = {stem: {"record": {}, "files": {path: told}} for stem in stems}
        site.write(manifest={"packages": packages})
        with pytest.raises(errors.PackAlteredError):
            site.verify()
    site.write(manifest={"packages": {}})
    with pytest.raises(errors.PackAlteredError, match="altered"):
        site.verify()


def test_a_pin_is_compared(site: Site) -> None:
    digest = hashlib.sha256(site.write().read_bytes()).hexdigest()
    with open_pack(f"{site.pack}#sha256={digest.upper()}", site.root / "cache") as pack:
        assert pack.told()["packages"] == 2
    other = open_pack(f"{site.pack}#sha256={'0' * 64}", site.root / "cache")
    with other as pack, pytest.raises(errors.PackDigestError):
        pack.told()


def test_a_path_may_have_a_hash_sign_of_its_own() -> None:
    assert path_without_pin("a#b.pack") == ("a#b.pack", "")
    assert path_without_pin(f"a#b.pack#sha256={'A' * 64}") == ("a#b.pack", "a" * 64)


def test_what_is_no_pack_is_named(site: Site, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("nothing.pack", "folder"):
        with pytest.raises(errors.PackNotFoundError), open_pack(str(tmp_path / name), tmp_path / "cache"):
            pass
    with pytest.raises(errors.PackFormatError), open_pack(str(site.lock), tmp_path / "cache"):
        pass
    with pytest.raises(errors.PackAddressError), open_pack("http://example.org/x.pack", tmp_path / "cache"):
        pass
    with pytest.raises(errors.PackAddressError), open_pack("https://x.org/x.pack#main", tmp_path / "cache"):
        pass
    with pytest.raises(errors.PackNotFetchedError), open_pack("https://x.org/x.pack", tmp_path, offline=True):
        pass


def test_another_lock_is_refused(site: Site, tmp_path: Path) -> None:
    site.write()
    other = tmp_path / "other.yml"
    other.write_text(site.lock.read_text(encoding="utf-8") + "# one more line\n", encoding="utf-8")
    with open_pack(str(site.pack), tmp_path / "cache") as pack:
        pack.require_lock(site.lock)
        with pytest.raises(errors.PackLockError) as caught:
            pack.require_lock(other)
    assert len(caught.value.evidence) == 2


def test_files_that_differ_from_the_manifest_are_named() -> None:
    """By what the restore has seen of them: kind, size, whether it can be run, and where a link leads."""
    entry = {"type": "hardlink", "mode": 0o644, "size": 3}
    files: dict[str, dict[str, Any]] = {
        "same": entry,
        "size": entry,
        "mode": {**entry, "mode": 0o755},
        "rewritten": {**entry, "rewritten": True},
        "link": {"type": "softlink", "mode": 0o755, "size": 0, "target": "same"},
        "goal": {"type": "softlink", "mode": 0o755, "size": 0, "target": "same"},
        "gone": entry,
    }
    here = f"3 1 {0o100644} 7"
    state = Manifest(
        lock={},
        records={},
        files={
            "a-1-0": {
                "conda-meta/a-1-0.json": here,
                "same": here,
                "size": f"4 1 {0o100644} 7",
                "mode": here,
                "rewritten": f"9 1 {0o100644} 7",
                "link": "-> same",
                "goal": "-> /etc/passwd",
                "more": here,
            }
        },
    )
    found = differences({"a-1-0": {"record": {}, "files": files}}, state)
    assert sorted(line.split(" ")[0] for line in found) == ["goal", "gone", "mode", "more", "size"]
    assert json.dumps(found)
