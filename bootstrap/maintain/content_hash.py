"""conda-lock's hash of what a lock was solved from; the one module that imports conda_lock.

It covers channels, specs and virtual packages, not the text of the files: comments may change freely.
"""

from __future__ import annotations

import contextlib
import io
import logging
from importlib import import_module
from typing import TYPE_CHECKING

from bootstrap.errors import CondaLockNotFoundError, SpecificationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Only a pip: section would make conda-lock look names up; with this URL it can't by mistake.
_NO_LOOKUP = "file:///dev/null"


def accepted_hashes(
    specification: Path, virtual_packages: Path, *, platform: str, channels: Sequence[str] = ()
) -> frozenset[str]:
    """The content hashes that a lock of this specification may have.

    There are several, since conda-lock has written the same content in more than one way.

    Args:
        specification: environment.yml.
        virtual_packages: The virtual packages that the lock is solved for.
        platform: E.g. ``linux-64``.
        channels: Channels in place of the specification's own.

    Raises:
        CondaLockNotFoundError: conda-lock isn't installed.
        SpecificationError: One of the files can't be used.
    """
    try:
        # By name: it ships no types, and is absent where only the runtime's dependencies are.
        hashing = import_module("conda_lock.content_hash")
        parsing = import_module("conda_lock.src_parser")
        machines = import_module("conda_lock.virtual_package")
    except ImportError as error:
        raise CondaLockNotFoundError("conda-lock isn't installed.", evidence=[str(error)]) from error
    logging.getLogger("conda_lock").setLevel(logging.ERROR)
    try:
        # It reports on stderr; what matters of it comes as an exception.
        with contextlib.redirect_stderr(io.StringIO()):
            spec = parsing.make_lock_spec(
                src_files=[specification],
                channel_overrides=list(channels) or None,
                platform_overrides=[platform],
                mapping_url=_NO_LOOKUP,
            )
            machine = machines.virtual_package_repo_from_specification(virtual_packages)
            return frozenset(hashing.backwards_compatible_content_hashes(spec, machine, platform))
    except OSError as error:
        raise SpecificationError(
            f"Can't read a file of the specification: {error.strerror or error}.",
            evidence=[str(error.filename or error)],
        ) from error
    except Exception as error:  # conda-lock raises what its parsers raise
        raise SpecificationError(
            "conda-lock can't parse the specification.", evidence=[f"{type(error).__name__}: {error}"]
        ) from error
