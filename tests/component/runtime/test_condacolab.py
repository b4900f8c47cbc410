"""The adapter: each condacolab that it knows, really run, and what it does not know."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from bootstrap.errors import ArchiveNotFoundError, CondacolabFailedError, CondacolabVersionError
from bootstrap.progress import Silent
from bootstrap.runtime import condacolab
from bootstrap.runtime.condacolab import KNOWN_VERSIONS, _Events, _fault, _tidy, condacolab_version


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every known condacolab from PyPI, each in a folder of its own, with the modules that it imports stood for."""
    home = tmp_path_factory.mktemp("condacolab")
    pythons = {"0.1.10": "3.11", "0.1.11": "3.12", "0.1.12": "3.12", "0.1.13": "3.13"}
    for version in KNOWN_VERSIONS:
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary", ":all:"]
        command += ["--python-version", pythons[version], "--target", home / version, f"condacolab=={version}"]
        subprocess.run(command, check=True)
        # Stand-ins for what only a notebook on Colab has: condacolab asks for no more of them than this.
        (home / version / "IPython.py").write_text("def get_ipython(): return None\n")
        (home / version / "google/colab").mkdir(parents=True)
        (home / version / "google/colab/__init__.py").write_text("raise SystemError('not to be imported')\n")
        (home / version / "distutils").mkdir()
        (home / version / "distutils/__init__.py").touch()
        (home / version / "distutils/spawn.py").write_text("from shutil import which as find_executable\n")
    return home


@pytest.mark.parametrize("version", KNOWN_VERSIONS)
def test_each_version_runs_our_installer_and_touches_nothing_else(
    version: str, versions: Path, tmp_path: Path
) -> None:
    target = {"0.1.12": "3.12", "0.1.13": "3.13"}.get(version)
    if target and sys.version_info[:2] != tuple(map(int, target.split("."))):
        # It insists on one Python; the machines in tests/colab have it, this test has only its own.
        module = versions / version / "condacolab.py"
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
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-m", "bootstrap.runtime.condacolab_process", json.dumps(request)],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{versions / version}:{root}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (prefix / "installed").read_text() == "done\n"
    assert (config.read_bytes() if config.exists() else None) == before
    assert {path.name for path in tmp_path.iterdir()} == {"a prefix", "installer.sh", "scratch"}
    assert Path(sys.executable).exists()
    # It did all that it does: the wrapper, the configuration and the log are in the folder that is thrown away.
    assert {"python3", "python3.real", "ipython_config.py"} <= {p.name for p in (tmp_path / "scratch").iterdir()}
    assert "python" in (prefix / "conda-meta/pinned").read_text()
    _tidy(prefix)
    assert not (prefix / "conda-meta/pinned").exists()
    assert (prefix / ".condarc").read_text() == "always_yes: true\n"


def test_pins_of_others_and_settings_stay(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    pinned = tmp_path / "conda-meta/pinned"
    pinned.write_text("numpy 2.*\npython 3.12.*\npython_abi 3.12.* *cp312*\ncuda-version 12.*\npython 3.13.1\n")
    (tmp_path / ".condarc").write_text("channels: [x]\nalways_yes: true\nalways_yes: true\n")
    _tidy(tmp_path)
    assert pinned.read_text() == "numpy 2.*\npython 3.13.1\n"
    assert (tmp_path / ".condarc").read_text() == "channels: [x]\nalways_yes: true\n"


def test_an_unknown_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _name: "0.2.0")
    with pytest.raises(CondacolabVersionError) as caught:
        condacolab_version()
    assert "condacolab 0.2.0" in str(caught.value)
    assert all(version in caught.value.evidence[0] for version in KNOWN_VERSIONS)


def test_no_condacolab(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> str:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(CondacolabVersionError):
        condacolab_version()


def ended(output: str) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], 1, output, "")


def test_a_fault_of_the_restore_is_told_as_itself(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    result.write_text(json.dumps(ArchiveNotFoundError("gone", evidence=["x"], hint="h").to_dict()))
    fault = _fault(ended("Traceback ..."), result, "0.1.12")
    assert isinstance(fault, ArchiveNotFoundError)
    assert (fault.message, fault.evidence, fault.hint) == ("gone", ("x",), "h")


@pytest.mark.parametrize("text", [None, "", "{}", "not JSON"])
def test_a_fault_of_condacolab(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "result.json").write_text(text)
    fault = _fault(ended("line 1\n\nAssertionError: Python\n"), tmp_path / "result.json", "0.1.12")
    assert isinstance(fault, CondacolabFailedError)
    assert fault.evidence == ("line 1", "AssertionError: Python")


def test_progress_is_read_as_it_grows(tmp_path: Path) -> None:
    seen: list[object] = []

    class Collect(Silent):
        def step(self, step: object) -> None:
            seen.append(step)

        def note(self, message: str) -> None:
            seen.append(message)

    path = tmp_path / "events"
    events = _Events(path)
    events.pass_on(Collect())
    with path.open("w") as file:
        file.write('{"event": "step", "stage": "fetching", "done": 1, "seconds_left": 2}\nnoise\n{"event": "no')
        file.flush()
        events.pass_on(Collect())
        assert [getattr(step, "stage", step) for step in seen] == ["fetching"]
        file.write('te", "message": "retrying"}\n')
    events.pass_on(Collect())
    events.pass_on(Collect())
    assert seen[1:] == ["retrying"]


def test_every_error_can_come_back_as_itself() -> None:
    kinds = list(condacolab._all_kinds(condacolab.BootstrapError))
    assert len({kind.exit_code for kind in kinds}) == len(kinds)
