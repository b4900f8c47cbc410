"""What mends a cause: in words for a person, and as actions that `repair` can carry out."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.integrity.model import Action
from bootstrap.integrity.record_files import normalized

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootstrap.integrity.drafts import Draft
    from bootstrap.integrity.facts import Facts
    from bootstrap.integrity.model import Severity

_REINSTALL = {
    "built-for-another-python",
    "dependency-missing",
    "files-altered",
    "import-fails",
    "interrupted-install",
    "memory-not-shared",
    "not-as-locked",
    "numpy-crashes",
    "numpy-import-fails",
    "numpy-not-installed",
    "numpy-replaced",
    "numpy-two-dist-infos",
    "numpy-unrecorded",
    "numpy-version-mismatch",
    "numpy-wrong-answers",
}
_UPGRADE = {"built-for-another-numpy", "numpy-out-of-bounds"}
_SET_ASIDE = {"extra-files", "interrupted-install", "numpy-namesake", "numpy-shadowed", "startup-code"}
_LAID_OVER = {"numpy-replaced", "numpy-two-dist-infos", "numpy-version-mismatch"}
"""With these, files of the other version lie about that putting back the right ones doesn't take away."""
_RESTART = {"float-state-changed", "mixed-in-memory", "numpy-patched", "stale-in-memory", "wrong-answers-here"}


def actions(draft: Draft, severity: Severity, facts: Facts) -> tuple[Action, ...]:
    """What can be done about a draft without asking anybody; empty for a note, which needs nothing."""
    return tuple(_actions(draft, facts)) if severity != "note" else ()


def _actions(draft: Draft, facts: Facts) -> Iterator[Action]:
    if draft.live:
        if draft.id in _RESTART:
            yield Action("restart", ())
        return
    inside = [f for f in draft.files if Path(f).is_relative_to(facts.layout.prefix) and os.path.lexists(f)]
    if draft.id in _SET_ASIDE:
        yield from (Action("set-aside", (f,)) for f in inside if not facts.disk.owner_of(f))
    if draft.package == "numpy" and draft.id in _LAID_OVER:
        extra = (f.path for f in facts.disk.files if f.reason == "extra")
        yield from (Action("set-aside", (path,)) for path in extra if not facts.disk.owner_of(path))
    if draft.id == "moved":
        yield Action("restore", (str(facts.layout.prefix),))
    if draft.id == "stale-bytecode":
        yield from (Action("delete", (f,)) for f in inside)
    if draft.id == "numpy-two-dist-infos" and not facts.disk.conda:
        yield from (Action("delete", (f,)) for f in stale_infos(facts))
    damaged = draft.id == "numpy-shadowed" and "pip install" in draft.repair
    if draft.id in _REINSTALL or draft.id in _UPGRADE or damaged:
        if is_locked(draft.package, facts):
            yield Action("restore", (str(facts.layout.prefix),))
        elif draft.package:
            # What has lost its list of files can't be uninstalled by pip.
            how = {"upgrade": draft.id in _UPGRADE, "anew": draft.id == "numpy-unrecorded"}
            command = pip_command(draft.package, facts, complete=draft.id == "dependency-missing", **how)
            yield Action("pip", command)


def is_locked(package: str, facts: Facts) -> bool:
    """Whether conda owns a package, so that it is put back from the lock's archives."""
    if not facts.disk.conda:
        return False
    if package in facts.disk.locked:
        return True
    return not any(d.name == normalized(package) for d in facts.disk.foreign)


def repair_package(package: str, facts: Facts, *, upgrade: bool = False, anew: bool = False) -> str:
    """How to put a package right again: from the lock in a conda prefix, with pip elsewhere."""
    if is_locked(package, facts):
        return f"Run `bootstrap restore --prefix {facts.disk.prefix}`: it puts the locked files back."
    command = " ".join(pip_command(package, facts, upgrade=upgrade, anew=anew))
    return f"Run `{command}`, then restart the kernel."


def pip_command(
    package: str, facts: Facts, *, upgrade: bool = False, anew: bool = False, complete: bool = False
) -> tuple[str, ...]:
    """The installer's command for one package.

    Args:
        package: The distribution's name.
        facts: Which version is there, and which installer.
        upgrade: Take the newest instead of the version that is there.
        anew: Don't uninstall what is there: it can't be.
        complete: Only add what it needs and is missing.
    """
    found = [d for d in facts.disk.distributions if d.name == normalized(package)]
    # Where METADATA and the folder's name disagree, the name is what pip gave it.
    versions = [d.labelled_version for d in found] + [d.version for d in found]
    running = facts.numpy_version if package == "numpy" else None
    version = running if running in versions else next(iter(versions), "")
    pinned = f"{package}=={version}" if version and not upgrade else package
    way = ["--upgrade"] if upgrade else [*(["--ignore-installed"] if anew else ["--force-reinstall"]), "--no-deps"]
    return (*_installer(facts), *([] if complete else way), pinned)


def _installer(facts: Facts) -> tuple[str, ...]:
    """The environment's own pip; else a pip or uv that can install into it from outside."""
    python = str(facts.layout.python)
    if any(d.name == "pip" for d in facts.disk.distributions):
        return (python, "-m", "pip", "install")
    if importlib.util.find_spec("pip") is None and shutil.which("uv"):
        return ("uv", "pip", "install", "--python", python)
    return (sys.executable, "-m", "pip", "--python", python, "install")


def stale_infos(facts: Facts) -> list[str]:
    """The .dist-info folders of numpy that tell another version than the numpy that runs."""
    running = facts.numpy_version
    stale = [str(d.info) for d in facts.distributions if d.version != running]
    return stale if len(stale) < len(facts.distributions) else []
