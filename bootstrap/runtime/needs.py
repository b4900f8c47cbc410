"""What a lock must hold for a notebook's kernel to run in its environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap.errors import KernelNotLockedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootstrap.lock import Record

KERNEL = {
    "python": "python >=3.11,<3.14",
    "numpy": "numpy >=2.0,<3",
    "ipykernel": "ipykernel 6.*",
    "ipython": "ipython >=7.34,<8.12",
    # For this program itself, and with it the way back out of the environment.
    "rich": "rich",
    "pyyaml": "pyyaml",
}
"""Names to lines of environment.yml: what every kernel needs."""
COLAB = {
    "pandas": "pandas >=2.2,<3",
    "requests": "requests",
    "tornado": "tornado >=6.5",
    "google-auth": "google-auth",
    "httplib2": "httplib2",
    # Compiled, or they need what is: they can't come from the machine.
    "anywidget": "anywidget",
    "pillow": "pillow",
}
"""What Colab's needs besides; what else google.colab imports and is pure Python comes from the machine."""


def require_kernel(records: Iterable[Record], *, colab: bool) -> None:
    """Sees to it that a lock holds what a kernel needs.

    Raises:
        KernelNotLockedError: Something is missing.
    """
    locked = {record.name for record in records}
    missing = [line for name, line in {**KERNEL, **(COLAB if colab else {})}.items() if name not in locked]
    if missing:
        raise KernelNotLockedError(
            "This lock lacks packages that a notebook's kernel needs. Nothing was changed.",
            evidence=[f"  - {line}" for line in missing],
        )
