"""Packages that are not the locked ones, files that are not as installed, and files that nobody installed."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap._util.names import canonical_name
from bootstrap.health.model import SEVERITIES
from bootstrap.health.rules.base import CauseKind, mapped_libraries, package_name, shorten, shown
from bootstrap.health.rules.numpy import (
    NUMPY_REPLACED,
    NUMPY_TWO_DIST_INFOS,
    NUMPY_VERSION_MISMATCH,
    shadowed,
    versions,
)
from bootstrap.health.rules.process import NUMPY_SHADOWED
from bootstrap.health.severity import fault_severity
from bootstrap.hints import command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bootstrap.health.facts import Facts
    from bootstrap.health.model import Cause, FileFault
    from bootstrap.health.record_files import Distribution

ENVIRONMENT_MOVED = CauseKind("environment-moved", severity="doubtful", repairs=("reinstall",))
EXTRA_FILES = CauseKind("extra-files", package="numpy", repairs=("set-aside",))
FILES_ALTERED = CauseKind("files-altered", repairs=("reinstall",), dated="by-files")
NOT_AS_LOCKED = CauseKind("not-as-locked", repairs=("reinstall",))
NOT_LOCKED = CauseKind("not-locked", severity="note", repairs=("reinstall",))


def records(facts: Facts) -> Iterator[Cause]:
    """Packages that are not the locked ones."""
    for fault in facts.disk.records:
        mild = fault.kind == "extra"
        numpy = fault.name == "numpy"
        there = next((d for d in facts.disk.foreign if d.name == canonical_name(fault.name)), None)
        yield (NOT_LOCKED if mild else NOT_AS_LOCKED)(
            severity="note" if mild else "broken" if numpy else "doubtful",
            summary=f"{fault.name}: another installer replaced the locked {fault.locked} with {there.version}."
            if fault.kind == "missing" and there is not None
            else f"{fault}.",
            owner=f"{fault.name} {fault.installed or fault.locked}".strip(),
            package=fault.name,
            core=fault.name == "python" or fault.name.startswith(("libblas", "liblapack", "libopenblas")),
        )


def moved(facts: Facts) -> Iterator[Cause]:
    """An environment that was made in another place."""
    faults = [fault for fault in facts.disk.files if fault.reason == "prefix"]
    if faults:
        yield ENVIRONMENT_MOVED(
            summary=f"The environment was {faults[0].detail}, and {len(faults)} of its files refer to it.",
            evidence=shorten(faults),
            files=tuple(fault.path for fault in faults),
            package="python",
            repair=f"Run `{command('restore', prefix=facts.disk.prefix)}`: it rewrites them. Or move it back.",
        )


def files(facts: Facts) -> Iterator[Cause]:
    """Packages whose files are not as they were installed."""
    mapped = {os.path.realpath(path) for path in mapped_libraries(facts)}
    faults = [fault for fault in facts.disk.files if fault.reason not in ("extra", "prefix")]
    drafts = [*versions(facts), *shadowed(facts)]
    overlaid = {NUMPY_VERSION_MISMATCH.id, NUMPY_TWO_DIST_INFOS.id, NUMPY_SHADOWED.id}.intersection(
        d.id for d in drafts
    )
    replaced = any(draft.files for draft in drafts if draft.id == NUMPY_REPLACED.id)
    dependents = {result.name.removeprefix("import ") for result in facts.dependents}
    for owner, group in groupby(sorted(faults, key=lambda f: f.owner), key=lambda f: f.owner):
        name, listed = package_name(owner), list(group)
        if name == "numpy" and (replaced or overlaid):
            continue  # told with what was put over it
        other = _other_version(name, listed, facts)
        core = name == "python" or any(_beneath_numpy(fault, facts, mapped) for fault in listed)
        near = core or name == "numpy" or name in dependents
        weighed = [(fault_severity(fault, near=near), fault) for fault in listed]
        # Milder faults of the same package are mended by the same repair.
        worst = min((weight for weight, _ in weighed), key=SEVERITIES.index)
        members = [fault for weight, fault in weighed if weight == worst]
        count = f"{len(members)} files" if len(members) > 1 else "A file"
        summary = (
            f"{count} of {owner} {'are' if len(members) > 1 else 'is'} not as installed: "
            f"{shown(members[0].path, facts)}{' and others' if len(members) > 1 else ''}."
        )
        if other is not None:
            summary = f"Another installer has replaced conda's {owner} with {other}."
        yield (FILES_ALTERED if other is None else NOT_AS_LOCKED)(
            severity=worst,
            summary=summary,
            evidence=shorten(members),
            files=tuple(fault.path for fault in members),
            owner=owner,
            package=name,
            core=core,
        )


def _other_version(name: str, faults: Sequence[FileFault], facts: Facts) -> Distribution | None:
    """The distribution in the place of a conda package whose own metadata is gone."""
    gone = any(f.reason == "missing" and f.path.endswith(".dist-info/METADATA") for f in faults)
    version = facts.disk.conda.get(name)
    if not gone or not version:
        return None
    return next(
        (d for d in facts.disk.distributions if d.name == canonical_name(name) and d.version != version), None
    )


def _beneath_numpy(fault: FileFault, facts: Facts, mapped: set[str]) -> bool:
    """Whether numpy loads the file; where numpy no longer loads, any library of the prefix may be the reason."""
    if os.path.realpath(fault.path) in mapped:
        return True
    failed = not facts.probe("numpy-import").passed
    return failed and ".so" in Path(fault.path).name and Path(fault.path).parent == facts.layout.prefix / "lib"


def extra(facts: Facts) -> Iterator[Cause]:
    """Code in numpy's folders that no package has put there."""
    faults = [f for f in facts.disk.files if f.reason == "extra"]
    if not faults or any(versions(facts)):
        return
    # An extension module wins over a .py of its name, and a package over both.
    winning = [f for f in faults if _wins(Path(f.path), facts)]
    # What numpy itself loads is no leftover, whatever its record says of it.
    mapped = {os.path.realpath(path) for path in mapped_libraries(facts)}
    faults = [f for f in faults if f in winning or os.path.realpath(f.path) not in mapped]
    if not faults:
        return
    yield EXTRA_FILES(
        severity="broken" if winning else "doubtful",
        summary="numpy's folder contains code that no package owns"
        f"{', which overrides its own' if winning else ''}: {shown((winning or faults)[0].path, facts)}.",
        evidence=shorten(winning or faults),
        files=tuple(f.path for f in faults),
        owner=faults[0].owner,
        repair=f"Delete {faults[0].path}{' and the others' if len(faults) > 1 else ''}.",
    )


def _wins(path: Path, facts: Facts) -> bool:
    if path.name == "__init__.py":
        return bool(facts.disk.owner_of(f"{path.parent}.py"))
    return ".so" in path.name and bool(facts.disk.owner_of(str(path.with_name(path.name.split(".")[0] + ".py"))))
