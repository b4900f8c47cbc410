"""Is this numpy healthy, and if not, which file, package or setting is to blame?

`check` looks at an environment from three sides: on disk (every file against its package, every package
against the lock), in a fresh process of the environment's own Python (where numpy comes from, what it computes,
what imports, what shares memory), and in the running process itself, where that is asked for (what it has loaded).
What fails is repeated with one thing taken away. Findings are joined into causes, each with its history and its
repair. Nothing in this package imports numpy: probes do, in their own process.
"""

from __future__ import annotations

from bootstrap.health import repair  # noqa: F401 - it gives `Report` its method
from bootstrap.health.import_names import DEPENDENTS
from bootstrap.health.model import Cause, FileFault, ProbeResult, RecordFault, Report
from bootstrap.health.runner import CATALOGUE, LIVE_CATALOGUE, check

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
]
