"""`bootstrap lock`: the locks solved anew, by the real conda-lock and the real solver, on a small channel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support import one_of
from tests.support.project import CPU, EXPORTED, PACKAGES, Project, make_project, package

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("conda_lock")


def test_both_variants_are_locked_in_one_go(project: Project) -> None:
    assert project.relock().code == 0
    cpu, cuda = project.records(), project.records("conda-lock-cuda.yml")
    assert set(cpu) == {"python", "numpy", "libblas", "pytorch", "tqdm"}
    assert set(cuda) == {*cpu, "cuda-version"}
    assert cpu["pytorch"].build == "cpu_mkl_h0_100"
    assert cuda["pytorch"].build == "cuda129_h0_300"
    assert project.check().code == 0


def test_an_environment_as_conda_writes_it_is_enough(project: Project) -> None:
    """No platforms, a name, a folder, builds; and no files of virtual packages beside it."""
    project.specification.write_text(EXPORTED)
    for name in ("virtual-packages.yml", "virtual-packages-cuda.yml"):
        (project.root / name).unlink()
    first = project.relock()
    assert first.code == 0
    assert f"bootstrap.run(lock={str(project.lock_path())!r})" in first.out, "how to use it"
    assert "added" not in first.out, "all of it is new"
    for name in ("conda-lock.yml", "conda-lock-cuda.yml"):
        assert project.versions(name) == {"python": "3.12.1", "numpy": "2.3.4", "libblas": "3.11", "tqdm": "4.70"}
        assert project.lock(name).platforms == ("linux-64",)
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


@pytest.mark.parametrize("variant", one_of("cpu", "cuda"))
def test_the_same_input_gives_the_same_bytes_elsewhere_too(
    project: Project, tmp_path_factory: pytest.TempPathFactory, variant: str
) -> None:
    """And what was kept of conda-lock is what it answers now."""
    other = make_project(tmp_path_factory.mktemp("other"), project.capture)
    project.relock("--variant", variant)
    other.relock("--variant", variant, "--conda-lock", "conda-lock")
    name = {"cpu": "conda-lock.yml", "cuda": "conda-lock-cuda.yml"}[variant]
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


@pytest.mark.exhaustive
def test_what_a_cut_off_date_can_not_judge_is_counted(project: Project) -> None:
    project.offer(
        *({k: v for k, v in p.items() if k != "timestamp"} if p["name"] == "python" else p for p in PACKAGES)
    )
    result = project.relock(*CPU, "--exclude-newer", "2026-02-01")
    assert project.versions()["python"] == "3.13.0"
    assert "despite the cut-off date: 1\n" in result.out


def test_a_channel_of_ones_own_is_named_in_the_lock(project: Project) -> None:
    result = project.run("lock", "--file", str(project.specification), "--channel", project.url, *CPU)
    assert result.error is None
    assert project.records()["numpy"].url == f"{project.url}/linux-64/numpy-2.3.4-h0_0.conda"
    assert list(project.lock().channels) == [project.url]
    assert project.check(*CPU, "--channel", project.url).code == 0


def test_the_locks_can_be_written_elsewhere(project: Project, tmp_path: Path) -> None:
    project.relock(*CPU, "--output", str(tmp_path / "made" / "for it"))
    assert (tmp_path / "made" / "for it" / "conda-lock.yml").exists()
    assert not project.lock_path().exists()


def test_the_result_is_told_as_json(project: Project) -> None:
    result = project.relock(*CPU, json=True)
    assert result.error is None, result.err
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
