"""What the disk says: every file against its package, every package against the lock.

Three sources are brought into one shape: conda-meta (and a lock, where one is given) for a conda prefix, RECORD
for what conda does not own, and the site folders themselves for what nobody owns.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from bootstrap import profile
from bootstrap._util.names import canonical_name
from bootstrap.health.model import FileFault, RecordFault
from bootstrap.health.record_files import (
    Distribution,
    RecordEntry,
    extra_files,
    find_distributions,
    packages_of,
    verify_distribution,
)
from bootstrap.lock.model import PLATFORM
from bootstrap.prefix.compare import compare_prefix, moved_files
from bootstrap.prefix.file_check import verify_files
from bootstrap.prefix.manifest import read_manifest, suspects
from bootstrap.prefix.records import InstalledRecord, is_environment, read_records

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from bootstrap.lock import Lock, Record
    from bootstrap.prefix.compare import Comparison
    from bootstrap.prefix.file_check import AlteredFile as PrefixFault

_HASH_ALL_BELOW = 2 * 2**30
"""Bytes of all distributions up to which each file is hashed; above, numpy and the named packages are."""
_UNCHECKED = b"\1\0\0\0"
"""Flags in the header of bytecode that goes by a hash of its source which nobody compares (PEP 552)."""


@dataclass(frozen=True)
class Inventory:
    """What is installed in an environment, and what of it is not as it should be."""

    prefix: Path
    sites: tuple[Path, ...]
    conda: Mapping[str, str] = field(default_factory=dict)
    """Versions of the conda packages by name."""
    locked: Mapping[str, str] = field(default_factory=dict)
    """Locked versions by name; empty without a lock."""
    distributions: tuple[Distribution, ...] = ()
    files: tuple[FileFault, ...] = ()
    records: tuple[RecordFault, ...] = ()
    checked: int = 0
    """How many files were compared."""
    owners: Mapping[str, str] = field(default_factory=dict)
    """Absolute path to the package that owns it, version included."""
    foreign: tuple[Distribution, ...] = ()
    """Distributions that conda does not own, nor the operating system."""
    leftovers: tuple[Path, ...] = ()
    """What an interrupted pip has left in the site folders."""
    unchecked: tuple[str, ...] = ()
    """Bytecode that Python never compares with its source."""
    record_clean: bool = False
    """Whether numpy's files all agree with its RECORD; asked only where they disagree with conda-meta."""

    def owner_of(self, path: str) -> str:
        """The package that owns a path, or ''."""
        return self.owners.get(os.path.normpath(path), "")


@profile.span("examine files", part=True)
def examine(
    prefix: Path,
    sites: Sequence[Path],
    *,
    lock: Lock | None,
    named: Collection[str],
    quick: bool = False,
    compared: Comparison | None = None,
) -> Inventory:
    """Compare what is installed with what should be.

    Args:
        prefix: The environment.
        sites: Its site folders.
        lock: What should be installed; without one, only the files are judged.
        named: Packages whose files are hashed however large the environment is.
        quick: Hash numpy, and what shows a sign of change: in a restored prefix a file whose size, time, mode or
            inode is not the manifest's, elsewhere one that is younger than its package's RECORD.
        compared: How the prefix differs from the lock, where the caller has just compared them.
    """
    inventory = Inventory(prefix, tuple(sites), distributions=tuple(find_distributions(sites)))
    if is_environment(prefix):
        inventory = _with_conda(inventory, lock, quick=quick, compared=compared)
    inventory = _with_foreign(inventory, {canonical_name(name) for name in named}, quick=quick)
    modules = {"numpy", *(name.replace("-", "_") for name in named)} if quick else None
    return replace(inventory, leftovers=tuple(_leftovers(sites)), unchecked=tuple(unchecked_bytecode(sites, modules)))


def _with_conda(inventory: Inventory, lock: Lock | None, *, quick: bool, compared: Comparison | None) -> Inventory:
    """What conda-meta says of the prefix, compared with a lock where one is given."""
    prefix = inventory.prefix
    records, _ = read_records(prefix)
    numpy = [record for record in records if record.name == "numpy"]
    wanted = () if lock is None else lock.for_platform(PLATFORM)
    differences: list[RecordFault] = []
    if lock is not None:
        comparison = compared or compare_prefix(prefix, wanted, hash_all=not quick)
        differences = record_faults(comparison)
        altered = list(comparison.altered)
        if quick:
            altered_paths = {fault.path for fault in altered}
            altered += [f for f in verify_files(prefix, numpy) if f.path not in altered_paths]
    else:
        altered = _look(prefix, records) if quick else verify_files(prefix, records)
        altered += moved_files(prefix, records)
    faults = [
        FileFault(os.path.normpath(prefix / f.path), f.owner, f.reason, f.detail)
        for f in altered
        if not f.path.endswith(".pyc")  # rewritten by Python when it sees fit
    ]
    touched = any(f.owner.split(" ")[0] == "numpy" and f.reason != "prefix" for f in faults)
    # The records' own paths are plain, or the record is none.
    root = os.path.normpath(prefix)
    return replace(
        inventory,
        conda={record.name: record.version for record in records},
        locked={record.name: record.version for record in wanted},
        owners={f"{root}/{file.path}": owner for r in records for owner in [str(r)] for file in r.files},
        files=(*faults, *(fault for record in numpy[:1] for fault in _conda_extras(inventory.sites, record))),
        records=tuple(differences),
        checked=sum(len(record.files) for record in records),
        record_clean=touched and _record_is_clean(inventory.distributions),
    )


