"""`check`: which lock an environment is compared with, what is asked of it, and what its guard adds."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import guard, health
from bootstrap.health.rules.environment import GUARD_OFF, GUARD_UNDONE
from bootstrap.hints import command
from bootstrap.lock import PLATFORM, read_lock, validate
from bootstrap.lock.address import local_path
from bootstrap.lock.explanation import explain
from bootstrap.prefix.cache import default_cache
from bootstrap.prefix.manifest import restored_from
from bootstrap.prefix.records import is_environment, require_environment
from bootstrap.progress import Progress, Step

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from bootstrap.lock import Lock


def check_up(
    prefix: Path | None,
    python: Path | None,
    lock: str | os.PathLike[str] | None,
    *,
    imports: Sequence[str] | None,
    full: bool | None,
    repair: bool,
    progress: Progress,
) -> health.Report:
    """Examines an environment, an interpreter, or this process; arguments and errors as in `bootstrap.check`."""
    live = prefix is None and python is None
    full = not live if full is None else full
    if live:
        python, prefix = Path(sys.executable), Path(sys.prefix)
        if not is_environment(prefix):
            prefix = None
    expected: Lock | None = None
    needed_by_none: tuple[str, ...] = ()
    if prefix is not None:
        require_environment(prefix)
        expected = (
            restored_from(prefix) if lock is None else read_lock(local_path(lock, default_cache().expanduser()))
        )
        if expected is not None and imports is None and full:
            roots = explain(expected, validate(expected, PLATFORM), PLATFORM).roots
            needed_by_none = tuple(record.name for record in roots)
    report = health.check(
        prefix,
        python=python,
        lock=expected,
        imports=imports,
        also=needed_by_none,
        full=full,
        live=live,
        timeout=120.0 if full else 30.0,
        progress=lambda stage: progress.step(Step(stage)),
    )
    if repair:
        report = report.repair(progress=lambda stage: progress.step(Step(stage)))
    return report if prefix is None else replace(report, causes=(*report.causes, *_guard_causes(prefix)))


def _guard_causes(prefix: Path) -> list[health.Cause]:
    """That the guard was turned off, or is incomplete."""
    status = guard.status(prefix)
    if status.state == "never" or status.active:
        return []
    repair = f"Run `{command('guard on', prefix=prefix)}`."
    if status.state == "off":
        summary = f"The guard was turned off on {status.since}: installs may replace locked packages."
        return [GUARD_OFF(summary, evidence=status.undone, repair=repair, since=status.since)]
    summary = "The guard is on, but part of it is missing: installs may replace locked packages."
    return [GUARD_UNDONE(summary, evidence=status.undone, repair=repair)]
