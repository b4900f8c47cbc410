"""`bootstrap lock` with the real conda-lock and the real solver, on a small channel."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from bootstrap.errors import (
    ChannelNotFoundError,
    ChannelUnreachableError,
    CondaLockFailedError,
    CondaLockNotFoundError,
    CondaLockVersionError,
    LockNotFoundError,
    LockNotWritableError,
    LockOutdatedError,
    SolverNotFoundError,
    SpecificationError,
    UnknownPackageError,
    UnsatisfiableError,
    WrongVariantError,
)
from bootstrap.maintain.condalock import write_front
from tests.unit.maintain.project import DEPENDENCIES, PACKAGES, ROOT, Project, make_project, package

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("conda_lock")

CPU = ("--variant", "cpu")


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Project:
    return make_project(tmp_path, capsys)


class NoCapture:
    def readouterr(self) -> tuple[str, str]:
        return "", ""


@pytest.fixture(scope="session")
def old_lock(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The lock of the unchanged project as of a day before the newer packages."""
    project = make_project(tmp_path_factory.mktemp("old"), NoCapture())
    assert project.relock(*CPU, "--exclude-newer", "2026-02-01").error is None
    return project.lock_path().read_bytes()


@pytest.fixture
def before(project: Project, old_lock: bytes) -> bytes:
    """The project holds that lock."""
    project.lock_path().write_bytes(old_lock)
    return old_lock


def leftovers(project: Project) -> list[str]:
    return [p.name for p in project.root.iterdir() if p.name.startswith(".")]


# Solving anew


def test_both_variants_are_locked_in_one_go(project: Project) -> None:
    assert project.relock().code == 0
    cpu, cuda = project.records(), project.records("conda-lock-cuda.yml")
    assert set(cpu) == {"python", "numpy", "libblas", "pytorch", "tqdm"}
    assert set(cuda) == {*cpu, "cuda-version"}
    assert cpu["pytorch"].build == "cpu_mkl_h0_100"
    assert cuda["pytorch"].build == "cuda129_h0_300"
    assert project.check().code == 0


def test_urls_are_the_named_channels_and_no_path_of_this_machine_is_in_the_lock(project: Project) -> None:
    project.relock(*CPU)
    numpy = project.records()["numpy"]
    assert numpy.url == "https://conda.anaconda.org/conda-forge/linux-64/numpy-2.3.4-h0_0.conda"
    assert numpy.depends == {"python": "", "libblas": ">=3.9", "__glibc": ">=2.17"}
    assert project.lock().sources == ("environment.yml",)
    text = project.lock_path().read_text()
    assert str(project.root) not in text
    assert "file://" not in text


def test_hashes_and_sizes_are_the_channels(project: Project) -> None:
    project.offer(*(p if p["name"] != "tqdm" else package("tqdm", "4.70", "python", size=None) for p in PACKAGES))
    project.relock(*CPU)
    expected = package("numpy", "2.3.4", subdir="linux-64")
    numpy = project.records()["numpy"]
    assert (numpy.sha256, numpy.md5, numpy.size) == (expected["sha256"], expected["md5"], 1000)
    assert project.records()["tqdm"].size is None


def test_conda_locks_own_parser_reads_the_result(project: Project) -> None:
    from conda_lock.lockfile import parse_conda_lock_file

    project.relock()
    for name in ("conda-lock.yml", "conda-lock-cuda.yml"):
        parsed = parse_conda_lock_file(project.lock_path(name))
        assert {p.name: p.hash.sha256 for p in parsed.package} == {
            r.name: r.sha256 for r in project.lock(name).records
        }


