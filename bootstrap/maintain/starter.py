"""A first environment.yml for somebody's own environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap.errors import SpecificationExistsError
from bootstrap.maintain.lockfile import make_folder, place

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_STARTER = """\
# What the locked environment holds. `bootstrap lock` solves it into conda-lock.yml (CPU) and conda-lock-cuda.yml
# (NVIDIA GPU). `bootstrap.run()` in a notebook beside them takes the one that fits its machine.
name: notebook
channels:
  - conda-forge
dependencies:
  # Your packages, by their names on conda-forge; with a bound only where you know a reason for it.
  # - scikit-learn
  # - pytorch >=2.6

  # What a kernel needs, and what google.colab imports from the environment that it runs in.
{needs}
  # For `%pip install` and `!conda install`.
  - pip
  - conda >=24.9
"""


def write_starter(path: Path, needs: Iterable[str]) -> None:
    """Writes an environment.yml with what a kernel needs, for its owner to add to.

    Args:
        path: Where to; nothing may be there.
        needs: Packages, each with its bound.

    Raises:
        SpecificationExistsError: Something is there.
        LockNotWritableError: It can't be written.
    """
    if path.exists():
        raise SpecificationExistsError("There is a specification already. Nothing was changed.", evidence=[str(path)])
    make_folder(path.parent)
    place({path: _STARTER.format(needs="\n".join(f"  - {need}" for need in needs))})
