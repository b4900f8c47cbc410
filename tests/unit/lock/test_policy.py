"""Judging: every rule has its own error and exit code, and shows the record at fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bootstrap import errors
from bootstrap.lock import read_lock, validate
from tests.support import locks

NUMPY = f"{locks.CHANNEL}/linux-64/numpy-2.3.4-py313_0.conda"


def judged(tmp_path: Path, lock: dict[str, Any]) -> tuple[Any, ...]:
    return validate(read_lock(locks.write(tmp_path / "l.yml", lock)), "linux-64")


def test_a_sound_lock_gives_its_records(tmp_path: Path) -> None:
    assert [r.name for r in judged(tmp_path, locks.sound_lock())] == ["python", "numpy", "tqdm"]


FAULTS: list[tuple[str, dict[str, Any], type[errors.LockError]]] = [
    ("pip entry", {"manager": "pip"}, errors.PipEntryError),
    ("no sha256", {"hash": {"md5": "0" * 32}}, errors.MissingHashError),
    ("short sha256", {"hash": {"md5": "0" * 32, "sha256": "abc"}}, errors.MissingHashError),
    ("sha256 of other letters", {"hash": {"md5": "0" * 32, "sha256": "g" * 64}}, errors.MissingHashError),
    ("http", {"url": NUMPY.replace("https", "http")}, errors.UrlSchemeError),
    ("ftp", {"url": NUMPY.replace("https", "ftp")}, errors.UrlSchemeError),
    ("no scheme", {"url": "/srv/numpy-2.3.4-py313_0.conda"}, errors.UrlSchemeError),
    ("file on another host", {"url": "file://host/c/linux-64/numpy-2.3.4-py313_0.conda"}, errors.UrlSchemeError),
    ("user info", {"url": NUMPY.replace("https://", "https://me:secret@")}, errors.UrlCredentialsError),
    ("token", {"url": NUMPY.replace(".org/", ".org/t/tk-123/")}, errors.UrlCredentialsError),
    ("another channel", {"url": NUMPY.replace("conda-forge", "evil")}, errors.ForeignChannelError),
    ("another host", {"url": NUMPY.replace("anaconda.org", "anaconda.org.evil.net")}, errors.ForeignChannelError),
    ("a label within", {"url": NUMPY.replace("linux-64", "label/x/linux-64")}, errors.ForeignChannelError),
    ("climbs out", {"url": NUMPY.replace("linux-64", "../evil/linux-64")}, errors.UnsafePathError),
    ("climbs out, encoded", {"url": NUMPY.replace("linux-64", "%2e%2e/linux-64")}, errors.UnsafePathError),
    ("slash, encoded", {"url": NUMPY.replace("linux-64/", "linux-64/x%2f")}, errors.UnsafePathError),
    ("encoded twice", {"url": NUMPY.replace("linux-64", "%252e%252e/linux-64")}, errors.UnsafePathError),
    ("backslash", {"url": NUMPY.replace("linux-64/", "linux-64/..\\")}, errors.UnsafePathError),
    ("control character", {"url": NUMPY.replace("numpy-", "numpy%0a-")}, errors.UnsafePathError),
    ("query", {"url": NUMPY + "?x=1"}, errors.UnsafePathError),
    ("fragment", {"url": NUMPY + "#x"}, errors.UnsafePathError),
    ("no archive", {"url": NUMPY.replace(".conda", ".exe")}, errors.UnsafePathError),
    ("a name that is a path", {"name": "../numpy"}, errors.UnsafePathError),
    ("another platform's folder", {"url": NUMPY.replace("linux-64", "osx-arm64")}, errors.WrongSubdirError),
    ("another package's file", {"url": NUMPY.replace("numpy-", "scipy-")}, errors.RecordMismatchError),
    ("another version's file", {"url": NUMPY.replace("2.3.4", "1.26.4")}, errors.RecordMismatchError),
    ("another build's file", {"build": "py312_0"}, errors.RecordMismatchError),
    ("dangling dependency", {"dependencies": {"libblas": ">=3.9"}}, errors.DanglingDependencyError),
    ("dependency only in a category", {"dependencies": {"pytest": ""}}, errors.DanglingDependencyError),
]


@pytest.mark.parametrize(("change", "error"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_each_fault_is_named(tmp_path: Path, change: dict[str, Any], error: type[errors.LockError]) -> None:
    with pytest.raises(errors.LockError) as caught:
        judged(tmp_path, locks.damaged(**change))
    assert type(caught.value) is error
    evidence = "\n".join(caught.value.evidence)
    line = next(
        r for r in read_lock(tmp_path / "l.yml").records if "numpy" in r.name and r.platform == "linux-64"
    ).line
    assert f"l.yml:{line}: " in evidence
    assert caught.value.hint
    assert "secret" not in evidence
    assert "tk-123" not in evidence


def test_platform_not_locked(tmp_path: Path) -> None:
    lock = read_lock(locks.write(tmp_path / "l.yml", locks.sound_lock()))
    with pytest.raises(errors.PlatformNotLockedError) as caught:
        validate(lock, "linux-aarch64")
    assert "linux-64, osx-arm64" in caught.value.evidence[0]


def test_faults_of_other_platforms_do_not_matter(tmp_path: Path) -> None:
    lock = locks.sound_lock()
    lock["package"][-1]["hash"] = {"md5": "0" * 32}
    assert judged(tmp_path, lock)


def test_required_package_absent(tmp_path: Path) -> None:
    lock = locks.sound_lock()
    lock["package"] = [p for p in lock["package"] if p["name"] != "numpy"]
    with pytest.raises(errors.RequiredPackageError, match=r"hold numpy\."):
        judged(tmp_path, lock)
    lock["package"] = []
    with pytest.raises(errors.RequiredPackageError, match=r"hold python, numpy\."):
        judged(tmp_path, lock)


def test_many_faults_are_counted_and_some_shown(tmp_path: Path) -> None:
    lock = locks.sound_lock()
    for i in range(20):
        lock["package"].append(locks.package(f"p{i}", hash={"md5": "0" * 32}))
    with pytest.raises(errors.MissingHashError, match="20 records") as caught:
        judged(tmp_path, lock)
    assert caught.value.evidence[-1] == "and 15 more"


@pytest.mark.parametrize("channel", ["file:///srv/channel", "http://127.0.0.1:8080/c", "https://mirror.example/c/"])
def test_local_and_mirrored_channels(tmp_path: Path, channel: str) -> None:
    lock = locks.sound_lock()
    lock["metadata"]["channels"] = [{"url": channel, "used_env_vars": []}]
    for entry in lock["package"]:
        entry["url"] = entry["url"].replace(locks.CHANNEL, channel.rstrip("/"))
    assert len(judged(tmp_path, lock)) == 3


@pytest.mark.parametrize(
    ("channel", "place"),
    [
        ("defaults", "https://repo.anaconda.com/pkgs/main"),
        ("defaults", "https://repo.anaconda.com/pkgs/r"),
        ("pkgs/main", "https://repo.anaconda.com/pkgs/main"),
        ("bioconda/label/x", "https://conda.anaconda.org/bioconda/label/x"),
    ],
)
def test_names_that_conda_knows_are_its_channels(tmp_path: Path, channel: str, place: str) -> None:
    lock = locks.sound_lock()
    lock["metadata"]["channels"] = [{"url": channel, "used_env_vars": []}]
    for entry in lock["package"]:
        entry["url"] = entry["url"].replace(locks.CHANNEL, place)
    assert len(judged(tmp_path, lock)) == 3
    lock["package"][0]["url"] = lock["package"][0]["url"].replace(place, "https://conda.anaconda.org/defaults")
    with pytest.raises(errors.ForeignChannelError):
        judged(tmp_path, lock)


def test_every_lock_error_has_its_own_exit_code() -> None:
    def kinds(base: type[errors.BootstrapError]) -> list[type[errors.BootstrapError]]:
        return [base, *(k for sub in base.__subclasses__() for k in kinds(sub))]

    concrete = [k for k in kinds(errors.BootstrapError) if "exit_code" in vars(k)]
    codes = [k.exit_code for k in concrete]
    assert len(set(codes)) == len(codes)
    assert all(k.hint for k in concrete if k is not errors.BootstrapError)
