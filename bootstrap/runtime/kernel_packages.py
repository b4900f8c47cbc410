"""Packages of the machine's own Python that only a kernel's process in the environment sees, on both sides.

- ``front``, before the environment's packages: what lies between the page and Python, in the VM's versions, because
  ``google.colab`` and the page are written for those.
- ``behind``, after all others: what ``front`` and ``google.colab`` import, at once or later (portpicker, gspread),
  and the environment doesn't have; and google-colab's metadata, which pip in the environment must not judge.

A distribution comes only if it is pure Python, and so is all that would have to come with it: what is compiled has to
be in the lock. `kernel.interface` puts both on a kernel's path.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from typing import TYPE_CHECKING

from bootstrap._util.names import canonical_name
from bootstrap.runtime.distributions import copy_distribution, find, pure_closure, required

if TYPE_CHECKING:
    from pathlib import Path

    from bootstrap.runtime.environment_paths import EnvironmentPaths

COLAB_DISTRIBUTION = "google-colab"
FRONT = ("ipython", "ipykernel", "ipywidgets", "anywidget")
"""Between the page and Python."""
ABSENT_NAME = "absent"
"""File in ``front``: names, one a line, of what its packages require and the environment has, but not the machine."""


def build(layout: EnvironmentPaths) -> None:
    """Makes both folders, for the bridge's `google.colab`."""
    packages = layout.site_packages()
    there = {canonical_name(path.name.partition("-")[0]) for path in packages.glob("*.*-info")} | set(FRONT)
    front = {name: closure for name in FRONT if (closure := pure_closure(name, there)) is not None}
    later = [name for name in _imports(layout.bridge / "google/colab") if not _has_module(packages, name)]
    behind = set().union(*front.values(), *(pure_closure(name, there) or () for name in later)) - set(front)
    for folder, names in ((layout.front, front), (layout.behind, behind)):
        folder.mkdir(parents=True)
        for name in names:
            copy_distribution(name, folder)
    copy_distribution(COLAB_DISTRIBUTION, layout.behind, only=".dist-info")
    _repair_autoreload(layout.front)
    wanted = {name for root in front for name in required(metadata.distribution(root))}
    absent = sorted(name for name in wanted & there if find(name) is None)
    (layout.front / ABSENT_NAME).write_text("".join(f"{name}\n" for name in absent), encoding="utf-8")


def _repair_autoreload(front: Path) -> None:
    """``%autoreload``: IPython 7's takes ``reload`` from ``imp``, which Python no longer has from 3.12 on."""
    file = front / "IPython/extensions/autoreload.py"
    if file.is_file():
        text = file.read_text(encoding="utf-8").replace("from imp import reload", "from importlib import reload")
        # The copy may be another name of the machine's own file.
        file.unlink()
        file.write_text(text, encoding="utf-8")


def _has_module(packages: Path, name: str) -> bool:
    return (packages / name).is_dir() or any(packages.glob(f"{name}.*"))


def _imports(package: Path) -> set[str]:
    """The top-level names that a package's files import, at once or later, also in code that they hold as text.

    The standard library's and ``google`` are left out.
    """
    imported: set[str] = set()
    for file in package.rglob("*.py"):
        imported.update(re.findall(r"^\s*(?:import|from) (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE))
    return imported - sys.stdlib_module_names - {"google"}
