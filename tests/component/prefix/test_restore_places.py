"""Prefixes and disks that can't take an environment: each has its own error, and nothing is left behind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bootstrap import errors
from tests.support import one_of
from tests.support import tiny_site as tiny
from tests.support.namespace import run_in_namespace
from tests.support.tiny_site import Site, fails, snapshot, then_succeeds

both = pytest.mark.parametrize("site", one_of("new", "update"), indirect=True)


@both
def test_the_disk_is_too_small_by_the_lock(site: Site) -> None:
    lock = site.lock("big.yml")
    sha256 = next(r for r in site.channel.records() if r["name"] == "weights")["sha256"]
    lock.write_text(lock.read_text().replace(sha256, f"{sha256}  # size: {10**14}"))
    found = fails(site, errors.DiskSpaceError, lock)
    assert "needed" in found.evidence[0]
    assert not any("weights" in path for path in site.server.requests), "nothing was fetched in vain"
    then_succeeds(site)


@both
def test_prefix_is_not_an_environment(site: Site) -> None:
    other = site.root / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(errors.NotAnEnvironmentError):
        site.restore(prefix=other)
    assert snapshot(other).keys() == {"thesis.txt"}
    (other / "thesis.txt").unlink()
    assert site.restore(prefix=other).action == "created"


@both
def test_prefix_is_a_file(site: Site) -> None:
    place = site.root / "file"
    place.write_text("content")
    with pytest.raises(errors.NotAnEnvironmentError):
        site.restore(prefix=place)
    assert place.read_text() == "content"


@both
def test_prefix_below_a_file(site: Site) -> None:
    (site.root / "file").write_text("content")
    with pytest.raises(errors.PrefixNotWritableError):
        site.restore(prefix=site.root / "file/env")


@both
def test_unwritable_prefix(site: Site) -> None:
    with pytest.raises(errors.PrefixNotWritableError):
        site.restore(prefix=Path("/proc/env"))
    with pytest.raises(errors.PrefixNotWritableError):
        site.restore(prefix=site.root / "fresh", cache=Path("/proc/cache"))


@both
def test_prefix_too_long(site: Site) -> None:
    deep = site.root / ("x" * 200) / ("y" * 100)
    with pytest.raises(errors.PrefixTooLongError) as caught:
        site.restore(prefix=deep)
    assert str(len(str(deep))) in caught.value.evidence[0]
    assert not deep.parent.exists(), "folders made on the way are gone again"


def test_a_mount_point(tmp_path: Path) -> None:
    """Whether it is the prefix itself, which can't be exchanged, or lies below it, and would be emptied."""
    with tiny.site(tmp_path) as site:
        site.restore(lock := site.lock("small.yml", packages=["python", "numpy"]))
        site.prefix.joinpath("data").mkdir()
        done = run_in_namespace(
            """
            mkdir "$ROOT/volume" "$ROOT/mine"; echo mine > "$ROOT/mine/file"
            mount --bind "$ROOT/volume" "$ROOT/volume"; mount --bind "$ROOT/mine" "$ROOT/env/data"
            restore() { "$PYTHON" -m bootstrap restore --lock "$LOCK" --cache "$ROOT/cache" -q --prefix "$ROOT/$1"; }
            set +e; restore volume; echo "exit $?"; restore env; echo "exit $?"; set -e
            ls "$ROOT/volume"; cat "$ROOT/mine/file"
            restore volume/env
            """,
            ROOT=tmp_path,
            PYTHON=sys.executable,
            LOCK=lock,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[:3] == [f"exit {errors.PrefixPlaceError.exit_code}"] * 2 + ["mine"]
    assert done.stdout.splitlines()[3].startswith("created")


@pytest.mark.exhaustive
def test_a_layer_of_an_image(tmp_path: Path) -> None:
    """An overlay file system may not move folders of its lower layers: told before anything is fetched."""
    with tiny.site(tmp_path) as site:
        small, full = site.lock("small.yml", packages=["python", "numpy"]), site.lock("full.yml")
        (tmp_path / "layer").mkdir()
        site.restore(small, prefix=tmp_path / "layer/env")
        (tmp_path / "layer/empty").mkdir()
        done = run_in_namespace(
            """
            cd "$ROOT"; mkdir disk seen; mount -t tmpfs none disk; mkdir disk/upper disk/work
            layers=redirect_dir=off,lowerdir=layer,upperdir=disk/upper,workdir=disk/work
            mount -t overlay none -o "$layers" seen || exit 77
            restore() { "$PYTHON" -m bootstrap restore --lock "$FULL" --cache cache -q --prefix "seen/$1" --adopt; }
            set +e; restore env; echo "exit $?"; set -e
            ls -A seen cache
            restore empty
            """,
            ROOT=tmp_path,
            PYTHON=sys.executable,
            FULL=full,
        )
    if done.returncode == 77:
        pytest.skip("this machine allows no overlay file system in a namespace")
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.split()
    assert said[:2] == ["exit", str(errors.PrefixPlaceError.exit_code)]
    assert said[2 : said.index("created:")] == ["cache:", "pkgs", "vouchers", "seen:", "empty", "env"]


def test_the_disk_fills_up(tmp_path: Path) -> None:
    """On a real full file system: one that has room for the environment in place, but not for the new package."""
    with tiny.site(tmp_path) as site:
        small, full = site.lock("small.yml", packages=["python", "numpy"]), site.lock("full.yml")
        done = run_in_namespace(
            """
            mkdir "$DISK"; mount -t tmpfs -o size=1m none "$DISK"
            bootstrap() { "$PYTHON" -m bootstrap "$@" --prefix "$DISK/env"; }
            bootstrap restore --lock "$SMALL" --cache "$DISK/cache" -q
            set +e; bootstrap restore --lock "$FULL" --cache "$DISK/cache" -q; echo "exit $?"; set -e
            bootstrap status --lock "$SMALL" | grep agrees
            ls -A "$DISK"
            mount -o remount,size=20m "$DISK"
            bootstrap restore --lock "$FULL" --cache "$DISK/cache" -q
            """,
            DISK=tmp_path / "disk",
            PYTHON=sys.executable,
            SMALL=small,
            FULL=full,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    assert f"exit {errors.DiskSpaceError.exit_code}" in said
    assert "error: The disk filled up" in done.stderr
    listed = said[said.index(next(line for line in said if "agrees" in line)) + 1 :]
    assert listed[:2] == ["cache", "env"], "no stage is left on the full disk"
    assert listed[2].startswith("updated")
