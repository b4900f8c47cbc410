"""Packs of a few kB, also such as `bootstrap pack` never writes."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import TYPE_CHECKING, Any

from bootstrap.lock import read_lock, validate
from bootstrap.packs import layout
from bootstrap.packs.layout import header

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from bootstrap.packs.opening import Pack


def index_text(data: Mapping[str, Any]) -> bytes:
    """An index with its own digest, as a pack has it."""
    plain = {key: value for key, value in data.items() if key != "sha256"}
    digest = hashlib.sha256(json.dumps(plain, indent=1, sort_keys=True).encode()).hexdigest()
    return json.dumps({**plain, "sha256": digest}, indent=1, sort_keys=True).encode() + b"\n"


def write_pack(
    path: Path,
    lock: Path,
    channel: Path,
    *,
    damage: Callable[[dict[str, Any]], object] | None = None,
    manifest: Mapping[str, Any] | None = None,
    platform: str = "linux-64",
) -> Path:
    """Writes a pack member by member.

    Args:
        path: The pack.
        lock: Its lock.
        channel: The folder that has the lock's archives.
        damage: Changes the index's data before its digest is made; what the tar holds stays as it is.
        manifest: In place of one with every package and no file.
        platform: What the index says.
    """
    records = validate(read_lock(lock), "linux-64")
    content = {f"{r.subdir}/{r.filename}": (channel / r.subdir / r.filename).read_bytes() for r in records}
    told = manifest or {"packages": {r.stem: {"record": {}, "files": {}} for r in records}}
    plain = json.dumps(told).encode()
    packed = gzip.compress(plain, mtime=0)
    names = sorted(content, key=lambda name: (-len(content[name]), name))
    data: dict[str, Any] = {
        "pack": 1,
        "platform": platform,
        "lock": {"sha256": hashlib.sha256(lock.read_bytes()).hexdigest(), "size": lock.stat().st_size},
        "archives": [
            {
                "file": name,
                "sha256": hashlib.sha256(content[name]).hexdigest(),
                "size": len(content[name]),
                "unpacked": 1 << 20,
            }
            for name in names
        ],
        "manifest": {"sha256": hashlib.sha256(packed).hexdigest(), "size": len(packed), "unpacked": len(plain)},
    }
    if damage:
        damage(data)
    with path.open("wb") as file:
        for name, text in [
            ("pack.json", index_text(data)),
            ("conda-lock.yml", lock.read_bytes()),
            *((f"channel/{name}", content[name]) for name in names),
            ("manifest.json.gz", packed),
        ]:
            file.write(header(name, len(text)) + text + bytes(-len(text) % 512))
        file.write(bytes(1024))
    return path


def read_all(pack: Pack) -> None:
    """Compares every byte of a pack with what has to be there, without unpacking an archive.

    Raises:
        PackError: Something differs.
    """
    archives = {layout.CHANNEL + archive.file: archive.sha256 for archive in pack.index.archives}
    for member in pack.index.members:
        pack._judge(member)
        if member.name in archives:
            digest = hashlib.sha256(pack._content.read(member.start, member.size)).hexdigest()
            if digest != archives[member.name]:
                raise pack._altered(f"{member.name}: its sha256 is another than in the lock")
    pack.manifest()
    last = pack.index.members[-1]
    expected = bytes(last.after - last.end) + layout.END
    if pack._content.read(last.end, len(expected) + 1) != expected:
        raise pack._altered("what stands behind its last file")
