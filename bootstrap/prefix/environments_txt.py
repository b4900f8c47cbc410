"""The list in which conda keeps where environments are: ``~/.conda/environments.txt``."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from bootstrap._util.atomic import write_atomically

REGISTER_VARIABLE = "CONDA_REGISTER_ENVS"
"""conda's own switch: where it says no, environments are not listed."""


def environments_txt() -> Path:
    """The list of this user."""
    return Path("~/.conda/environments.txt").expanduser()


def register(prefix: Path) -> None:
    """Lists a prefix, unless it is listed already; where the list can't be written, conda does without, too."""
    if os.environ.get(REGISTER_VARIABLE, "").lower() in ("0", "false", "no", "off"):
        return
    listing = environments_txt()
    # Only `conda env list` needs it: no reason to fail for.
    with suppress(OSError, UnicodeDecodeError):
        text = listing.read_text(encoding="utf-8") if listing.exists() else ""
        if str(prefix) not in text.splitlines():
            listing.parent.mkdir(parents=True, exist_ok=True)
            with listing.open("a", encoding="utf-8") as file:
                file.write("\n" * (text != "" and not text.endswith("\n")) + f"{prefix}\n")


def unregister(prefix: Path) -> bool:
    """Takes a prefix out of the list, and deletes a list with nothing else in it; returns whether it was there."""
    listing = environments_txt()
    with suppress(OSError, UnicodeDecodeError):
        lines = listing.read_text(encoding="utf-8").splitlines()
        if str(prefix) in lines:
            rest = [line for line in lines if line != str(prefix)]
            if rest:
                write_atomically(listing, "".join(f"{line}\n" for line in rest), shared=True, durable=False)
            else:
                listing.unlink()
                with suppress(OSError):
                    listing.parent.rmdir()
            return True
    return False
