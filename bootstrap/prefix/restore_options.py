"""How a restore gets packages and treats what it finds: the same for `restore`, `run` and condacolab's installer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class RestoreOptions:
    """The options of a restore that its caller passes on, by the command line's names."""

    cache: Path | None = None
    """Folder of unpacked packages; `default_cache()` unless given."""
    offline: bool = False
    """Use only what the cache holds."""
    adopt: bool = False
    """Also take over a conda environment that this program did not create."""

    @property
    def words(self) -> list[str]:
        """The same for the command line."""
        words: list[str] = []
        for name, value in vars(self).items():
            if value:
                words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        return words
