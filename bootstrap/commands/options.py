"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.api import LOCK_NAMES, PREFIX_ENV_VAR, default_prefix
from bootstrap.prefix.cache import ENV_VAR

if TYPE_CHECKING:
    import argparse


def add_lock(command: argparse.ArgumentParser) -> None:
    """``--lock`` and ``--variant``."""
    command.add_argument(
        "--lock",
        metavar="FILE",
        help="path or https address of a conda-lock.yml; else the one here, else the one shipped",
    )
    command.add_argument(
        "--variant",
        choices=["auto", *LOCK_NAMES],
        default="auto",
        help="which lock, where --lock names none: auto takes what this machine's NVIDIA driver supports",
    )


def add_prefix(command: argparse._ActionsContainer) -> None:
    """``--prefix``."""
    command.add_argument(
        "--prefix",
        type=Path,
        metavar="DIR",
        help=f"the environment's folder; default ${PREFIX_ENV_VAR} or {default_prefix()}",
    )


def add_cache(command: argparse.ArgumentParser) -> None:
    """``--cache``."""
    command.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help=f"folder of unpacked packages, shared by environments; default ${ENV_VAR} or the user's cache folder",
    )


def add_all_for_making(command: argparse.ArgumentParser) -> None:
    """All that says which environment is made, where, and from what: the above, ``--offline`` and ``--adopt``."""
    add_lock(command)
    add_prefix(command)
    add_cache(command)
    command.add_argument("--offline", action="store_true", help="fetch nothing; fail if the cache lacks a package")
    command.add_argument(
        "--adopt", action="store_true", help="also take over a conda environment that bootstrap did not make"
    )
