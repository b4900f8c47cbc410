"""A pack of a small environment: made, brought back elsewhere, and refused where it isn't what was made."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap import api, errors
from bootstrap.cli import main
from bootstrap.packs import opening
from tests.support.channel.server import Fault
from tests.support.packs import write_pack
from tests.support.tiny_site import Site, leftovers, site, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A restored environment and its pack, on the channel's server as well; tests change neither."""
    with site(tmp_path_factory.mktemp("packs")) as found:
        found.restore()
        api.pack(found.channel.path / "class.pack", found.prefix)
        yield found


@pytest.fixture
def packed(shared: Site) -> Iterator[Site]:
    """The same, with nothing asked for yet."""
    shared.server.requests.clear()
    shared.server.log.clear()
    yield shared
    shared.server.faults.clear()


def pack_of(site: Site) -> Path:
    return site.channel.path / "class.pack"


def restored(pack: str | Path, root: Path, **options: Any) -> Any:
    return api.restore(None, root / "env", pack=pack, cache=root / "cache", **options)


def refused(
    error: type[errors.BootstrapError], pack: str | Path, root: Path, **options: Any
) -> errors.BootstrapError:
    """Asserts that a pack is refused by this name, and that nothing has changed."""
    before = snapshot(root / "env")
    with pytest.raises(errors.BootstrapError) as caught:
        restored(pack, root, **options)
    assert type(caught.value) is error, (caught.value, caught.value.evidence)
    assert caught.value.evidence
    assert snapshot(root / "env") == before
    assert leftovers(root / "env") == []
    return caught.value


def test_another_prefix_is_the_same_environment(packed: Site, tmp_path: Path) -> None:
    """With nothing asked of the channel, and the path of its own in scripts and libraries."""
    result = restored(pack_of(packed), tmp_path, offline=True)
    assert (result.action, result.packages, result.fetched) == ("created", 5, 5)
    assert packed.server.requests == {}
    prefix = tmp_path / "env"
    assert (prefix / "bin/f2py").read_text().startswith(f"#!{prefix}/bin/python\n")
    assert f"ELF {prefix}/share/foo\0".encode() in (prefix / "lib/libfoo.so").read_bytes()
    status = api.status(None, prefix, pack=pack_of(packed), cache=tmp_path / "cache")
    assert status.agrees
    assert status.pack is not None
    assert status.pack["packages"] == 5
    assert "class.pack: 5 packages for linux-64" in str(status)
    meta = json.loads((prefix / "conda-meta/tool-1.0-py_0.json").read_text())
    assert meta["url"] == f"{packed.server.url}/noarch/tool-1.0-py_0.conda"
    assert restored(pack_of(packed), tmp_path).action == "unchanged"


def test_packs_of_one_lock_are_the_same(packed: Site, tmp_path: Path) -> None:
    """Wherever they are made: who has one can tell by its digest that another is no other."""
    restored(pack_of(packed), tmp_path)
    packed.server.requests.clear()
    again = api.pack(tmp_path / "again.pack", tmp_path / "env")
    assert again.sha256 == hashlib.sha256(pack_of(packed).read_bytes()).hexdigest()
    assert again.sha256 in str(again)
    with pytest.raises(errors.PackNotWritableError):
        api.pack(tmp_path / "again.pack", tmp_path / "env")
    (tmp_path / "env/lib/python3.13/os.py").write_text("changed")
    with pytest.raises(errors.PackUnverifiedError) as caught:
        api.pack(tmp_path / "again.pack", tmp_path / "env", force=True)
    assert any("os.py" in line for line in caught.value.evidence)
    assert sorted(path.name for path in tmp_path.glob("*again*")) == ["again.pack"]


def test_an_archive_that_the_channel_has_replaced_is_not_packed(packed: Site, tmp_path: Path) -> None:
    packed.server.set_fault(packed.archive("numpy"), Fault.flip())
    with pytest.raises(errors.HashMismatchError):
        api.pack(tmp_path / "x.pack", packed.prefix)
    packed.server.set_fault(packed.archive("numpy"), Fault.substitute(packed.archive("weights")))
    with pytest.raises(errors.HashMismatchError):
        api.pack(tmp_path / "x.pack", packed.prefix)
    packed.server.set_fault(packed.archive("numpy"), Fault.status(404))
    with pytest.raises(errors.ConnectionFailedError):
        api.pack(tmp_path / "x.pack", packed.prefix)
    assert list(tmp_path.iterdir()) == []


def test_a_connection_that_breaks_is_taken_up(packed: Site, tmp_path: Path) -> None:
    digest = hashlib.sha256(pack_of(packed).read_bytes()).hexdigest()
    packed.server.set_fault("class.pack", Fault.truncate(times=1))
    assert restored(f"{packed.server.url}/class.pack#sha256={digest}", tmp_path).packages == 5
    asked = [(path, status) for _, path, status, _ in packed.server.log]
    assert asked == [("/class.pack", 200), ("/class.pack", 206)]


