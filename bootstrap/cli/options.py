"""Options that several commands share, named and abbreviated as conda's are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.errors import UsageError

if TYPE_CHECKING:
    import argparse

LOCK_HELP = "path or https URL of a conda-lock.yml [default: the one here, else the included one]"


def add_lock(command: argparse.ArgumentParser, meaning: str = LOCK_HELP) -> None:
    """``--lock`` and ``--variant``."""
    add_lock_file(command, meaning)
    command.add_argument(
        "--variant",
        type=gpu_is_cuda,
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="which lock to use without --file; auto: what this machine's NVIDIA driver supports [default: auto]",
    )


def gpu_is_cuda(variant: str) -> str:
    """A variant's name as typed, with what `gpu` means."""
    return "cuda" if variant == "gpu" else variant


def add_lock_file(command: argparse.ArgumentParser, meaning: str) -> None:
    """``--lock``."""
    command.add_argument("-f", "--file", "--lock", dest="lock", metavar="FILE", help=meaning)


def add_prefix(command: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """``--prefix`` and ``--name``; returns their group, which more can be added to that excludes them."""
    group = command.add_mutually_exclusive_group()
    default = "$BOOTSTRAP_PREFIX, the activated environment, the one made by `run`, /opt/conda"
    group.add_argument(
        "-p",
        "--prefix",
        type=Path,
        metavar="DIR",
        help=f"the environment's folder [default, the first of: {default}]",
    )
    group.add_argument("-n", "--name", dest="prefix", type=named, metavar="NAME", help="the environment's conda name")
    return group


def named(name: str) -> Path:
    """The folder of an environment as conda names it: ``base``, or a folder's name among conda's environments.

    Raises:
        UsageError: It isn't a name.
    """
    if not name or Path(name).name != name:
        raise UsageError(f"{name!r} is not an environment name.", hint="Pass a folder with `--prefix`.")
    # conda's own variables, as it sets and reads them.
    root = os.environ.get("MAMBA_ROOT_PREFIX") or os.environ.get("CONDA_ROOT")
    if root is None and (program := os.environ.get("CONDA_EXE")):
        root = str(Path(program).parent.parent)
    if name in ("base", "root"):
        return Path(root or "/opt/conda")
    listed = os.environ.get("CONDA_ENVS_PATH") or os.environ.get("CONDA_ENVS_DIRS") or ""
    folders = [Path(each).expanduser() for each in listed.split(os.pathsep) if each]
    if root is not None and os.access(root, os.W_OK):
        folders.append(Path(root, "envs"))
    folders.append(Path.home() / ".conda/envs")
    return next((folder / name for folder in folders if (folder / name).is_dir()), folders[0] / name)


def add_cache(command: argparse.ArgumentParser) -> None:
    """``--cache``."""
    command.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="shared folder of unpacked packages [default: $BOOTSTRAP_CACHE or the user's cache]",
    )


def add_pack(command: argparse.ArgumentParser) -> None:
    """``--pack``."""
    command.add_argument(
        "--pack",
        metavar="FILE",
        help="path or https URL of a pack with lock and archives: nothing else is downloaded; #sha256=HEX may follow",
    )


def add_yes(command: argparse.ArgumentParser) -> None:
    """``--yes``, which conda's users type."""
    command.add_argument("-y", "--yes", action="store_true", help="accepted for compatibility; nothing is ever asked")


def add_dry_run(command: argparse.ArgumentParser, meaning: str) -> None:
    """``--dry-run``."""
    command.add_argument("-d", "--dry-run", action="store_true", help=meaning)


def add_all_for_making(command: argparse.ArgumentParser) -> None:
    """All that says which environment is made, where, and from what: the above, ``--offline`` and ``--adopt``."""
    add_lock(command)
    add_prefix(command)
    add_cache(command)
    add_pack(command)
    command.add_argument("--offline", action="store_true", help="download nothing; fail if the cache lacks a package")
    command.add_argument(
        "--adopt", action="store_true", help="take over a conda environment that bootstrap didn't create"
    )
    command.add_argument(
        "--profile",
        nargs="?",
        const=True,
        default=False,
        metavar="FILE",
        help="show where the time went; with FILE, also as a trace for Perfetto or speedscope",
    )
    add_yes(command)