def test_the_same_input_gives_the_same_bytes_elsewhere_too(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = make_project(tmp_path_factory.mktemp("other"), project.capture)
    project.relock()
    other.relock()
    for name in ("conda-lock.yml", "conda-lock-cuda.yml"):
        assert project.lock_path(name).read_bytes() == other.lock_path(name).read_bytes()


def test_an_unchanged_lock_is_not_rewritten(project: Project) -> None:
    project.relock(*CPU)
    before = project.lock_path().stat()
    result = project.relock(*CPU)
    assert "unchanged" in result.out
    assert project.lock_path().stat().st_ino == before.st_ino


def test_a_cut_off_date_leaves_out_what_was_built_later(project: Project) -> None:
    result = project.relock(*CPU, "--exclude-newer", "2026-02-01")
    assert "cut-off date" not in result.out
    assert project.versions()["numpy"] == "2.0.2"
    assert "colorama" in project.versions()


def test_what_a_cut_off_date_can_not_judge_is_counted(project: Project) -> None:
    project.offer(
        *({k: v for k, v in p.items() if k != "timestamp"} if p["name"] == "python" else p for p in PACKAGES)
    )
    result = project.relock(*CPU, "--exclude-newer", "2026-02-01")
    assert project.versions()["python"] == "3.13.0"
    assert "whatever the cut-off date: 1\n" in result.out


def test_a_channel_of_ones_own_is_named_in_the_lock(project: Project) -> None:
    result = project.run("lock", "--file", str(project.specification), "--channel", project.url, *CPU)
    assert result.error is None
    assert project.records()["numpy"].url == f"{project.url}/linux-64/numpy-2.3.4-h0_0.conda"
    assert [c.url for c in project.lock().channels] == [project.url]
    assert project.check(*CPU, "--channel", project.url).code == 0


def test_the_locks_can_be_written_elsewhere(project: Project, tmp_path: Path) -> None:
    project.relock(*CPU, "--output", str(tmp_path / "made" / "for it"))
    assert (tmp_path / "made" / "for it" / "conda-lock.yml").exists()
    assert not project.lock_path().exists()


def test_the_result_is_told_as_json(project: Project) -> None:
    result = project.run(
        "--json", "lock", "--file", str(project.specification), "--repodata", str(project.channel), *CPU
    )
    told = json.loads(result.out)["locks"]
    assert [one["variant"] for one in told] == ["cpu"]
    assert told[0]["difference"]["changes"][0]["name"] == "numpy"


def test_settings_of_the_shell_do_not_reach_the_lock(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.relock(*CPU)
    before = project.lock_path().read_bytes()
    monkeypatch.setenv("CONDA_OVERRIDE_GLIBC", "2.5")
    monkeypatch.setenv("CONDA_FLAGS", "--nonsense")
    monkeypatch.setenv("CONDA_LOCK_CONDA", "/nonexistent")
    assert project.relock(*CPU).error is None
    assert project.lock_path().read_bytes() == before


# Updating


def test_an_update_moves_its_package_alone(project: Project, before: bytes) -> None:
    versions = project.versions()
    assert project.relock(*CPU, "--update", "numpy").error is None
    assert project.versions() == {**versions, "numpy": "2.3.4"}


def test_an_update_moves_what_environment_yml_does_not_name(project: Project, before: bytes) -> None:
    versions = project.versions()
    assert project.relock(*CPU, "--update", "libblas").error is None
    assert project.versions() == {**versions, "libblas": "3.11"}


def test_an_update_drops_what_nothing_needs_any_more(project: Project, before: bytes) -> None:
    versions = project.versions()
    project.relock(*CPU, "--update", "tqdm")
    assert project.versions() == {n: "4.70" if n == "tqdm" else v for n, v in versions.items() if n != "colorama"}


def test_an_update_keeps_records_and_sizes_that_the_channel_no_longer_lists(project: Project, before: bytes) -> None:
    project.offer(*(p for p in PACKAGES if (p["name"], p["version"]) != ("libblas", "3.9")))
    assert project.relock(*CPU, "--update", "numpy").error is None
    kept = project.records()["libblas"]
    assert (kept.version, kept.size) == ("3.9", 1000)


def test_a_record_whose_file_was_replaced_is_not_held(project: Project, before: bytes) -> None:
    changed = [{**p, "sha256": "0" * 64} if (p["name"], p["version"]) == ("libblas", "3.9") else p for p in PACKAGES]
    project.offer(*changed)
    assert project.relock(*CPU, "--update", "numpy").error is None
    assert project.records()["libblas"].sha256 in {p["sha256"] for p in changed if p["name"] == "libblas"}


def test_an_update_keeps_the_bounds_of_the_other_packages(project: Project) -> None:
    """conda-lock asks to install the updated spec alone: the others' bounds must hold all the same."""
    project.specify(*DEPENDENCIES, "libblas <3.10")
    assert project.relock(*CPU, "--exclude-newer", "2026-02-01").error is None
    newer = package("numpy", "2.4.0", "python", "libblas >=3.11", subdir="linux-64", day=200)
    project.offer(*PACKAGES, newer)
    project.relock(*CPU, "--update", "numpy")
    assert project.versions()["numpy"] == "2.3.4"
    assert project.check(*CPU).code == 0


def test_an_update_takes_in_what_environment_yml_names_by_now(project: Project, before: bytes) -> None:
    project.specify(*DEPENDENCIES, "rich")
    project.offer(*PACKAGES, package("rich", "14.0"))
    assert project.relock(*CPU, "--update", "numpy").error is None
    assert project.versions()["rich"] == "14.0"
    assert project.check(*CPU).code == 0


def test_updating_an_unknown_name_is_refused(project: Project, before: bytes) -> None:
    """conda-lock itself would silently solve everything anew."""
    result = project.relock(*CPU, "--update", "nunpy")
    assert isinstance(result.error, UnknownPackageError)
    assert "alike: numpy" in result.error.evidence
    assert project.lock_path().read_bytes() == before


def test_there_must_be_a_lock_to_update(project: Project) -> None:
    assert isinstance(project.relock(*CPU, "--update", "numpy").error, LockNotFoundError)


def test_an_update_from_other_channels_is_refused(project: Project, before: bytes) -> None:
    result = project.run(
        "lock", "--file", str(project.specification), "--channel", project.url, *CPU, "--update", "numpy"
    )
    assert isinstance(result.error, LockOutdatedError)
    assert project.lock_path().read_bytes() == before


# Faults: each has its error, and the lock stays as it was


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


def test_a_bound_that_is_none(project: Project, before: bytes) -> None:
    project.specify("python", "numpy >=>2")
    assert isinstance(project.relock(*CPU).error, (SpecificationError, CondaLockFailedError))
    assert project.lock_path().read_bytes() == before


def test_a_channel_that_is_not_there(project: Project, before: bytes) -> None:
    arguments = ("lock", "--file", str(project.specification), *CPU)
    result = project.run(*arguments, "--channel", f"{project.url}-no")
    assert isinstance(result.error, ChannelNotFoundError)
    assert "channel-no" in "\n".join(result.error.evidence)
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


def test_a_missing_file_of_virtual_packages(project: Project) -> None:
    """conda-lock would go on with defaults of its own."""
    (project.root / "virtual-packages.yml").unlink()
    assert isinstance(project.relock(*CPU).error, SpecificationError)


def test_no_conda_lock(project: Project, before: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    result = project.relock(*CPU, "--conda-lock", "conda-lock-is-not-here")
    assert isinstance(result.error, CondaLockNotFoundError)
    assert "[maintain]" in result.error.hint
    assert project.lock_path().read_bytes() == before


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ('echo "conda-lock, version 3.0.4"', CondaLockVersionError),
        ("echo boom >&2; exit 3", CondaLockNotFoundError),
        (
            '[ "$1" = --version ] && echo "conda-lock, version 4.0.3" && exit; echo boom >&2; exit 3',
            CondaLockFailedError,
        ),
        ('[ "$1" = --version ] && echo "conda-lock, version 4.0.3"; true', CondaLockFailedError),
    ],
)
def test_another_conda_lock(project: Project, before: bytes, script: str, error: type[Exception]) -> None:
    fake = project.root / "fake-conda-lock"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    assert isinstance(project.relock(*CPU, "--conda-lock", str(fake)).error, error)
    assert project.lock_path().read_bytes() == before


def test_no_such_conda(project: Project) -> None:
    """conda-lock itself would download one."""
    result = project.run("lock", "--file", str(project.specification), "--conda", "mamba-is-not-here", *CPU)
    assert isinstance(result.error, SolverNotFoundError)


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


# Killed, and a conda of one's own


@contextmanager
def silent_server() -> Iterator[tuple[str, threading.Event]]:
    """A server that takes requests and never answers; the event is set when the first has come."""
    asked, over = threading.Event(), threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.set()
            over.wait(60)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/conda-forge", asked
    finally:
        over.set()
        server.shutdown()
        server.server_close()


DRIVER = """
import argparse, sys
from bootstrap.maintain.cli import register
parser = argparse.ArgumentParser()
register(parser.add_subparsers())
args = parser.parse_args()
sys.exit(args.run(args))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_half_way_the_lock_is_as_it_was(project: Project, before: bytes, how: signal.Signals) -> None:
    temporary = project.root / "temporary"
    temporary.mkdir()
    arguments = ["lock", "--file", str(project.specification), *CPU]
    with silent_server() as (url, asked):
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, *arguments, "--channel", url],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert asked.wait(60), "the solver never asked the channel"
        process.send_signal(how)
        assert process.wait(30) != 0
        if how == signal.SIGINT:
            assert solvers_of(temporary) == [], "the solver outlived its caller"
        for pid in solvers_of(temporary):
            os.kill(pid, signal.SIGKILL)
    assert project.lock_path().read_bytes() == before
    assert leftovers(project) == []
    shutil.rmtree(temporary, ignore_errors=True)


def solvers_of(temporary: Path) -> list[int]:
    """Processes whose command line names a folder of this test."""
    deadline = time.monotonic() + 30
    while True:
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid():
                try:
                    with open(f"/proc/{entry}/cmdline", "rb") as file:
                        if str(temporary).encode() in file.read():
                            found.append(int(entry))
                except OSError:
                    continue
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def test_any_conda_by_its_path_solves_and_updates(project: Project) -> None:
    """The front without its brief is a conda like another: what it is told is the command line alone."""
    conda = write_front(project.root / "conda-of-ones-own")
    arguments = ("lock", "--file", str(project.specification), "--conda", str(conda), *CPU)
    project.specify(*DEPENDENCIES, channel=project.url)
    newer = [p for p in PACKAGES if p["version"] in ("2.3.4", "3.13.0", "4.70", "3.11")]
    project.offer(*(p for p in PACKAGES if p not in newer))
    assert project.run(*arguments).error is None
    before = project.versions()
    assert before["numpy"] == "2.0.2"
    assert all(r.size is None for r in project.lock().records)
    project.offer(*PACKAGES)
    assert project.run(*arguments, "--update", "numpy").error is None
    assert project.versions() == {**before, "numpy": "2.3.4"}
    refused = project.run(*arguments, "--update", "libblas")
    assert isinstance(refused.error, UnknownPackageError)


def test_what_a_foreign_conda_says_is_shown(project: Project) -> None:
    conda = project.root / "foreign"
    said = '{"message": "out of luck"}'
    conda.write_text(f"#!/bin/sh\n[ $1 = --version ] && echo conda 24.1 && exit\necho '{said}'\nexit 1\n")
    conda.chmod(0o755)
    result = project.run("lock", "--file", str(project.specification), "--conda", str(conda), *CPU)
    assert isinstance(result.error, CondaLockFailedError)
    assert "out of luck" in "\n".join(result.error.evidence)


def test_the_draft_goes_into_the_changelog(project: Project, before: bytes) -> None:
    changelog = project.root / "CHANGELOG.md"
    changelog.write_text("# Changelog\n\n## [1.0] - 2026-01-01\n\n- First.\n")
    project.relock(*CPU, "--update", "numpy", "--changelog", str(changelog))
    text = changelog.read_text()
    assert "## [Unreleased]\n\n### Changed\n\n- `conda-lock.yml`: numpy 2.0.2 to 2.3.4" in text
    assert text.endswith("\n## [1.0] - 2026-01-01\n\n- First.\n")