def test_an_update_takes_what_differs(packed: Site, tmp_path: Path) -> None:
    lock = packed.lock("less.yml", packages=["python", "numpy"])
    less = write_pack(tmp_path / "less.pack", lock, packed.channel.path)
    refused(errors.PackAlteredError, less, tmp_path)  # its manifest has no files
    restored(pack_of(packed), tmp_path)
    api.restore(lock, tmp_path / "env", cache=tmp_path / "cache")
    result = restored(pack_of(packed), tmp_path)
    assert (result.action, result.fetched, len(result.installed)) == ("updated", 0, 3)


def flipped(source: Path, target: Path, name: str) -> Path:
    """A pack with one byte of an archive changed."""
    content = bytearray(source.read_bytes())
    with opening.open_pack(str(source), target.parent / "other-cache") as pack:
        member = next(m for m in pack.index.members if name in m.name)
    content[member.start + member.size // 2] ^= 1
    target.write_bytes(content)
    return target


@pytest.mark.parametrize("before", ["nothing", "an environment"])
def test_altered_packs_are_refused(packed: Site, tmp_path: Path, before: str) -> None:
    """By name, with nothing changed, in a new environment and in one that is there."""
    if before == "an environment":
        api.restore(packed.lock("less.yml", packages=["python", "numpy"]), tmp_path / "env", cache=tmp_path / "cache")
    whole, made = pack_of(packed).read_bytes(), tmp_path / "made.pack"
    error = refused(errors.PackAlteredError, flipped(pack_of(packed), made, "weights"), tmp_path)
    assert any(f"{packed.server.url}/{packed.archive('weights')}" in line for line in error.evidence)
    made.write_bytes(whole[:-5000])
    refused(errors.PackTruncatedError, made, tmp_path)
    refused(errors.PackDigestError, f"{pack_of(packed)}#sha256={'0' * 64}", tmp_path)
    with pytest.raises(errors.PackLockError):
        api.restore(
            packed.lock("less.yml", packages=["python", "numpy"]),
            tmp_path / "env",
            pack=pack_of(packed),
            cache=tmp_path / "cache",
        )
    shutil.rmtree(tmp_path / "cache")  # what is unpacked already isn't read from a pack
    packed.server.set_fault("class.pack", Fault.flip(fraction=0.5))
    refused(errors.PackAlteredError, f"{packed.server.url}/class.pack", tmp_path)
    packed.server.set_fault("class.pack", Fault.shorten(fraction=0.9))
    refused(errors.PackTruncatedError, f"{packed.server.url}/class.pack", tmp_path)


def test_packages_that_write_more_than_the_pack_says_end_it(
    packed: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_MUCH", 0)

    def little(data: dict[str, Any]) -> None:
        for archive in data["archives"]:
            archive["unpacked"] = 1000

    lock = packed.lock()
    bomb = write_pack(tmp_path / "bomb.pack", lock, packed.channel.path, damage=little)
    refused(errors.PackOversizeError, bomb, tmp_path)


def test_a_link_in_the_way_is_not_followed(packed: Site, tmp_path: Path) -> None:
    api.restore(packed.lock("less.yml", packages=["python", "numpy"]), tmp_path / "env", cache=tmp_path / "cache")
    (tmp_path / "outside").mkdir()
    (tmp_path / "env/share").symlink_to(tmp_path / "outside")
    refused(errors.InTheWayError, pack_of(packed), tmp_path)
    assert list((tmp_path / "outside").iterdir()) == []


def test_the_commands(packed: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["--json", "--quiet"]
    assert main(["pack", "-o", str(tmp_path / "a.pack"), "-p", str(packed.prefix), *common]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sha256"] == hashlib.sha256((tmp_path / "a.pack").read_bytes()).hexdigest()
    pack, prefix = f"{tmp_path}/a.pack#sha256={told['sha256']}", str(tmp_path / "env")
    where = ["--pack", pack, "-p", prefix, "--cache", str(tmp_path / "cache"), *common]
    assert main(["restore", "--dry-run", *where]) == 0
    dry = json.loads(capsys.readouterr().out)
    assert (dry["environment"], dry["pack"]["packages"], dry["pack"]["size"]) == (False, 5, told["size"])
    assert main(["restore", *where]) == 0
    assert json.loads(capsys.readouterr().out)["packages"] == 5
    shutil.rmtree(prefix)
    assert main(["restore", *where[:1], f"{tmp_path}/none.pack", *where[2:]]) == errors.PackNotFoundError.exit_code
