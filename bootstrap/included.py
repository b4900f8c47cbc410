"""Files that come with the package: inside it in a wheel, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def places(name: str) -> tuple[Path, Path]:
    """Where a file of the repository may lie: in the installed package, in a checkout."""
    return _PACKAGE / "data" / Path(name).name, _PACKAGE.parent / name
