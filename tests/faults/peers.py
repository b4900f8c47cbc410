"""What people use instead, on the same faults: each answers whether it notices anything."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from bootstrap.health.record_files import file_sha256

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
    """The rules of ``conda doctor`` on packages, as conda 26.7 has them.

    Whatever a record lists in ``files`` leads to something; whatever has a ``sha256_in_prefix`` and leads to a file
    has that content, so of a link its goal counts; what a package depends on is installed. Bytecode is left out. It
    knows nothing of an environment that conda did not make.
    """
    if not site.conda:
        return False
    try:
        records = [json.loads(meta.read_bytes()) for meta in (site.root / "conda-meta").glob("*.json")]
    except ValueError:
        return True
    return any(_missing_or_altered(site.root, record) for record in records) or not _consistent(records)


def _missing_or_altered(root: Path, record: dict[str, Any]) -> bool:
    if any(not path.endswith((".pyc", ".pyo")) and not (root / path).exists() for path in record["files"]):
        return True
    hashes = {entry["_path"]: entry.get("sha256_in_prefix") for entry in record["paths_data"]["paths"]}
    return any(
        known
        and not path.endswith((".pyc", ".pyo"))
        and (root / path).is_file()
        and file_sha256(root / path) != known
        for path, known in hashes.items()
    )


def _consistent(records: list[dict[str, Any]]) -> bool:
    installed = {record["name"] for record in records}
    needed = {spec.split()[0] for record in records for spec in record["depends"]}
    return all(name in installed or name.startswith("__") for name in needed)


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