def _with_foreign(inventory: Inventory, named: set[str], *, quick: bool) -> Inventory:
    """What the RECORDs of the distributions say that neither conda nor the operating system owns."""
    # A file that pip has put over conda's is listed twice: conda's word counts, since conda is to repair it.
    taken = {canonical_name(name) for name in inventory.conda}
    foreign = [
        d
        for d in inventory.distributions
        if os.path.normpath(d.info / "METADATA") not in inventory.owners and not d.by_system and d.name not in taken
    ]
    lists = {d.info: d.record() for d in foreign}
    size = sum(entry.size or 0 for entries in lists.values() for entry in entries)
    everything = size < _HASH_ALL_BELOW and not quick
    hashed = {"numpy"} | (set() if quick else named)
    groups: dict[tuple[Path, str], list[Distribution]] = {}
    for distribution in foreign:
        groups.setdefault((distribution.site, distribution.name), []).append(distribution)
    files, owners, checked = list(inventory.files), dict(inventory.owners), inventory.checked
    chosen: list[Distribution] = []
    for (_, name), group in groups.items():
        verified = [
            verify_distribution(
                d, hash_content=everything or name in hashed, extra=name == "numpy", record=lists[d.info]
            )
            for d in group
        ]
        # Where a folder has two .dist-info of one name, the files are those of the one that they agree with.
        best = min(range(len(group)), key=lambda i: (not verified[i].checked, len(verified[i].faults)))
        files += verified[best].faults
        chosen.append(group[best])
        checked += verified[best].checked
        for entry in lists[group[best].info]:
            owners.setdefault(os.path.normpath(group[best].site / entry.path), str(group[best]))
    return replace(
        inventory,
        files=tuple(_not_anothers(files, chosen, lists)),
        owners=owners,
        checked=checked,
        foreign=tuple(foreign),
    )


def _look(prefix: Path, records: Sequence[InstalledRecord]) -> list[PrefixFault]:
    """Faults found by hashing numpy and what the manifest shows changed, and by looking at the rest."""
    state = read_manifest(prefix)
    doubtful = {r.stem for r in records if r.name == "numpy"} | (suspects(prefix, state) if state else set())
    listed = set(state.files) if state else set()
    hashed = [r for r in records if r.stem in doubtful]
    unknown = [r for r in records if r.stem not in doubtful and r.stem not in listed]
    sized = [replace(r, files=tuple(f._replace(sha256=None) for f in r.files)) for r in unknown]
    return verify_files(prefix, [*hashed, *sized])


def _not_anothers(
    faults: Sequence[FileFault], distributions: Sequence[Distribution], lists: Mapping[Path, Sequence[RecordEntry]]
) -> list[FileFault]:
    """The faults without files that several distributions bring, where one is as the last of these has written it.

    opencv-python and opencv-python-headless are such a pair: whichever came last has both work.
    """
    wrong = {(fault.path, fault.owner) for fault in faults}
    paths = {fault.path for fault in faults if fault.reason in ("size", "sha256")}
    sound = {
        path
        for distribution in (distributions if paths else ())
        for entry in lists[distribution.info]
        if entry.sha256
        and (path := os.path.normpath(distribution.site / entry.path)) in paths
        and (path, str(distribution)) not in wrong
    }
    return [fault for fault in faults if fault.path not in sound or fault.reason not in ("size", "sha256")]


def _leftovers(sites: Sequence[Path]) -> list[Path]:
    """What an interrupted pip leaves behind: folders whose first letters it has replaced by ``~``."""
    return sorted(path for site in sites if site.is_dir() for path in site.iterdir() if path.name.startswith("~"))


def unchecked_bytecode(sites: Sequence[Path], packages: Collection[str] | None = None) -> Iterator[str]:
    """Bytecode whose header says that it is never to be compared with its source.

    Args:
        sites: The site folders.
        packages: Top-level packages to look at; all by default.
    """
    roots = sites if packages is None else [site / name for site in sites for name in packages]
    for folder, _, files in chain.from_iterable(map(os.walk, roots)):
        if folder.endswith("__pycache__"):
            for path in (f"{folder}/{name}" for name in files if name.endswith(".pyc")):
                try:
                    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (of some ten thousand files)
                        flags = file.read(8)[4:]
                except OSError:
                    continue
                if flags == _UNCHECKED:
                    yield path


def record_faults(comparison: Comparison) -> list[RecordFault]:
    """A comparison's differences between records, in the words of this package."""

    def build(record: Record | InstalledRecord) -> str:
        return f"{record.version} {record.build}"

    return [
        *(RecordFault(r.name, "missing", locked=build(r)) for r in comparison.missing),
        *(RecordFault(r.name, "extra", installed=build(r)) for r in comparison.extra),
        *(RecordFault(c.locked.name, c.kind, build(c.installed), build(c.locked)) for c in comparison.changed),
    ]


def _record_is_clean(distributions: Sequence[Distribution]) -> bool:
    """Whether some numpy distribution has a RECORD, and all its files agree with it."""
    return any(
        check.checked > 0 and not check.faults
        for check in (verify_distribution(d) for d in distributions if d.name == "numpy")
    )


def _conda_extras(sites: Sequence[Path], numpy: InstalledRecord) -> Iterator[FileFault]:
    """Code in numpy's own folders that conda's numpy doesn't list."""
    root = numpy.meta.parent.parent
    for site in sites:
        if site.is_relative_to(root):
            start = f"{site.relative_to(root).as_posix()}/"
            listed = {os.path.normpath(f.path[len(start) :]) for f in numpy.files if f.path.startswith(start)}
            yield from extra_files(site, listed, packages_of(listed), str(numpy))
