"""Is this numpy healthy, and if not, which file, package or setting is to blame?

`check` looks at an environment from three sides: on disk (every file against its package, every package
against the lock), in a fresh process of the environment's own Python (where numpy comes from, what it computes,
what imports, what shares memory), and in the running process itself, where that is asked for (what it has loaded).
What fails is repeated with one thing taken away. Findings are joined into causes, each with its history and its
repair. Nothing in this package imports numpy: probes do, in their own process.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.errors import PrefixNotFoundError
from bootstrap.health import html_report, repair  # noqa: F401 - they give `Report` its methods
from bootstrap.health.import_names import DEPENDENTS
from bootstrap.health.model import Cause, FileFault, ProbeResult, RecordFault, Report
from bootstrap.health.runner import CATALOGUE, LIVE_CATALOGUE, direct, run_check
from bootstrap.health.text_report import exit_code, render, to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bootstrap.lock import Lock

__all__ = [
    "CATALOGUE",
    "DEPENDENTS",
    "LIVE_CATALOGUE",
    "Cause",
    "FileFault",
    "ProbeResult",
    "RecordFault",
    "Report",
    "check",
    "exit_code",
    "render",
    "to_text",
]


def check(
    prefix: Path | None = None,
    *,
    python: Path | None = None,
    lock: Lock | None = None,
    imports: Sequence[str] | None = None,
    also: Sequence[str] = (),
    full: bool = True,
    live: bool = False,
    timeout: float = 120.0,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Check numpy and its dependents in one environment.

    Args:
        prefix: The environment; by default that of ``python``.
        python: The interpreter to examine; by default the prefix's own, or the running one.
        full: Hash every file and import every dependent. Otherwise numpy is hashed, and what shows a sign of
            change; scipy, pandas and pyarrow are imported, other compiled packages looked at.
        live: Also examine the running process, whose interpreter ``python`` has to be.
        lock: What should be installed. Without it, files are still compared with what their package says.
        imports: Packages to import (distributions, conda packages or modules; those that aren't installed are
            left out). By default those of `DEPENDENTS` and all others with extension modules that use numpy,
            or the three quick ones; an empty sequence imports none.
        also: More to import beside those of the default, at the full level.
        timeout: Seconds that one probe may take.
        progress: Called with a few words at each stage.

    Raises:
        PrefixNotFoundError: There is no such environment or interpreter.
    """
    if python is None:
        python = Path(sys.executable) if prefix is None else prefix / "bin" / "python"
    if prefix is not None and not prefix.is_dir():
        raise PrefixNotFoundError("There is no environment at the prefix.", evidence=[f"{prefix}: not found"])
    return run_check(
        direct(python),
        prefix=None if prefix is None else direct(prefix),
        lock=lock,
        imports=imports,
        also=also,
        full=full,
        live=live,
        timeout=timeout,
        progress=progress or (lambda _stage: None),
    )
