"""The layers of a Colab machine, each made once and kept under ``.cache/colab``, by what it is made of.

interpreter   an installed CPython, laid out as Ubuntu has it: /usr/bin/python3, /usr/lib/python3.X
packages      what pip installs with it from wheels, to /usr/local
image         the files under ``image/``: google.colab, the kernel's launcher, IPython's configuration

``BOOTSTRAP_COLABTOOLS`` may name a checkout of github.com/googlecolab/colabtools: its ``google.colab``, which is the
real one, then takes the place of the one under ``image/``.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from uv import find_uv_bin

from tests.support import ROOT, once
from tests.support.channel.interpreter import relocate
from tests.support.channel.target import Target
from tests.support.once import digest

from .root import HOME, Root

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
IMAGE = HERE / "image"
REQUIREMENTS = HERE / "requirements.txt"
LAB_REQUIREMENTS = HERE / "lab-requirements.txt"

_SKIPPED_FOLDERS = {"test", "tests", "site-packages", "dist-packages", "idlelib", "turtledemo", "tkinter"}
_SKIPPED_FILES = re.compile(
    r"(_tkinter|libpython).*|EXTERNALLY-MANAGED|sitecustomize\.py|.*\.(opt-\d\.pyc|a|o)|config-3.*"
)


def colab_package() -> Path:
    """The folder that holds ``colab``: the imitation's, or that of the checkout which ``BOOTSTRAP_COLABTOOLS`` names.

    Raises:
        RuntimeError: There is none.
    """
    named = os.environ.get("BOOTSTRAP_COLABTOOLS")
    parent = Path(named) if named else IMAGE / "dist-packages"
    if not (parent / "google/colab/_kernel.py").is_file():
        raise RuntimeError(f"BOOTSTRAP_COLABTOOLS={named} is no checkout of googlecolab/colabtools")
    return parent / "google"


def cache() -> Path:
    """Where layers and wheels are kept: ``.cache/colab``, or where ``BOOTSTRAP_COLAB_CACHE`` says."""
    folder = Path(os.environ.get("BOOTSTRAP_COLAB_CACHE", ROOT / ".cache/colab"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def made_once(name: str, key: str, build: Callable[[Path], None]) -> Path:
    """A folder of the cache: as it is, or built; see `once.made_once`."""
    return once.made_once(cache(), name, key, build)


def colab_layers(target: Target) -> list[Path]:
    """The layers of a Colab machine with this Python, topmost first."""
    interpreter = made_once(
        f"interpreter-{target.short}", interpreter_key(target), lambda at: build_interpreter(at, target)
    )
    recipe = inspect.getsource(_build_packages) + inspect.getsource(_installing)
    packages_key = digest(interpreter, REQUIREMENTS.read_text(encoding="utf-8"), recipe)
    packages = made_once(
        f"packages-{target.short}", packages_key, lambda at: _build_packages(at, target, interpreter)
    )
    google = colab_package()
    found = sorted({*IMAGE.rglob("*"), *google.rglob("*")})
    files = [path for path in found if path.is_file() and path.suffix != ".pyc"]
    image_key = digest(
        packages, Path(__file__).read_text(encoding="utf-8"), *files, *(path.read_bytes() for path in files)
    )
    image = made_once(
        f"image-{target.short}", image_key, lambda at: _build_image(at, target, google, [packages, interpreter])
    )
    return [image, packages, interpreter]


def interpreter_key(target: Target) -> str:
    """What the layer of an interpreter depends on."""
    added = [(IMAGE / name).read_text(encoding="utf-8") for name in ("sitecustomize.py", "sysconfig_debian.py")]
    return digest(json.dumps(target.identity()), *added, _SKIPPED_FILES.pattern, sorted(_SKIPPED_FOLDERS))


def build_interpreter(root: Path, target: Target) -> None:
    """Lays an installed CPython out as Ubuntu has it.

    Python finds its prefix from where its binary lies, so it needs no relocation but in what sysconfig recorded.
    """
    short = target.short
    for name in ("usr/bin", "usr/local/bin", f"usr/local/lib/python{short}/dist-packages", "etc/alternatives"):
        (root / name).mkdir(parents=True, exist_ok=True)
    binary = root / f"usr/bin/python{short}"
    shutil.copy(target.executable, binary)
    (root / "etc/alternatives/python3").symlink_to(f"/usr/bin/python{short}")
    (root / "usr/bin/python3").symlink_to("/etc/alternatives/python3")
    (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    libraries = root / "usr/lib/x86_64-linux-gnu"
    libraries.mkdir(parents=True)
    for library in target.libdir.glob(f"libpython{short}*.so.*"):
        shutil.copy(library, libraries / library.name)

    stdlib = root / f"usr/lib/python{short}"
    shutil.copytree(
        target.stdlib,
        stdlib,
        ignore=lambda _, names: {n for n in names if n in _SKIPPED_FOLDERS or _SKIPPED_FILES.fullmatch(n)},
        ignore_dangling_symlinks=True,
    )
    shutil.copy(IMAGE / "sitecustomize.py", stdlib)
    for name in ("sysconfig.py", "sysconfig/__init__.py"):
        if (stdlib / name).is_file() and "posix_local" not in (stdlib / name).read_text(encoding="utf-8"):
            with (stdlib / name).open("a", encoding="utf-8") as stream:
                stream.write((IMAGE / "sysconfig_debian.py").read_text(encoding="utf-8"))
    for path in stdlib.glob("_sysconfigdata_*.py"):
        path.write_text(relocate(path.read_text(encoding="utf-8"), str(target.prefix), "/usr"), encoding="utf-8")
    _make_places(root)
    with Root.make([root]) as standing:
        compiling = ["python3", "-m", "compileall", "-q", "-j", "0", f"/usr/lib/python{short}"]
        standing.run(compiling, cwd="/", timeout=600, check=True)
        _keep(standing, root)


def _make_places(root: Path) -> None:
    """The folders that a Colab machine has of its own, and those that the kernel's file systems go to."""
    for name in (
        "content",
        "dev",
        "media",
        "mnt",
        "opt/bin",
        "proc",
        "root",
        "run",
        "srv",
        "sys",
        "usr/lib64-nvidia",
    ):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("var/cache", "var/log", "var/wheels/product", "var/wheels/packages"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("env/python", "etc/ipython", "home", "tools/node/bin"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("tmp", "var/tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name).chmod(0o1777)


def _build_packages(root: Path, target: Target, interpreter: Path) -> None:
    folder = f"/usr/local/lib/python{target.short}/dist-packages"
    with _installing(target, REQUIREMENTS, [interpreter]) as (standing, install):
        standing.run(install, cwd="/", timeout=600, check=True)
        # Some packages carry files for other Pythons, which don't compile; nobody imports their tests.
        compiling = ["python3", "-m", "compileall", "-q", "-j", "0", "-x", "/(tests?|fontTools)/", folder]
        standing.run(compiling, cwd="/", timeout=600)
        _keep(standing, root)


# JupyterLab would ask whether to fetch news, and ipyparallel's part of the page needs its part of the server.
_LAB_SETTINGS = {
    "overrides.json": {
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
    },
    "page_config.json": {"disabledExtensions": {"ipyparallel-labextension": True}},
}


def lab_folder(target: Target) -> Path:
    """JupyterLab, for ``sys.path`` of a server in a root with this Python."""
    layers = colab_layers(target)

    def build(folder: Path) -> None:
        with _installing(target, LAB_REQUIREMENTS, layers) as (standing, install):
            standing.run([*install, "--target", "/srv/lab"], cwd="/", timeout=600, check=True)
            subprocess.run(["cp", "-a", f"{standing.path('/srv/lab')}/.", folder], check=True)
        for name, content in _LAB_SETTINGS.items():
            path = folder / "share/jupyter/lab/settings" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content), encoding="utf-8")

    key = digest(layers[1], LAB_REQUIREMENTS.read_text(encoding="utf-8"), json.dumps(_LAB_SETTINGS))
    return made_once(f"lab-{target.short}", key, build)


@contextmanager
def _installing(target: Target, requirements: Path, layers: list[Path]) -> Iterator[tuple[Root, list[str]]]:
    """A root with the wheels that a list asks for, and the command that installs them (uv: a third of pip's time)."""
    wheels = cache() / "wheels"
    with once.locked(cache() / "wheels.lock"):
        download(target, ["--no-deps", "-r", requirements], wheels)
    binds = {"/wheels": wheels, "/requirements.txt": requirements, "/uv": Path(find_uv_bin())}
    with Root.make(layers, binds=binds) as standing:
        command = ["/uv", "pip", "install", "--quiet", "--no-deps", "--no-index", "--find-links", "/wheels"]
        yield (
            standing,
            [*command, "--cache-dir", "/tmp/uv", "--python", "/usr/bin/python3", "-r", "/requirements.txt"],
        )


def download(target: Target, wanted: list[str | Path], folder: Path) -> None:
    """Fetches wheels for an interpreter, by this environment's pip and its configuration.

    Args:
        target: Whose tags and markers decide.
        wanted: pip's arguments: requirements and options.
        folder: Where the wheels go; what is there already is not fetched again.
    """
    pip = [sys.executable, "-m", "pip", "--python", target.executable, "--disable-pip-version-check"]
    command = [
        *pip,
        "download",
        "--quiet",
        "--only-binary",
        ":all:",
        "--find-links",
        folder,
        "--dest",
        folder,
        *wanted,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"pip can't fetch what the Colab stand-in needs:\n{done.stdout}{done.stderr}")


def _build_image(root: Path, target: Target, google: Path, below: list[Path]) -> None:
    packages = f"usr/local/lib/python{target.short}/dist-packages"
    for name in ("content", "etc", "root", "usr"):
        shutil.copytree(IMAGE / name, root / name, dirs_exist_ok=True)
    ignored = shutil.ignore_patterns("__pycache__")
    (root / packages).mkdir(parents=True)
    shutil.copy(IMAGE / "dist-packages/colab_kernel_launcher.py", root / packages)
    shutil.copytree(google, root / packages / "google", ignore=ignored)
    _write_metadata(root / packages)
    with Root.make([root, *below]) as standing:
        standing.run(["python3", "-m", "compileall", "-q", f"/{packages}/google"], cwd="/", check=True)
        standing.run(
            ["python3", "-m", "compileall", "-q", f"/{packages}/colab_kernel_launcher.py"], cwd="/", check=True
        )
        _keep(standing, root)


def _write_metadata(packages: Path) -> None:
    """google-colab's metadata: pip reads its requirements when it tells of conflicts."""
    pins = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    names = (
        "google-auth",
        "ipykernel",
        "ipyparallel",
        "ipython",
        "jupyter_server",
        "pandas",
        "portpicker",
        "requests",
        "tornado",
    )
    lines = [f"Requires-Dist: {pin}" for pin in pins if re.split("[=;]", pin)[0] in names]
    folder = packages / "google_colab-1.0.0.dist-info"
    folder.mkdir()
    header = ["Metadata-Version: 2.1", "Name: google-colab", "Version: 1.0.0", "Summary: a stand-in for tests"]
    (folder / "METADATA").write_text("\n".join([*header, *lines, ""]), encoding="utf-8")
    (folder / "INSTALLER").write_text("pip\n", encoding="utf-8")
    files = sorted(path for path in (packages / "google").rglob("*") if path.is_file())
    records = [f"{path.relative_to(packages)},," for path in [packages / "colab_kernel_launcher.py", *files]]
    records += [f"{folder.name}/{name},," for name in ("METADATA", "INSTALLER", "RECORD")]
    (folder / "RECORD").write_text("\n".join([*records, ""]), encoding="utf-8")


def _keep(standing: Root, root: Path) -> None:
    """Adds what was written in a root to the layer that is being made."""
    standing.run(["rm", "-rf", "/tmp", f"{HOME}/.cache"], cwd="/")
    upper = standing.outer(f"{standing.stage}/upper")
    for name in ("etc", "usr"):
        if (upper / name).exists():
            subprocess.run(["cp", "-a", upper / name, root], check=True)
