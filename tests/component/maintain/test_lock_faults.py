"""What goes wrong while locking: each fault has its error, and the lock stays as it was."""

from __future__ import annotations

import socket

import pytest

from bootstrap.errors import (
    ChannelNotFoundError,
    ChannelUnreachableError,
    CondaLockFailedError,
    LockNotWritableError,
    SpecificationError,
    UnknownPackageError,
    UnsatisfiableError,
    WrongVariantError,
)
from tests.support.project import CPU, PACKAGES, Project, leftovers, package

pytest.importorskip("conda_lock")


def test_bounds_that_exclude_each_other_are_explained(project: Project, before: bytes) -> None:
    project.specify("python", "numpy >=2.3", "pandas")
    project.offer(*PACKAGES, package("pandas", "2.2", "numpy <2.1"))
    result = project.relock(*CPU)
    assert isinstance(result.error, UnsatisfiableError)
    told = "\n".join(result.error.evidence)
    assert "numpy >=2.3" in told
    assert "pandas" in told
    assert "<2.1" in told
    assert "Traceback" not in told
    assert project.lock_path().read_bytes() == before


def test_a_name_that_no_channel_has(project: Project, before: bytes) -> None:
    project.specify("python", "nunpy")
    result = project.relock(*CPU)
    assert isinstance(result.error, UnknownPackageError)
    assert "nunpy" in result.error.message
    assert project.lock_path().read_bytes() == before


@pytest.mark.exhaustive
def test_a_bound_that_is_none(project: Project, before: bytes) -> None:
    project.specify("python", "numpy >=>2")
    assert isinstance(project.relock(*CPU).error, (SpecificationError, CondaLockFailedError))
    assert project.lock_path().read_bytes() == before


def test_a_channel_that_is_not_there(project: Project, before: bytes) -> None:
    arguments = ("lock", "--file", str(project.specification), *CPU)
    result = project.run(*arguments, "--channel", f"{project.url}-no")
    assert isinstance(result.error, ChannelNotFoundError)
    assert "channel-no" in "\n".join(result.error.evidence)
    assert project.lock_path().read_bytes() == before


@pytest.mark.exhaustive
def test_a_folder_of_repodata_that_is_not_there(project: Project, before: bytes) -> None:
    arguments = ("lock", "--file", str(project.specification), *CPU)
    assert isinstance(project.run(*arguments, "--repodata", str(project.root / "no")).error, ChannelNotFoundError)
    assert project.lock_path().read_bytes() == before


def test_repodata_that_is_no_json(project: Project) -> None:
    (project.channel / "noarch" / "repodata.json").write_text("<html>")
    arguments = ("lock", "--file", str(project.specification), *CPU)
    assert isinstance(project.run(*arguments, "--channel", project.url).error, ChannelNotFoundError)
    assert project.relock(*CPU).code != 0
    assert not project.lock_path().exists()


def test_a_server_that_is_not_there(project: Project, before: bytes) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        url = f"http://127.0.0.1:{port}/conda-forge"
        result = project.run("lock", "--file", str(project.specification), *CPU, "--channel", url)
    assert isinstance(result.error, ChannelUnreachableError)
    assert str(port) in "\n".join(result.error.evidence)
    assert project.lock_path().read_bytes() == before


def test_a_variant_that_fails_leaves_the_other_as_it_was(project: Project) -> None:
    project.relock()
    names = ("conda-lock.yml", "conda-lock-cuda.yml")
    before = [project.lock_path(n).read_bytes() for n in names]
    needy = package("tqdm", "5.0", "__glibc >=2.28", subdir="linux-64")
    project.offer(*(p for p in PACKAGES if p["name"] != "tqdm"), needy)
    machine = project.root / "virtual-packages-cuda.yml"
    machine.write_text(machine.read_text().replace('"2.35"', '"2.17"'))
    result = project.relock()
    assert isinstance(result.error, UnsatisfiableError)
    assert "NVIDIA GPU" in result.error.message
    assert [project.lock_path(n).read_bytes() for n in names] == before
    assert leftovers(project) == []


def test_no_cuda_build_is_no_lock_for_gpus(project: Project) -> None:
    project.offer(*(p for p in PACKAGES if not p["build"].startswith("cuda")))
    assert isinstance(project.relock().error, WrongVariantError)
    assert not project.lock_path().exists()


def test_a_folder_that_can_not_be(project: Project) -> None:
    (project.root / "file").write_text("")
    assert isinstance(project.relock(*CPU, "--output", str(project.root / "file")).error, LockNotWritableError)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--check", "--update", "numpy"),
        ("--channel", "https://example.org/c"),
        ("--conda", "conda"),
        ("--exclude-newer", "yesterday"),
    ],
)
def test_options_that_contradict_each_other(project: Project, arguments: tuple[str, ...]) -> None:
    assert project.relock(*arguments).code == 2
