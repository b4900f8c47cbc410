"""What is wrong at the root: findings that stand for themselves, as drafts of causes."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.integrity.drafts import Draft, repair_package, shorten
from bootstrap.integrity.weight import fault_severity, is_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootstrap.integrity.facts import Facts
    from bootstrap.integrity.model import FileFault


def find_roots(facts: Facts) -> list[Draft]:
    """All drafts, those that explain most first."""
    return [
        *_loader(facts),
        *_startup(facts),
        *_bytecode(facts),
        *_absent(facts),
        *_shadowed(facts),
        *_versions(facts),
        *_unrecorded(facts),
        *_records(facts),
        *_files(facts),
        *_extra(facts),
        *_searched_first(facts),
        *_company(facts),
    ]


def _loader(facts: Facts) -> Iterator[Draft]:
    """Libraries that the dynamic loader was told to take from elsewhere."""
    told = tuple(f"{name}={value}" for name, value in facts.loader.items())
    mapped = _mapped(facts)
    foreign = _from_variables(facts, mapped)
    if facts.without_loader:
        yield Draft(
            id="loader-variables",
            severity="broken",
            summary=f"{' and '.join(facts.loader)} put libraries into the process that break numpy.",
            evidence=(*told, *(f"without: {name} passes" for name in sorted(facts.without_loader))),
            files=tuple(foreign),
            package="numpy",
            repair=f"Unset {' and '.join(facts.loader)}, or remove the named libraries from it.",
            experiment=facts.without_loader,
        )
        return
    twins = [path for path in foreign if _twin(Path(path).name, facts)]
    if twins:
        yield Draft(
            id="foreign-library",
            severity="doubtful",
            summary="The loader takes libraries from outside that the environment has itself.",
            evidence=(*told, *(f"{path} instead of {_twin(Path(path).name, facts)}" for path in twins)),
            files=tuple(twins),
            repair=f"Unset {' and '.join(facts.loader)} before Python starts.",
        )


def _mapped(facts: Facts) -> list[str]:
    probe = facts.probe("numpy-mapped")
    return list(probe.facts.get("mapped", ())) if probe else []


def _from_variables(facts: Facts, mapped: list[str]) -> list[str]:
    """Which mapped libraries lie outside the prefix and where the loader's variables point."""
    preloaded = facts.loader.get("LD_PRELOAD", "").replace(":", " ").split()
    folders = [folder for folder in facts.loader.get("LD_LIBRARY_PATH", "").split(":") if folder]
    inside = f"{os.path.realpath(facts.layout.prefix)}/"
    found = []
    for path in [*preloaded, *mapped]:
        real = os.path.realpath(path)
        listed = path in preloaded or any(Path(real).parent == Path(os.path.realpath(f)) for f in folders)
        if listed and not real.startswith(inside) and path not in found and Path(path).exists():
            found.append(path)
    return found


def _twin(name: str, facts: Facts) -> str:
    """The environment's own library of this name, or ''."""
    path = facts.layout.prefix / "lib" / name
    return str(path) if facts.disk.conda and path.exists() else ""


def _startup(facts: Facts) -> Iterator[Draft]:
    """Code that runs at every start of the interpreter and breaks numpy."""
    if not facts.without_startup:
        return
    # What a package owns has been there when it was healthy, unless its file was altered.
    altered = {fault.path for fault in facts.disk.files}
    suspects = [hook for hook in facts.hooks if not hook.owner or str(hook.path) in altered] or list(facts.hooks)
    owners = sorted({hook.owner for hook in suspects if hook.owner})
    patched = facts.probe("numpy-functions")
    sources = list(patched.facts.get("files", ())) if patched else []
    files = dict.fromkeys([*(str(hook.path) for hook in suspects), *sources])
    yield Draft(
        id="startup-code",
        severity="doubtful",  # as bad as what follows from it
        summary="Code that runs at the start of the interpreter interferes with numpy.",
        evidence=(
            *(
                f"{hook.path}: {f'owned by {hook.owner}' if hook.owner else 'owned by no package'}"
                for hook in suspects
            ),
            *(f"without startup code: {name} passes" for name in sorted(facts.without_startup)),
        ),
        files=tuple(files),
        owner=", ".join(owners),
        package="numpy",
        repair=f"Remove {', '.join(str(hook.path) for hook in suspects)}, then restart the kernel.",
        experiment=facts.without_startup,
    )


