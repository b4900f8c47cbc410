"""Is the numpy that is imported the one that is installed, in the version that every place tells?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.health.remediation import repair_package, stale_infos
from bootstrap.health.rules.base import CauseKind, code_faults, package_name, shorten, shown
from bootstrap.health.rules.process import NUMPY_SHADOWED
from bootstrap.health.severity import is_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootstrap.health.facts import Facts
    from bootstrap.health.model import Cause

NUMPY_NAMESAKE = CauseKind("numpy-namesake", severity="note", repairs=("set-aside",))
NUMPY_NOT_INSTALLED = CauseKind("numpy-not-installed", package="numpy", repairs=("reinstall",))
NUMPY_REPLACED = CauseKind("numpy-replaced", package="numpy", repairs=("reinstall", "set-aside-extra"))
NUMPY_TWO_DIST_INFOS = CauseKind(
    "numpy-two-dist-infos", package="numpy", repairs=("reinstall", "set-aside-extra", "delete-stale-infos")
)
NUMPY_UNRECORDED = CauseKind("numpy-unrecorded", severity="doubtful", package="numpy", repairs=("reinstall", "anew"))
NUMPY_VERSION_MISMATCH = CauseKind(
    "numpy-version-mismatch", package="numpy", repairs=("reinstall", "set-aside-extra")
)


def absent(facts: Facts) -> Iterator[Cause]:
    """No numpy at all."""
    if facts.distributions or facts.disk.conda.get("numpy"):
        return
    if file := facts.probe("numpy-import").facts.get("file"):
        # Debian's packages have no RECORD, and are not pip's to verify.
        yield NUMPY_UNRECORDED(
            summary="numpy can be imported, but has no metadata: no package claims it.",
            evidence=(
                f"imported: {file}",
                *(f"{s}: no numpy .dist-info" for s in facts.disk.sites),
            ),
            files=(str(file),),
        )
        return
    yield NUMPY_NOT_INSTALLED(
        summary="numpy is not installed in this environment.",
        evidence=tuple(f"{site}: no numpy distribution" for site in facts.disk.sites),
        owner="numpy",
    )


def shadowed(facts: Facts) -> Iterator[Cause]:
    """The name numpy leads elsewhere than to the installed numpy."""
    file = facts.probe("numpy-import").facts.get("file")
    homes = [distribution.site / "numpy" for distribution in facts.distributions]
    if not homes:
        return
    home = homes[0]
    beside = [path for path in rivals(home.parent) if path.exists()]
    if isinstance(file, str):
        reached = os.path.realpath(file).startswith(f"{os.path.realpath(home)}/")
        intruders = [] if reached else [Path(file)]
    else:
        intruders = [] if (home / "__init__.py").is_file() else beside
    if not intruders and beside:
        yield NUMPY_NAMESAKE(
            summary=f"There is another module named numpy beside the package: {beside[0].name}. Python ignores it.",
            evidence=tuple(str(path) for path in beside),
            files=tuple(str(path) for path in beside),
            repair=f"Rename or delete {beside[0]}.",
        )
    if not intruders:
        return
    faults = code_faults("numpy", facts)
    # A folder outside comes before the site folders only because startup code has put it there.
    guides = [hook for hook in facts.hooks if any(_leads(hook, path) for path in intruders)]
    intruders = [*intruders, *guides]
    owners = {facts.disk.owner_of(str(path)) for path in intruders}
    yield NUMPY_SHADOWED(
        summary=f"`import numpy` doesn't load the installed {facts.numpy_owner}, but {intruders[0]}.",
        evidence=(
            f"imported: {file or intruders[0]}",
            f"installed: {home}",
            *(f"{hook} puts its folder on the search path" for hook in guides),
            *shorten(faults),
        ),
        files=tuple(str(path) for path in intruders),
        owner=", ".join(sorted(owner for owner in owners if owner)),
        repair=f"Rename or delete {(guides or intruders)[0]}."
        + (f" {repair_package('numpy', facts)}" if faults else ""),
    )


def _leads(hook: Path, module: Path) -> bool:
    """Whether startup code names the folder that a module was imported from."""
    folder = module.parent.parent if module.name == "__init__.py" else module.parent
    try:
        return str(folder) in hook.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def rivals(folder: Path) -> list[Path]:
    """Modules of the name numpy in a folder, compiled ones included."""
    return [folder / "numpy.py", folder / "numpy.pyc", *sorted(folder.glob("numpy.*.so")), folder / "numpy.so"]


def versions(facts: Facts) -> Iterator[Cause]:
    """The places that tell numpy's version don't agree."""
    numpys = facts.distributions
    conda, locked = facts.disk.conda.get("numpy"), facts.disk.locked.get("numpy")
    running = str(facts.probe("numpy-import").facts.get("version") or "")
    statements = [
        *((f"{d.info} says", d.version) for d in numpys),
        *((f"the name of {d.info.name} says", d.labelled_version) for d in numpys if d.labelled_version != d.version),
        ("numpy.__version__ says", running),
        ("conda-meta says", conda),
    ]
    # A lock that all of them disagree with is told as a package that is not as locked.
    versions = {version for _, version in statements if version}
    lines = tuple(f"{place} {version}" for place, version in (*statements, ("the lock says", locked)) if version)
    faults = code_faults("numpy", facts)
    another = bool(numpys) and conda not in {d.version for d in numpys}
    again = "" if another or not facts.disk.record_clean else _installed_again(facts)
    if conda and (another or again):
        summary = f"Another installer has put numpy {running or numpys[0].version} over conda's numpy {conda}."
        if again:
            differ = f"{len(faults)} of its files differ, {shown(faults[0].path, facts)} first" if faults else ""
            summary = f"{again} has reinstalled numpy {conda} over conda's: {differ or 'its code is the same'}."
        yield NUMPY_REPLACED(
            severity="broken" if faults or another else "doubtful",
            summary=summary,
            evidence=(*lines, *(_installers(facts)), *shorten(faults)),
            files=tuple(
                f.path for f in facts.disk.files if package_name(f.owner) == "numpy" and (again or is_code(f.path))
            ),
            owner=f"numpy {conda}",
        )
    elif len(versions) > 1 or len(numpys) > 1:
        two = len(numpys) > 1
        harmless = two and not faults and (not running or running in {d.version for d in numpys}) and not conda
        summary = (
            f"numpy has {len(numpys)} .dist-info folders in one place: {', '.join(d.version for d in numpys)}."
            if two
            else f"numpy is a mix of two versions: {' and '.join(sorted(versions))}."
        )
        yield (NUMPY_TWO_DIST_INFOS if two else NUMPY_VERSION_MISMATCH)(
            severity="doubtful" if harmless else "broken",
            summary=summary,
            evidence=(*lines, *shorten(faults)),
            files=tuple(str(d.info) for d in numpys),
            owner=f"numpy {running}" if two and running else facts.numpy_owner,
            repair=_delete_first(facts),
        )


def unrecorded(facts: Facts) -> Iterator[Cause]:
    """numpy has a .dist-info without RECORD, so that nothing says how its files should be."""
    for distribution in facts.distributions[:1]:
        if facts.disk.conda.get("numpy") or distribution.by_system or distribution.record():
            continue
        yield NUMPY_UNRECORDED(
            summary="numpy's files can't be verified: its RECORD is missing or unreadable.",
            evidence=(f"{distribution.info / 'RECORD'}: no lines",),
            files=(str(distribution.info / "RECORD"),),
            owner=str(distribution),
        )


def _delete_first(facts: Facts) -> str:
    """How numpy is repaired where a .dist-info of another version lies beside its own; '' elsewhere."""
    stale = stale_infos(facts)
    if facts.disk.conda or not stale:
        return ""
    then = repair_package("numpy", facts)
    return f"Delete {', '.join(stale)}, then {then[0].lower()}{then[1:]}"


def _installed_again(facts: Facts) -> str:
    """Who has installed conda's numpy once more: another's name, or files of another's that conda doesn't list.

    Files that merely agree with a RECORD may have been edited together with it.
    """
    told = {fault.path for fault in facts.disk.files}
    for distribution in facts.distributions:
        path, name = distribution.info / "INSTALLER", distribution.installer
        if name is None:
            continue
        own = [distribution.info / one for one in ("REQUESTED", "direct_url.json", "uv_cache.json")]
        left = any(one.exists() and not facts.disk.owner_of(str(one)) for one in own)
        if name != "conda" and (str(path) in told or not facts.disk.owner_of(str(path)) or left):
            return name
    return ""


def _installers(facts: Facts) -> list[str]:
    installers = ((d.info.name, d.installer) for d in facts.distributions)
    return [f"{name} was installed by {installer}" for name, installer in installers if installer is not None]
