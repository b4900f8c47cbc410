"""The payload in one file: a pack, conda-pack's tar, and a plain tar.zst, made before anything is measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from benchmarks.payload import Payload

NAMES = ("pack", "conda-pack", "tar.zst")
"""The contenders that restore from one."""


def make_packs(contenders: Collection[str], payload: Payload, folder: Path) -> dict[str, str]:
    """Makes what some contenders restore from; gives the words that their commands name it by.

    Args:
        contenders: The names of all that are measured.
        payload: What is installed.
        folder: Receives the files, and an environment that they are made of.

    Raises:
        subprocess.CalledProcessError: One can't be made.
    """
    words = {name.translate(str.maketrans("", "", "-.")): str(folder / f"payload.{name}") for name in NAMES}
    if not set(NAMES) & set(contenders):
        return words
    prefix, cache = folder / "packed-env", folder / "packed-cache"
    here = (sys.executable, "-m", "bootstrap")
    restore = ("restore", "--lock", str(payload.lock), "--prefix", str(prefix), "--cache", str(cache), "--quiet")
    _run(*here, *restore)
    _run(*here, "pack", "--prefix", str(prefix), "--output", words["pack"], "--quiet")
    if "conda-pack" in contenders:
        program = str(Path(sys.executable).with_name("conda-pack"))
        _run(program, "--prefix", str(prefix), "--output", words["condapack"], "--format", "tar", "--quiet")
    if "tar.zst" in contenders:
        _run("tar", "--create", "--zstd", "--file", words["tarzst"], "--directory", str(prefix), ".")
    return words


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