def _bytecode(facts: Facts) -> Iterator[Draft]:
    """Python runs cached bytecode that is not what the source says."""
    if facts.without_bytecode:
        yield Draft(
            id="stale-bytecode",
            severity="broken",
            summary="Cached bytecode of numpy is not what its source says, and is run in its place.",
            evidence=(
                *shorten(facts.stale_bytecode),
                *(f"compiled anew: {name} passes" for name in sorted(facts.without_bytecode)),
            ),
            files=facts.stale_bytecode,
            owner=facts.numpy_owner,
            package="numpy",
            repair="Delete these files, or numpy's __pycache__ folders; Python makes them anew.",
            experiment=facts.without_bytecode,
        )


def _absent(facts: Facts) -> Iterator[Draft]:
    """No numpy at all."""
    imported = facts.probe("numpy-import")
    if facts.distributions or facts.disk.conda.get("numpy"):
        return
    if imported is not None and imported.outcome != "skip" and imported.facts.get("file"):
        # Debian's packages have no RECORD, and are not pip's to verify.
        yield Draft(
            id="numpy-unrecorded",
            severity="doubtful",
            summary="numpy can be imported, but no package says that it is installed.",
            evidence=(
                f"imported: {imported.facts['file']}",
                *(f"{s}: no numpy .dist-info" for s in facts.disk.sites),
            ),
            files=(str(imported.facts["file"]),),
            package="numpy",
            repair=repair_package("numpy", facts),
        )
        return
    yield Draft(
        id="numpy-not-installed",
        severity="broken",
        summary="No numpy is installed in this environment.",
        evidence=tuple(f"{site}: no numpy distribution" for site in facts.disk.sites),
        owner="numpy",
        package="numpy",
        repair=repair_package("numpy", facts),
    )


def _shadowed(facts: Facts) -> Iterator[Draft]:
    """The name numpy leads elsewhere than to the installed numpy."""
    imported = facts.probe("numpy-import")
    file = imported.facts.get("file") if imported else None
    homes = [distribution.site / "numpy" for distribution in facts.distributions]
    if not homes:
        return
    home = homes[0]
    beside = [path for path in _rivals(home.parent) if path.exists()]
    if isinstance(file, str):
        reached = os.path.realpath(file).startswith(f"{os.path.realpath(home)}/")
        intruders = [] if reached else [Path(file)]
    else:
        intruders = [] if (home / "__init__.py").is_file() else beside
    if not intruders and beside:
        yield Draft(
            id="numpy-namesake",
            severity="note",
            summary=f"A module of the name numpy lies beside the package: {beside[0].name}. Python passes over it.",
            evidence=tuple(str(path) for path in beside),
            files=tuple(str(path) for path in beside),
            repair=f"Rename or delete {beside[0]}.",
        )
    if not intruders:
        return
    faults = [f for f in facts.disk.files if _name(f.owner) == "numpy" and is_code(f.path)]
    owners = {facts.disk.owner_of(str(path)) for path in intruders}
    yield Draft(
        id="numpy-shadowed",
        severity="broken",
        summary=f"`import numpy` does not reach the installed {facts.numpy_owner}, but {intruders[0]}.",
        evidence=(f"imported: {file or intruders[0]}", f"installed: {home}", *shorten(faults)),
        files=tuple(str(path) for path in intruders),
        owner=", ".join(sorted(owner for owner in owners if owner)),
        package="numpy",
        repair=" ".join([f"Rename or delete {intruders[0]}.", *([repair_package("numpy", facts)] if faults else [])]),
    )


def _rivals(folder: Path) -> list[Path]:
    """Modules of the name numpy in a folder, compiled ones included."""
    return [folder / "numpy.py", folder / "numpy.pyc", *sorted(folder.glob("numpy.*.so")), folder / "numpy.so"]


