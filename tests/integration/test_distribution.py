"""The wheel that users install: it carries the locks, and nothing that could disturb a runtime."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


def test_the_locks_are_inside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        for name in ("conda-lock.yml", "conda-lock-cuda.yml"):
            assert packed.read(f"bootstrap/data/{name}") == (ROOT / name).read_bytes()
        assert "bootstrap/py.typed" in packed.namelist()
        assert not [n for n in packed.namelist() if n.startswith(("tests/", "demo/", "benchmarks/"))]


def test_what_a_runtime_receives(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        metadata = message_from_bytes(next(packed.read(n) for n in packed.namelist() if n.endswith("/METADATA")))
    required = [Requirement(text) for text in metadata.get_all("Requires-Dist") or []]
    plain = {r.name.lower() for r in required if "extra" not in str(r.marker)}
    assert plain == {"condacolab", "py-rattler", "pyyaml", "rich"}
    rattler = next(r for r in required if r.name == "py-rattler")
    assert str(rattler.specifier).startswith("=="), "its API moves between minor versions"


def test_installed_it_finds_its_lock(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel], check=True
    )
    program = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import bootstrap, bootstrap.api; "
        "print(bootstrap.__file__); print(bootstrap.api.find_lock(variant='cpu')); "
        "print(bootstrap.explain_lock().version('numpy'))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    module, lock, version = done.stdout.split()
    assert Path(module).is_relative_to(site)
    assert Path(lock) == site / "bootstrap/data/conda-lock.yml"
    assert f"name: numpy\n  version: {version}" in (ROOT / "conda-lock.yml").read_text()
