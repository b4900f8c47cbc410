"""Judges the committed locks, offline: are they of this specification, and fit to be used?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap._util.listing import capped
from bootstrap.errors import (
    BootstrapError,
    BoundsError,
    ChannelDriftError,
    LocalPathError,
    LockError,
    LockOutdatedError,
    SizeBudgetError,
    SpecifiedPackageError,
    WrongVariantError,
)
from bootstrap.lock.policy import validate
from bootstrap.lock.reader import read_lock
from bootstrap.maintain.content_hash import accepted_hashes
from bootstrap.maintain.solver import satisfies
from bootstrap.maintain.specification import read_specification
from bootstrap.maintain.variant import MEGABYTE, needs_cuda

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bootstrap.lock.model import Lock, Record
    from bootstrap.maintain.specification import Specification
    from bootstrap.maintain.variant import LockVariant

_SHOWN = 8


def check_lock(
    variant: LockVariant, *, specification: Path, folder: Path, channel: str | None = None
) -> tuple[Lock, tuple[BootstrapError, ...]]:
    """Reads a variant's lock and lists everything that is wrong with it; nothing is fetched.

    Args:
        variant: Which lock.
        specification: environment.yml; virtual-packages files beside it go before the included ones.
        folder: Where the locks lie.
        channel: The channel that the lock was made with in place of the specification's own.

    Raises:
        LockError: There is no lock, or it can't be read at all.
        SpecificationError: The specification can't be read.
        CondaLockNotFoundError: conda-lock isn't installed; the content hash is its own.
    """
    asked = read_specification(specification)
    lock = read_lock(folder / variant.lock_name)
    machine = variant.virtual_packages(specification.parent)
    faults: list[BootstrapError] = []
    for platform in asked.platforms:
        hashes = accepted_hashes(specification, machine, platform=platform, channels=[channel] if channel else [])
        faults.extend(_platform_faults(lock, platform, asked, hashes, variant, channel))
    return lock, tuple(faults)


def _platform_faults(
    lock: Lock,
    platform: str,
    asked: Specification,
    hashes: frozenset[str],
    variant: LockVariant,
    channel: str | None,
) -> Iterator[BootstrapError]:
    try:
        records = validate(lock, platform)
    except LockError as error:
        # What breaks the policy can't be trusted for the finer questions.
        yield error
        return
    locked = lock.content_hash.get(platform)
    if locked not in hashes:
        yield LockOutdatedError(
            "environment.yml or the virtual packages have changed since the lock was made.",
            evidence=[
                f"{lock.path}: content hash {locked}",
                *(f"current content hash: {h}" for h in sorted(hashes)[:1]),
            ],
        )
    yield from _channels(lock, asked, channel)
    yield from _specified(lock, records, asked)
    yield from _bounds(lock, records)
    wrong = variant_fault(lock, platform, variant)
    if wrong and not channel:
        yield wrong
    yield from _budget(records, variant)


def _channels(lock: Lock, asked: Specification, channel: str | None) -> Iterator[BootstrapError]:
    channels = (channel,) if channel else asked.channels
    locked = lock.channels
    if locked != channels:
        yield ChannelDriftError(
            "The lock's channels differ from those requested.",
            evidence=[f"{lock.path}: {', '.join(locked)}", f"requested: {', '.join(channels)}"],
        )
    local = [f"{lock.path}:{r.line}: {r.url}" for r in lock.records if not r.url.startswith("https://")]
    local += [f"{lock.path}: source {s}" for s in lock.sources if s.startswith(("/", "..")) or ":" in s]
    if local and not channel:
        yield LocalPathError("The lock refers to folders on one machine.", evidence=capped(local, _SHOWN))


def _specified(lock: Lock, records: Sequence[Record], asked: Specification) -> Iterator[BootstrapError]:
    by_name = {r.name: r for r in records}
    missing = [f"{requirement}" for requirement in asked.requirements if requirement.name not in by_name]
    outside = [
        f"{lock.path}:{by_name[q.name].line}: {by_name[q.name]} is not within {q}"
        for q in asked.requirements
        if q.name in by_name and not satisfies(by_name[q.name].version, q.version)
    ]
    if missing or outside:
        raise_for = "lacks or contradicts" if missing and outside else "lacks" if missing else "contradicts"
        yield SpecifiedPackageError(
            f"The lock {raise_for} packages of environment.yml.",
            evidence=capped([*(f"missing: {m}" for m in missing), *outside], _SHOWN),
        )


def _bounds(lock: Lock, records: Sequence[Record]) -> Iterator[BootstrapError]:
    """Every dependency's version against its dependents' bounds, numpy's first."""
    by_name = {r.name: r for r in records}
    broken = [
        (name, f"{lock.path}:{r.line}: {r} needs {name} {spec}, locked is {by_name[name].version}")
        for r in records
        for name, spec in r.depends.items()
        if name in by_name and not satisfies(by_name[name].version, spec)
    ]
    if broken:
        lines = [line for _, line in sorted(broken, key=lambda b: (b[0] != "numpy", b[0]))]
        yield BoundsError(
            f"{len(lines)} bounds between the lock's own records are violated.", evidence=capped(lines, _SHOWN)
        )


def variant_fault(lock: Lock, platform: str, variant: LockVariant) -> WrongVariantError | None:
    """What makes a lock one for another accelerator than its variant's, if anything."""
    records = lock.for_platform(platform)
    with_cuda = [r for r in records if needs_cuda(r)]
    if not variant.cuda:
        if not with_cuda:
            return None
        lines = [f"{lock.path}:{r.line}: {r} {r.build}" for r in with_cuda]
        return WrongVariantError(
            "The lock for machines without a GPU holds CUDA packages.", evidence=capped(lines, _SHOWN)
        )
    pytorch = [r for r in records if r.name == "pytorch"]
    if not pytorch or any(r in with_cuda for r in pytorch):
        return None
    return WrongVariantError(
        "The lock for GPUs doesn't hold a CUDA build of pytorch.",
        evidence=[f"{lock.path}:{r.line}: {r} {r.build}" for r in pytorch],
    )


def _budget(records: Sequence[Record], variant: LockVariant) -> Iterator[BootstrapError]:
    total = sum(r.size or 0 for r in records)
    if total > variant.budget:
        largest = sorted(records, key=lambda r: r.size or 0, reverse=True)[:_SHOWN]
        yield SizeBudgetError(
            f"The archives total {total / MEGABYTE:.0f} MB; the budget is {variant.budget / MEGABYTE:.0f} MB.",
            evidence=[f"{r}: {(r.size or 0) / MEGABYTE:.1f} MB" for r in largest],
        )
