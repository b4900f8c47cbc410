"""Other Pythons of this machine, found as a user would find them: on the PATH, or by pyenv."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path


@functools.cache
def find_python(version: str) -> Path | None:
    """A working interpreter of a minor version (``3.12``); None where there is none."""
    candidates = [shutil.which(f"python{version}")]
    if pyenv := shutil.which("pyenv"):
        listed = subprocess.run([pyenv, "versions", "--bare"], capture_output=True, text=True, check=False).stdout
        for name in (line.strip() for line in listed.splitlines()):
            if name.startswith(f"{version}."):
                prefix = subprocess.run([pyenv, "prefix", name], capture_output=True, text=True, check=False)
                candidates.append(f"{prefix.stdout.strip()}/bin/python")
    for candidate in candidates:
        if candidate is None:
            continue
        program = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
        try:
            done = subprocess.run([candidate, "-c", program], capture_output=True, text=True, check=False)
        except OSError:
            continue
        if done.stdout.strip() == version:
            return Path(candidate)
    return None
