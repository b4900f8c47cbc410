"""The wheel that users install: it carries the locks, and nothing that could disturb a runtime."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from uv import find_uv_bin

from bootstrap import __version__
from bootstrap.lock import read_lock
from tests.support import ROOT, one_of
from tests.support.channel.server import serve
from tests.support.commands import blocks
from tests.support.once import digest, made_once
from tests.support.project import PACKAGES, write_channel
from tests.support.repository import URL

PACKED = ("pyproject.toml", "*.md", "*.yml", "LICENSE", "Makefile", "template.ipynb", "bootstrap/**/*", "docs/**/*")
"""What a release is made of."""
LOCK = ROOT / "conda-lock.yml"


@pytest.fixture(scope="session")
def built() -> Path:
    """As a release is built: the source distribution, and the wheel from that."""

    def build(folder: Path) -> None:
        command = [sys.executable, "-m", "build", "--outdir", folder, ROOT]
        subprocess.run(command, check=True, capture_output=True)

    found = sorted(path for pattern in PACKED for path in ROOT.glob(pattern) if path.is_file())
    files = [path for path in found if "__pycache__" not in path.parts]
    key = digest(*(part for path in files for part in (path, hashlib.sha256(path.read_bytes()).hexdigest())))
    return made_once(ROOT / ".cache", "dist", key, build)


@pytest.fixture
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


def test_the_version_is_stated_once(built: Path) -> None:
    names = sorted(path.name for path in built.iterdir())
    assert names == [
        f"condacolab_bootstrap-{__version__}-py3-none-any.whl",
        f"condacolab_bootstrap-{__version__}.tar.gz",
    ]
    project = (ROOT / "pyproject.toml").read_text().partition("[project]")[2].partition("\n[")[0]
    assert "\nname = " in project
    assert "\nversion = " not in project


def test_the_source_distribution_has_what_is_needed_and_no_caches(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert {"template.ipynb", "environment.yml", "conda-lock.yml", "docs/errors.md", "README.md"} <= names
    assert not [name for name in names if name.startswith((".", "build/")) and name != ".gitignore"]


def test_the_locks_and_their_specification_are_inside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = ("conda-lock.yml", "conda-lock-cuda.yml", "virtual-packages.yml", "virtual-packages-cuda.yml")
        for name in ("environment.yml", *names):
            assert packed.read(f"bootstrap/data/{name}") == (ROOT / name).read_bytes()
        assert "bootstrap/py.typed" in packed.namelist()
        assert "workbench/data/newton-opticks-queries.txt" in packed.namelist()
        assert not [n for n in packed.namelist() if n.startswith(("tests/", "demo/", "benchmarks/"))]


def test_what_a_runtime_receives(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        metadata = message_from_bytes(next(packed.read(n) for n in packed.namelist() if n.endswith("/METADATA")))
    required = [Requirement(text) for text in metadata.get_all("Requires-Dist") or []]
    plain = {r.name.lower() for r in required if "extra" not in str(r.marker)}
    assert plain == {"condacolab", "packaging", "py-rattler", "pyyaml", "rich"}
    rattler = next(r for r in required if r.name == "py-rattler")
    assert str(rattler.specifier).startswith("=="), "its API moves between minor versions"


@pytest.mark.parametrize("kind", one_of("*.whl", "*.tar.gz"))
def test_installed_it_finds_its_lock_and_runs(built: Path, tmp_path: Path, kind: str) -> None:
    """In a virtual environment of its own, with what it depends on taken from this one."""
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    install = [sys.executable, "-m", "pip", "--python", home / "bin/python", "install", "--quiet", "--no-deps"]
    subprocess.run([*install, next(built.glob(kind))], check=True, capture_output=True)
    site = next(home.glob("lib/python3*/site-packages"))
    # After its own, so that only dependencies come from there.
    (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    program = (
        "import bootstrap; from bootstrap.locate import find_lock; print(bootstrap.__file__); "
        "print(find_lock(variant='cpu')); "
        "print(bootstrap.explain_lock(variant='cpu').version('numpy'))"
    )
    done = subprocess.run(
        [home / "bin/python", "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    module, lock, version = done.stdout.split()
    assert Path(module) == site / "bootstrap/__init__.py"
    assert Path(lock) == site / "bootstrap/data/conda-lock.yml"
    assert f"name: numpy\n  version: {version}" in (ROOT / "conda-lock.yml").read_text()
    command = [home / "bin/bootstrap", "explain-lock", "numpy", "--variant", "cpu"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert version in told.stdout


def test_the_readme_stands_alone_on_pypi(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        text = next(packed.read(n) for n in packed.namelist() if n.endswith("/METADATA")).decode()
    links = re.findall(r"\]\(([^)]+)\)", text)
    own = [link for link in links if f"/v{__version__}/" in link]
    assert len(own) > 10
    assert all(link.startswith("https://") for link in links)
    assert all((ROOT / link.partition(f"/v{__version__}/")[2]).exists() for link in own)
    raw = URL.replace("github.com", "raw.githubusercontent.com")
    assert all(link.startswith((f"{URL}/blob/", f"{raw}/")) for link in own)


@pytest.mark.exhaustive
def test_each_way_to_install_that_the_page_shows(built: Path, tmp_path: Path) -> None:
    """From a folder in place of PyPI, a local repository and a local server, into an environment of its own."""
    version = f"v{__version__}"
    repository = tmp_path / "repository"
    with tarfile.open(next(built.glob("*.tar.gz"))) as packed:
        packed.extractall(tmp_path, filter="data")
    next(tmp_path.glob("condacolab_bootstrap-*")).rename(repository)
    for command in (["init", "-q"], ["add", "--force", "."], ["commit", "-qm", "A release"], ["tag", version]):
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "tag.gpgsign=false"]
        subprocess.run(["git", *identity, *command], cwd=repository, check=True)
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin/python"
    commands = [c.text for block in blocks(ROOT / "docs/install.md") for c in block.commands]
    assert len(commands) == 4
    with serve(built) as server:
        for command in commands:
            for shown, local in (
                (f"git+{URL}", f"git+{repository.as_uri()}"),
                (f"{URL}/releases/download/{version}", server.url),
                ("/content", str(built)),
                ("-qq condacolab-bootstrap", f"-qq --no-index --find-links {built} condacolab-bootstrap"),
            ):
                command = command.replace(shown, local)
            options = "--no-deps --force-reinstall --disable-pip-version-check"
            command = command.replace("pip install", f"{sys.executable} -m pip --python {python} install {options}")
            done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{command}\n{done.stderr}"
            program = "import bootstrap; print(bootstrap.__version__, bootstrap.__file__)"
            told = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True, check=True).stdout
            assert told.split()[0] == __version__
            assert (Path(told.split()[1]).parent / "data/conda-lock.yml").read_bytes() == LOCK.read_bytes(), command


@pytest.mark.exhaustive  # it fetches all that conda-lock depends on
def test_a_lock_by_uvx_leaves_the_python_that_it_is_called_from_alone(built: Path, tmp_path: Path) -> None:
    """The command of docs/add-a-package.md, with the wheel built here, on a channel of its own."""
    [command] = [c.text for b in blocks(ROOT / "docs/add-a-package.md") for c in b.commands if "uvx" in c.text]
    channel = write_channel(tmp_path / "channel", PACKAGES)
    home = tmp_path / "content"
    home.mkdir()
    (home / "environment.yml").write_text(f"channels: ['{channel.as_uri()}']\ndependencies: [numpy, pytorch]\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "runtime"], check=True)
    site = next(tmp_path.glob("runtime/lib/python3*/site-packages"))
    setting = {
        **{name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")},
        "PATH": f"{tmp_path}/runtime/bin{os.pathsep}{Path(find_uv_bin()).parent}{os.pathsep}{os.environ['PATH']}",
        "UV_FIND_LINKS": str(built),
        "UV_TOOL_DIR": str(tmp_path / "tools"),
        # As Colab sets it.
        "UV_CONSTRAINT": "",
    }
    done = subprocess.run(["bash", "-c", command], cwd=home, env=setting, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {r.name for r in read_lock(home / "conda-lock-cuda.yml").records} > {"numpy", "pytorch", "cuda-version"}
    assert read_lock(home / "conda-lock.yml").content_hash
    assert sorted(path.name for path in home.iterdir()) == [
        "conda-lock-cuda.yml",
        "conda-lock.yml",
        "environment.yml",
    ]
    assert not list(site.iterdir())
