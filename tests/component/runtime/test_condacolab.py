"""Each condacolab that the adapter knows, really run; and a lock really installed by the one that is here."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bootstrap.errors import ArchiveNotFoundError, CondacolabFailedError
from bootstrap.prefix.restore_options import RestoreOptions
from bootstrap.progress import NullProgress, Step
from bootstrap.runtime.condacolab import KNOWN_VERSIONS, install, tidy
from tests.support import ROOT
from tests.support import tiny_site as tiny
from tests.support.channel.server import Fault
from tests.support.once import digest, made_once

PYTHONS = {"0.1.10": "3.11", "0.1.11": "3.12", "0.1.12": "3.12", "0.1.13": "3.13"}
"""For which Python pip takes it."""


def write_standins(folder: Path) -> Path:
    """Stand-ins for what only a notebook on Colab has: condacolab asks for no more of them than this."""
    (folder / "IPython.py").write_text("def get_ipython(): return None\n")
    (folder / "google/colab").mkdir(parents=True)
    (folder / "google/colab/__init__.py").write_text("raise SystemError('not to be imported')\n")
    (folder / "distutils").mkdir()
    (folder / "distutils/__init__.py").touch()
    (folder / "distutils/spawn.py").write_text("from shutil import which as find_executable\n")
    return folder


def condacolab_of(version: str) -> Path:
    """A folder with this condacolab, as PyPI has it, and the modules that it imports stood for."""

    def fetch(folder: Path) -> None:
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary", ":all:"]
        command += ["--python-version", PYTHONS[version], "--target", str(folder), f"condacolab=={version}"]
        subprocess.run(command, check=True)
        write_standins(folder)

    return made_once(ROOT / ".cache/condacolab", version, digest(PYTHONS[version], Path(__file__).read_text()), fetch)


@pytest.mark.parametrize(
    "version",
    # The first of its line, and the last.
    [v if v in ("0.1.10", "0.1.13") else pytest.param(v, marks=pytest.mark.exhaustive) for v in KNOWN_VERSIONS],
)
def test_each_version_runs_our_installer_and_touches_nothing_else(version: str, tmp_path: Path) -> None:
    condacolab = condacolab_of(version)
    target = {"0.1.12": "3.12", "0.1.13": "3.13"}.get(version)
    if target and sys.version_info[:2] != tuple(map(int, target.split("."))):
        # It insists on one Python; the machines in tests/colab have it, this test has only its own.
        # Without bytecode, which would be taken for that of a source of the same length and second.
        shutil.copytree(condacolab, tmp_path / "retargeted", ignore=shutil.ignore_patterns("__pycache__"))
        condacolab = tmp_path / "retargeted"
        module = condacolab / "condacolab.py"
        here = f"{sys.version_info[0]}.{sys.version_info[1]}"
        module.write_text(module.read_text().replace(f'TARGET_PYTHON = "{target}"', f'TARGET_PYTHON = "{here}"'))
    installer = tmp_path / "installer.sh"
    installer.write_text(
        '#!/bin/bash\n[[ $1 == -bfp ]] || exit 9\nmkdir -p "$2/conda-meta"; echo done > "$2/installed"\n'
    )
    prefix = tmp_path / "a prefix"
    config = Path("/etc/ipython/ipython_config.py")
    before = config.read_bytes() if config.exists() else None
    request = {
        "installer": installer.as_uri(),
        "sha256": hashlib.sha256(installer.read_bytes()).hexdigest(),
        "prefix": str(prefix),
        "scratch": str(tmp_path / "scratch"),
        "python": sys.executable,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bootstrap.runtime._child_condacolab", json.dumps(request)],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{condacolab}:{ROOT}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (prefix / "installed").read_text() == "done\n"
    assert (config.read_bytes() if config.exists() else None) == before
    assert {path.name for path in tmp_path.iterdir()} - {"retargeted"} == {"a prefix", "installer.sh", "scratch"}
    assert Path(sys.executable).exists()
    # It did all that it does: the wrapper, the configuration and the log are in the folder that is thrown away.
    assert {"python3", "python3.real", "ipython_config.py"} <= {p.name for p in (tmp_path / "scratch").iterdir()}
    assert "python" in (prefix / "conda-meta/pinned").read_text()
    tidy(prefix)
    assert not (prefix / "conda-meta/pinned").exists()
    assert (prefix / ".condarc").read_text() == "always_yes: true\n"


class Told(NullProgress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def step(self, step: Step) -> None:
        self.steps.append(step)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A lock to install, in a process that finds what condacolab imports."""
    if find_spec("condacolab") is None:
        pytest.skip("condacolab is for Python 3.11 and later")
    (tmp_path / "standins").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(write_standins(tmp_path / "standins")))
    (tmp_path / "scratch").mkdir()
    with tiny.site(tmp_path) as found:
        yield found


def installed(site: tiny.Site, progress: Told):
    groups: list[int] = []
    options, scratch = RestoreOptions(site.cache), site.root / "scratch"
    try:
        return install(site.lock(), site.prefix, options, progress=progress, scratch=scratch, started=groups.append)
    finally:
        assert len(groups) == 1
        assert list((site.root / "scratch").iterdir()) == []


def test_a_lock_is_installed_by_the_condacolab_that_is_here(site: tiny.Site) -> None:
    told = Told()
    result = installed(site, told)
    assert (result.action, result.packages, result.prefix) == ("created", 5, site.prefix)
    assert {"fetching", "linking", "verifying"} <= {step.stage for step in told.steps}
    assert not (site.prefix / "conda-meta/pinned").exists(), "its pins name the machine's Python"
    assert installed(site, Told()).action == "unchanged"
    assert (site.prefix / ".condarc").read_text().count("always_yes") == 1


def test_what_the_restore_raises_comes_through_condacolab_as_itself(site: tiny.Site) -> None:
    site.server.set_fault(site.archive("weights"), Fault.status(404))
    with pytest.raises(ArchiveNotFoundError) as caught:
        installed(site, Told())
    assert "weights" in caught.value.evidence[0]
    assert not site.prefix.exists()


def test_what_condacolab_itself_stumbles_over_is_told(site: tiny.Site) -> None:
    (site.root / "standins/condacolab.py").write_text("raise AssertionError('another machine')\n")
    with pytest.raises(CondacolabFailedError) as caught:
        installed(site, Told())
    assert caught.value.evidence[-1] == "AssertionError: another machine"
