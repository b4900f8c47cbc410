"""What pip finds inside: this project's wheel as it is now, what it depends on, and a later numpy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import tomllib

from tests.support import ROOT
from tests.support.channel.target import Target
from tests.support.once import digest

from .layers import download, made_once

# The numpy of the reported failure: pip lays it over the one that the kernel has loaded.
LATER_NUMPY = "numpy==2.3.4"


def wheel_folders(target: Target) -> dict[str, Path]:
    """The folders that ``/etc/pip.conf`` names, by their path inside; made where they are missing or outdated."""
    return {"/var/wheels/product": _product(), "/var/wheels/packages": _packages(target)}


def _product() -> Path:
    packages = (ROOT / "bootstrap", ROOT / "workbench")
    packed = [path for package in packages for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    packed += [ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE")]
    packed += ROOT.glob("conda-lock*.yml")
    key = digest(*(f"{path.relative_to(ROOT)} {digest(path.read_bytes())}" for path in sorted(packed)))

    def build(folder: Path) -> None:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT]
        subprocess.run(command, check=True, capture_output=True)

    return made_once("product", key, build)


def _packages(target: Target) -> Path:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"]

    def build(folder: Path) -> None:
        download(target, wanted, folder)
        download(target, ["--no-deps", LATER_NUMPY], folder)

    return made_once(f"wheels-{target.short}", digest(target.version, *wanted, LATER_NUMPY), build)
