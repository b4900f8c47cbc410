"""What people use instead, on the same faults: each answers whether it notices anything."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from bootstrap.prefix.files import verify_files
from bootstrap.prefix.records import read_records

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.environments import Site

SECONDS = 30.0
"""After which a peer has noticed that something hangs; a busy machine takes a third of that for a healthy numpy."""


def _fails(site: Site, program: str) -> bool:
    """Whether a program fails, or doesn't end, in the environment's Python as a notebook would start it."""
    try:
        command, env = [site.python, "-c", program], site.environment
        done = subprocess.run(command, capture_output=True, check=False, timeout=SECONDS, cwd=site.folder, env=env)
    except (subprocess.TimeoutExpired, OSError):
        return True
    return done.returncode != 0


def center(site: Site) -> bool:
    """The probe that is passed around: ``from numpy._core.umath import _center``."""
    return _fails(site, "from numpy._core.umath import _center")


def import_numpy(site: Site) -> bool:
    """``import numpy`` in a fresh process."""
    return _fails(site, "import numpy; numpy.zeros(3)")


def pip_check(site: Site) -> bool:
    """``pip check``."""
    command = [sys.executable, "-m", "pip", "--python", str(site.python), "check"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=SECONDS, env=site.environment)
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def conda_doctor(site: Site) -> bool:
    """The rules of ``conda doctor``: files that conda-meta lists are there, and have their sha256.

    Its other rules (environment.txt, certificates, consistency of conda's own records) concern no files. It knows
    nothing of an environment that conda did not make. What Python itself rewrites is left out, in its favour.
    """
    if not site.conda:
        return False
    records, unreadable = read_records(site.root)
    return bool(unreadable) or any(not f.path.endswith(".pyc") for f in verify_files(site.root, records))


PEERS: dict[str, Callable[[Site], bool]] = {
    "_center": center,
    "import numpy": import_numpy,
    "pip check": pip_check,
    "conda doctor": conda_doctor,
}


def ask(site: Site) -> dict[str, bool]:
    """Every peer's answer."""
    with ThreadPoolExecutor() as pool:
        return dict(zip(PEERS, pool.map(lambda peer: peer(site), PEERS.values()), strict=True))