def _versions(facts: Facts) -> Iterator[Draft]:
    """The places that tell numpy's version don't agree."""
    found = facts.distributions
    conda, locked = facts.disk.conda.get("numpy"), facts.disk.locked.get("numpy")
    imported = facts.probe("numpy-import")
    running = str(imported.facts.get("version") or "") if imported else ""
    told = [(f"{d.info} says", d.version) for d in found]
    told += [
        (f"the name of {d.info.name} says", d.labelled_version) for d in found if d.labelled_version != d.version
    ]
    if running:
        told.append(("numpy.__version__ says", running))
    if conda:
        told.append(("conda-meta says", conda))
    if locked:
        told.append(("the lock says", locked))
    lines = tuple(f"{place} {version}" for place, version in told)
    faults = [f for f in facts.disk.files if _name(f.owner) == "numpy" and is_code(f.path)]
    by_pip = bool(conda) and (facts.disk.record_clean or (bool(found) and conda not in {d.version for d in found}))
    # A lock that all of them disagree with is told as a package that is not as locked.
    versions = {version for place, version in told if place != "the lock says"}
    if by_pip:
        yield Draft(
            id="numpy-replaced",
            severity="broken",
            summary=f"Another installer has put numpy {running or found[0].version} over conda's numpy {conda}.",
            evidence=(*lines, *(_installers(facts)), *shorten(faults)),
            files=tuple(fault.path for fault in faults),
            owner=f"numpy {conda}",
            package="numpy",
            repair=repair_package("numpy", facts),
        )
    elif len(versions) > 1 or len(found) > 1:
        two = len(found) > 1
        harmless = two and not faults and (not running or running in {d.version for d in found}) and not conda
        summary = (
            f"numpy has {len(found)} .dist-info folders in one place: {', '.join(d.version for d in found)}."
            if two
            else f"numpy is of two versions: {' and '.join(sorted(versions))}."
        )
        yield Draft(
            id="numpy-two-dist-infos" if two else "numpy-version-mismatch",
            severity="doubtful" if harmless else "broken",
            summary=summary,
            evidence=(*lines, *shorten(faults)),
            files=tuple(str(d.info) for d in found),
            owner=f"numpy {running}" if two and running else facts.numpy_owner,
            package="numpy",
            repair=_repair_two(facts, running) if two else repair_package("numpy", facts),
        )


def _unrecorded(facts: Facts) -> Iterator[Draft]:
    """numpy has a .dist-info without RECORD, so that nothing says how its files should be."""
    for distribution in facts.distributions[:1]:
        if facts.disk.conda.get("numpy") or distribution.by_system or distribution.record():
            continue
        yield Draft(
            id="numpy-unrecorded",
            severity="doubtful",
            summary="numpy's files can't be verified: its RECORD is missing or unreadable.",
            evidence=(f"{distribution.info / 'RECORD'}: no lines",),
            files=(str(distribution.info / "RECORD"),),
            owner=str(distribution),
            package="numpy",
            repair=repair_package("numpy", facts),
        )


def _repair_two(facts: Facts, running: str) -> str:
    stale = [str(d.info) for d in facts.distributions if d.version != running]
    if facts.disk.conda or not stale:
        return repair_package("numpy", facts)
    return f"Delete {', '.join(stale)}, then: {repair_package('numpy', facts)}"


def _installers(facts: Facts) -> list[str]:
    lines = []
    for distribution in facts.distributions:
        try:
            name = (distribution.info / "INSTALLER").read_text(encoding="utf-8").strip()
        except OSError:
            continue
        lines.append(f"{distribution.info.name} was installed by {name}")
    return lines


def _records(facts: Facts) -> Iterator[Draft]:
    """Packages that are not the locked ones."""
    for fault in facts.disk.records:
        mild = fault.kind == "extra"
        numpy = fault.name == "numpy"
        yield Draft(
            id="not-locked" if mild else "not-as-locked",
            severity="note" if mild else "broken" if numpy else "doubtful",
            summary=f"{fault}.",
            owner=f"{fault.name} {fault.installed or fault.locked}".strip(),
            package=fault.name,
            core=fault.name == "python" or fault.name.startswith(("libblas", "liblapack", "libopenblas")),
            repair=repair_package(fault.name, facts),
        )


