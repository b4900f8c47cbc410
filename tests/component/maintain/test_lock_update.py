"""`bootstrap lock --update`: one package moves, and as little else as possible."""

from __future__ import annotations

import pytest

from bootstrap.errors import LockNotFoundError, LockOutdatedError, UnknownPackageError
from tests.support.project import CPU, DEPENDENCIES, PACKAGES, Project, package

pytest.importorskip("conda_lock")


def test_an_update_moves_its_package_alone(project: Project, before: bytes) -> None:
    versions = project.versions()
    assert project.relock(*CPU, "--update", "numpy").error is None
    assert project.versions() == {**versions, "numpy": "2.3.4"}


@pytest.mark.exhaustive
def test_an_update_moves_what_environment_yml_does_not_name(project: Project, before: bytes) -> None:
    versions = project.versions()
    assert project.relock(*CPU, "--update", "libblas").error is None
    assert project.versions() == {**versions, "libblas": "3.11"}


@pytest.mark.exhaustive
def test_an_update_drops_what_nothing_needs_any_more(project: Project, before: bytes) -> None:
    versions = project.versions()
    project.relock(*CPU, "--update", "tqdm")
    assert project.versions() == {n: "4.70" if n == "tqdm" else v for n, v in versions.items() if n != "colorama"}


def test_an_update_keeps_records_and_sizes_that_the_channel_no_longer_lists(project: Project, before: bytes) -> None:
    project.offer(*(p for p in PACKAGES if (p["name"], p["version"]) != ("libblas", "3.9")))
    assert project.relock(*CPU, "--update", "numpy").error is None
    kept = project.records()["libblas"]
    assert (kept.version, kept.size) == ("3.9", 1000)


@pytest.mark.exhaustive
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


@pytest.mark.exhaustive
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
    assert "similar: numpy" in result.error.evidence
    assert project.lock_path().read_bytes() == before


def test_there_must_be_a_lock_to_update(project: Project) -> None:
    assert isinstance(project.relock(*CPU, "--update", "numpy").error, LockNotFoundError)


def test_an_update_from_other_channels_is_refused(project: Project, before: bytes) -> None:
    result = project.run(
        "lock", "--file", str(project.specification), "--channel", project.url, *CPU, "--update", "numpy"
    )
    assert isinstance(result.error, LockOutdatedError)
    assert project.lock_path().read_bytes() == before


def test_the_draft_goes_into_the_changelog(project: Project, before: bytes) -> None:
    changelog = project.root / "CHANGELOG.md"
    changelog.write_text("# Changelog\n\n## [1.0] - 2026-01-01\n\n- First.\n")
    project.relock(*CPU, "--update", "numpy", "--changelog", str(changelog))
    text = changelog.read_text()
    assert "## [Unreleased]\n\n### Changed\n\n- `conda-lock.yml`: numpy 2.0.2 to 2.3.4" in text
    assert text.endswith("\n## [1.0] - 2026-01-01\n\n- First.\n")
