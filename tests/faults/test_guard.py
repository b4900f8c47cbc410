"""The guard with the real pip and the real uv, in a real prefix."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import guard
from bootstrap.errors import GuardNothingLockedError, NotAnEnvironmentError, PrefixNotFoundError
from bootstrap.guard import config_files
from bootstrap.prefix.transaction import restore
from tests.faults.environments import Site, conda_site, wheel
from tests.support.wheels import make_wheel

LABEL = "locked.by.condacolab.bootstrap"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A copy of the prefix, guarded."""
    copy = conda_site().copy(tmp_path / "env")
    guard.on(copy.root)
    return copy


def pip(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    return site.run("-m", "pip", "--disable-pip-version-check", "install", *arguments)


@pytest.mark.parametrize(
    ("asked", "there", "words"),
    [
        ("asks-for-old", "numpy==2.0.2", "asks-for-old 1.0 depends on numpy<2.1"),
        pytest.param("numpy==2.0.2", "numpy==2.0.2", "numpy==2.0.2", marks=pytest.mark.exhaustive),
        pytest.param("numpy<2", "numpy==1.26.4", "numpy<2", marks=pytest.mark.exhaustive),
        pytest.param("pandas==2.2.1", "pandas==2.2.1", "pandas==2.2.1", marks=pytest.mark.exhaustive),
    ],
)
def test_pip_refuses_what_would_replace_a_locked_package(
    site: Site, asked: str, there: str, words: str, tmp_path: Path
) -> None:
    wheel(there)
    make_wheel(tmp_path, "asks-for-old", "1.0", ["numpy<2.1"])  # as captum 0.8.0 does, among other things
    before = sorted(path.name for path in site.site.iterdir())
    done = pip(site, "--find-links", str(tmp_path), asked)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert words in said
    assert LABEL in said
    assert sorted(path.name for path in site.site.iterdir()) == before


def test_everything_else_installs(site: Site) -> None:
    wheel("pytz")
    for arguments in (["pytz", "numpy"], ["--upgrade", "numpy"]):
        done = pip(site, "-q", *arguments)
        assert done.returncode == 0, done.stderr
    assert site.run("-c", "import pytz").returncode == 0
    assert site.examine("pandas").ok


def test_uv_is_held_by_the_variable(site: Site) -> None:
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    if not Path(uv).exists():
        pytest.skip("no uv")
    for requirement in ("numpy==2.0.2", "pytz"):
        wheel(requirement)
    with site.active():
        environment = {**os.environ, **config_files.in_environment(site.root, {})}
        options = ["--offline", "--no-index", "--find-links", os.environ["PIP_FIND_LINKS"], "--python", site.python]

        def install(asked: str) -> subprocess.CompletedProcess[str]:
            command = [uv, "pip", "install", *map(str, options), asked]
            return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

        refused = install("numpy==2.0.2")
        assert refused.returncode != 0
        assert "numpy==2.0.2" in refused.stderr
        assert install("pytz").returncode == 0
    assert site.examine().numpy_version == conda_site().examine().numpy_version


def test_twice_is_once_and_off_leaves_nothing(tmp_path: Path) -> None:
    site = conda_site().copy(tmp_path / "env")
    before = sorted(path.relative_to(site.root) for path in (site.root / "conda-meta").iterdir())
    pinned = config_files.pinned_path(site.root)
    pinned.write_text("python 3.11.*\nnumpy <2\n")
    first = guard.on(site.root, site.lock)
    texts = [
        config_files.read(path) for path in (pinned, site.root / "pip.conf", config_files.constraints_path(site.root))
    ]
    again = guard.on(site.root, site.lock)
    assert again == first
    assert texts == [
        config_files.read(path) for path in (pinned, site.root / "pip.conf", config_files.constraints_path(site.root))
    ]
    assert (first.state, first.active, first.removed_pins) == ("on", True, ("numpy <2",))
    assert first.held == len(list((site.root / "conda-meta").glob("*.json")))
    after = guard.off(site.root)
    assert (after.state, after.active) == ("off", False)
    assert pinned.read_text() == "python 3.11.*\nnumpy <2\n"
    assert not (site.root / "pip.conf").exists()
    left = {path.relative_to(site.root).name for path in (site.root / "conda-meta").iterdir()}
    assert left - {path.name for path in before} == {"pinned", "condacolab-bootstrap-guard"}
    wheel("numpy==2.0.2")
    assert pip(site, "-q", "--dry-run", "numpy==2.0.2").returncode == 0


def test_it_holds_what_pip_has_taken_away_already(tmp_path: Path) -> None:
    """Switched on in a broken prefix, it still holds the locked numpy, not the one that is there."""
    site = conda_site().copy(tmp_path / "env")
    site.pip("install", "-q", "--no-deps", str(wheel("numpy==2.0.2")))
    guard.on(site.root)
    locked = conda_site().version("numpy")
    lines = config_files.read(config_files.constraints_path(site.root)).splitlines()
    assert any(line.startswith(f"numpy=={locked},") for line in lines)


def test_a_restore_keeps_it(site: Site) -> None:
    from bootstrap.lock import read_lock

    (site.site / "numpy" / "version.py").unlink()
    assert site.lock is not None
    restore(read_lock(site.lock), site.root, cache=site.cache)
    assert guard.status(site.root).active


def test_the_check_tells_that_it_was_turned_off(site: Site) -> None:
    guard.off(site.root)
    done = subprocess.run(
        [sys.executable, "-m", "bootstrap", "check", "--prefix", site.root, "--quick", "--json", "-q"],
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert [(c["id"], c["severity"]) for c in report["causes"]] == [("guard-off", "note")]
    assert report["causes"][0]["since"]


def test_part_of_it_taken_away(site: Site) -> None:
    (site.root / "pip.conf").unlink()
    found = guard.status(site.root)
    assert (found.state, found.active) == ("on", False)
    assert "pip.conf" in found.undone[0]
    assert guard.on(site.root).active


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from bootstrap.cli import main

    site = conda_site().copy(tmp_path / "env")
    assert main(["guard", "status", "--prefix", str(site.root)]) == 3
    assert main(["guard", "on", "--prefix", str(site.root)]) == 0
    assert "guarded" in capsys.readouterr().out
    assert main(["guard", "status", "--prefix", str(site.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["active"]
    assert main(["guard", "off", "--prefix", str(site.root)]) == 0
    assert "turned off on" in capsys.readouterr().out
    assert main(["guard", "on", "--prefix", str(tmp_path / "none")]) == PrefixNotFoundError.exit_code


def test_nothing_to_guard(tmp_path: Path) -> None:
    with pytest.raises(NotAnEnvironmentError):
        guard.on(tmp_path)
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta" / "history").touch()
    with pytest.raises(GuardNothingLockedError):
        guard.on(tmp_path)