def _files(facts: Facts) -> Iterator[Draft]:
    """Packages whose files are not as they were installed."""
    mapped = {os.path.realpath(path) for path in _mapped(facts)}
    faults = [fault for fault in facts.disk.files if fault.reason != "extra"]
    claimed = {path for draft in _versions(facts) for path in draft.files if draft.id == "numpy-replaced"}
    told = {draft.id for draft in (*_versions(facts), *_shadowed(facts))}
    overlaid = bool(told & {"numpy-version-mismatch", "numpy-two-dist-infos", "numpy-shadowed"})
    for owner, group in groupby(sorted(faults, key=lambda f: f.owner), key=lambda f: f.owner):
        name = _name(owner)
        listed = [f for f in group if f.path not in claimed]
        if name == "numpy" and (claimed or overlaid):
            continue  # told with what was put over it
        core = name == "python" or any(_beneath_numpy(fault, facts, mapped) for fault in listed)
        near = core or name == "numpy" or name in _dependents(facts)
        weighed = [(fault_severity(fault, near=near), fault) for fault in listed]
        for severity in ("broken", "doubtful", "note"):
            members = [fault for weight, fault in weighed if weight == severity]
            if not members:
                continue
            count = f"{len(members)} files" if len(members) > 1 else "A file"
            yield Draft(
                id="files-altered",
                severity=severity,
                summary=f"{count} of {owner} {'are' if len(members) > 1 else 'is'} not as installed: "
                f"{Path(members[0].path).name}{' and others' if len(members) > 1 else ''}.",
                evidence=shorten(members),
                files=tuple(fault.path for fault in members),
                owner=owner,
                package=name,
                core=core,
                repair=repair_package(name, facts),
            )
            break  # milder faults of the same package are mended by the same repair


def _beneath_numpy(fault: FileFault, facts: Facts, mapped: set[str]) -> bool:
    """Whether numpy loads the file; where numpy no longer loads, any library of the prefix may be the reason."""
    if os.path.realpath(fault.path) in mapped:
        return True
    imported = facts.probe("numpy-import")
    failed = imported is None or not imported.ok
    return failed and ".so" in Path(fault.path).name and Path(fault.path).parent == facts.layout.prefix / "lib"


def _dependents(facts: Facts) -> set[str]:
    names = {result.name.removeprefix("import ") for result in facts.dependents}
    return names | {distribution.name for distribution in facts.disk.distributions if distribution.name in names}


def _extra(facts: Facts) -> Iterator[Draft]:
    """Code in numpy's folders that no package has put there."""
    faults = [f for f in facts.disk.files if f.reason == "extra"]
    if not faults or any(_versions(facts)):
        return
    # An extension module wins over a .py of its name, and a package over both.
    winning = [f for f in faults if _wins(Path(f.path), facts)]
    yield Draft(
        id="extra-files",
        severity="broken" if winning else "doubtful",
        summary="Code lies in numpy's folder that no package has put there"
        f"{', in the place of its own' if winning else ''}.",
        evidence=shorten(winning or faults),
        files=tuple(f.path for f in faults),
        owner=faults[0].owner,
        package="numpy",
        repair=f"Delete {faults[0].path}{' and the others' if len(faults) > 1 else ''}.",
    )


def _wins(path: Path, facts: Facts) -> bool:
    if path.name == "__init__.py":
        return bool(facts.disk.owner_of(f"{path.parent}.py"))
    return ".so" in path.name and bool(facts.disk.owner_of(str(path.with_name(path.name.split(".")[0] + ".py"))))


def _searched_first(facts: Facts) -> Iterator[Draft]:
    """Another numpy in a folder that a notebook searches before the environment."""
    for folder in facts.outer_paths:
        found = [p for p in [folder / "numpy" / "__init__.py", *_rivals(folder)] if p.exists()]
        if found and not any(folder == site for site in facts.disk.sites):
            yield Draft(
                id="numpy-elsewhere",
                severity="doubtful",
                summary=f"A notebook would import another numpy first: {found[0]}.",
                evidence=(
                    f"{folder} comes before {facts.disk.sites[0] if facts.disk.sites else 'the site folders'}",
                ),
                files=tuple(str(path) for path in found),
                repair=f"Rename or delete {found[0]}, or take {folder} off the search path.",
            )


def _company(facts: Facts) -> Iterator[Draft]:
    """Packages that can be imported alone, not together."""
    passed = {result.name for result in facts.alone if result.ok}
    failed = [result for result in facts.dependents if not result.ok and result.name in passed]
    if failed:
        names = [result.name.removeprefix("import ").removeprefix("share-") for result in facts.dependents]
        name = failed[0].name.removeprefix("import ")
        yield Draft(
            id="import-conflict",
            severity="doubtful",
            summary=f"{name} can be imported alone, but not after {', '.join(names[: names.index(name)])}.",
            evidence=tuple(failed[0].problems[:4]),
            owner=name,
            repair=f"Import {name} first, or use builds of these packages that share their runtime libraries.",
        )


def _name(owner: str) -> str:
    return owner.split(" ", 1)[0]
