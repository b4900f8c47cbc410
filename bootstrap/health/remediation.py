"""What mends a cause: in words for a person, and as actions that `repair` can carry out."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap._util.names import canonical_name
from bootstrap.health.model import Action
from bootstrap.health.record_files import written_version
from bootstrap.health.rules.base import KINDS, package_name
from bootstrap.hints import command
from bootstrap.prefix.locked import repair_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootstrap.health.facts import Facts
    from bootstrap.health.model import Cause, Severity


def in_words(draft: Cause, facts: Facts) -> str:
    """How a draft's package is put right, by the repairs of its kind; '' where none of them installs anything."""
    if not {"reinstall", "upgrade"}.intersection(KINDS[draft.id].repairs):
        return ""
    return repair_package(draft.package, facts, **_way(draft, facts))


def _way(draft: Cause, facts: Facts) -> dict[str, Any]:
    """The options of `pip_command` for a draft."""
    repairs = KINDS[draft.id].repairs
    nearest = nearest_release(draft.package, facts) if "upgrade" in repairs else ""
    # What has lost its list of files can't be uninstalled by pip.
    return {
        "requirement": draft.requirement or nearest,
        "anew": "anew" in repairs,
        "complete": "complete" in repairs,
    }


def actions(draft: Cause, severity: Severity, facts: Facts) -> tuple[Action, ...]:
    """What can be done about a draft without asking anybody; empty for a note, which needs nothing."""
    return tuple(_actions(draft, facts)) if severity != "note" else ()


def _actions(draft: Cause, facts: Facts) -> Iterator[Action]:
    repairs = KINDS[draft.id].repairs
    if draft.live:
        if "restart" in repairs:
            yield Action("restart", ())
        return
    inside = [f for f in draft.files if Path(f).is_relative_to(facts.layout.prefix) and os.path.lexists(f)]
    if "set-aside" in repairs:
        yield from (Action("set-aside", (f,)) for f in inside if not facts.disk.owner_of(f))
    if draft.package == "numpy" and "set-aside-extra" in repairs:
        # Files of the other version lie about that putting back the right ones does not take away.
        extra = (f.path for f in facts.disk.files if f.reason == "extra")
        yield from (Action("set-aside", (path,)) for path in extra if not facts.disk.owner_of(path))
    if "delete" in repairs:
        yield from (Action("delete", (f,)) for f in inside)
    if "delete-stale-infos" in repairs and not facts.disk.conda:
        yield from (Action("delete", (f,)) for f in stale_infos(facts))
    damaged = "reinstall-damaged" in repairs and "pip install" in draft.repair
    if "reinstall" in repairs or "upgrade" in repairs or damaged:
        away = [Action("set-aside", (f,)) for f in in_the_way(draft.package, facts)]
        if is_locked(draft.package, facts):
            yield from away
            yield Action("restore", (str(facts.layout.prefix),))
        elif draft.package and (pip := pip_command(draft.package, facts, **_way(draft, facts))):
            yield from away
            yield Action("pip", pip)


def in_the_way(package: str, facts: Facts) -> list[str]:
    """Links and folders in the place of a package's files, or on the way: what is put back would go through them."""
    obstacles = []
    faults = [f for f in facts.disk.files if package_name(f.owner) == package and f.reason != "extra"]
    for file in (Path(fault.path) for fault in faults):
        site = next((site for site in facts.disk.sites if file.is_relative_to(site)), None)
        if site is None:
            continue
        above = [folder for folder in reversed(file.parents) if folder.is_relative_to(site) and folder != site]
        links = [path for path in (*above, file) if path.is_symlink()]
        if links or file.is_dir():
            obstacles.append(str(links[0] if links else file))
    return list(dict.fromkeys(obstacles))


def is_locked(package: str, facts: Facts) -> bool:
    """Whether conda owns a package, so that it is put back from the lock's archives."""
    if not facts.disk.conda:
        return False
    if package in facts.disk.locked:
        return True
    return not any(d.name == canonical_name(package) for d in facts.disk.foreign)


def repair_package(
    package: str, facts: Facts, *, requirement: str = "", anew: bool = False, complete: bool = False
) -> str:
    """How to put a package right again: from the lock in a conda prefix, with pip elsewhere.

    The command where the check was asked from a shell, the call where it was asked from a cell.
    """
    if is_locked(package, facts):
        return _from_lock(package, facts)
    pip = pip_command(package, facts, requirement=requirement, anew=anew, complete=complete)
    if not pip:
        name = installed_name(package, facts)[0]
        chosen = f"{shlex.join(_installer(facts))} {name}==VERSION"
        return f"The previous version of {name} is unknown. Choose one: `{chosen}`."
    what = shlex.join(pip)
    if complete:
        what, then = f"{what}`: it adds what is missing", ""
    else:
        what, then = f"{what}`", ", then restart the kernel"
    if facts.call:
        return f"Run `{facts.call}`, which runs `{what}{then}."
    there = " and ".join(in_the_way(package, facts))
    first = f"Delete {there}, which pip would write through. Then run" if there else "Run"
    return f"{first} `{what}{then}."


def _from_lock(package: str, facts: Facts) -> str:
    """How conda's files are put back: by us where we have put them there, else by conda."""
    prefix = facts.disk.prefix
    if not facts.ours and facts.disk.locked:
        adopt = command("restore", "adopt", prefix=prefix, lock=facts.lock)
        return f"Run `{adopt}`: it makes the environment match the lock."
    if not facts.ours:
        version = facts.disk.conda.get(package)
        wanted = f"{package}={version}" if version else package
        install = shlex.join(["conda", "install", "--prefix", str(prefix), "--force-reinstall", wanted])
        return f"Run `{install}`: it puts the package's files back."
    if facts.disk.locked:
        return f"Run `{facts.call or repair_command(prefix, facts.lock)}`: it puts the locked files back."
    in_shell = command("restore", prefix=prefix, lock="FILE")
    chosen = f"bootstrap.restore('FILE', {str(prefix)!r})" if facts.call else in_shell
    return f"The lock that it was restored from is missing or has changed. Choose one: `{chosen}`."


def pip_command(
    package: str, facts: Facts, *, requirement: str = "", anew: bool = False, complete: bool = False
) -> tuple[str, ...]:
    """The installer's command for one package; empty where nothing tells which version to install.

    Args:
        package: The distribution's name.
        facts: Which version is there, and which installer.
        requirement: Take what this names instead of the version that is there.
        anew: Don't uninstall what is there: it can't be.
        complete: Only add what it needs and is missing.
    """
    name, version = installed_name(package, facts)
    asked = requirement or (f"{name}=={version}" if version else "")
    if not asked and name == "numpy":
        # None is there that could be moved: what goes with the rest.
        asked = f"numpy{bounds_on_numpy(facts)}"
    if not asked:
        return ()
    if complete or requirement:
        # What it needs comes as well, and numpy stays what it is.
        held = installed_name("numpy", facts)[1] if name != "numpy" else ""
        return (*_installer(facts), asked, *([f"numpy=={held}"] if held else []))
    way = ["--ignore-installed" if anew else "--force-reinstall", "--no-deps"] if version else []
    return (*_installer(facts), *way, asked)


def installed_name(package: str, facts: Facts) -> tuple[str, str]:
    """A package's name for an installer, and the version that is there; '' where no trace tells it.

    Traces are its .dist-info, for numpy then what it says of itself (imported, on disk, in memory), then the
    metadata that an interrupted pip has renamed, then conda-meta and the lock.
    """
    name = package
    installed = [d for d in facts.disk.distributions if d.name == canonical_name(package)]
    if not installed:
        owners = (facts.disk.owner_of(f"{site}/{package}/__init__.py") for site in facts.disk.sites)
        owner = next(filter(None, owners), "").split(" ")[0]
        installed = [d for d in facts.disk.distributions if owner and d.name == canonical_name(owner)]
        name = installed[0].name if installed else package
    # Where METADATA and the folder's name disagree, the name is what pip gave it.
    versions = [d.labelled_version for d in installed] + [d.version for d in installed]
    if name == "numpy":
        running = facts.numpy_version or ""
        versions = [running, *versions] if running in versions else [*versions, running]
        versions += [written_version(site / "numpy") for site in facts.disk.sites]
        versions.append(str(facts.live.probe("live-version").facts.get("memory", "")) if facts.live else "")
    versions += _waiting(canonical_name(name), facts)
    versions += [str(facts.disk.conda.get(name, "")), str(facts.disk.locked.get(name, ""))]
    return name, next(filter(None, versions), "")


def _waiting(name: str, facts: Facts) -> Iterator[str]:
    """Versions of a package in metadata whose first letters an interrupted pip has replaced by ``~``."""
    for path in facts.disk.leftovers:
        leftover = re.match(r"[~_-]+(?P<rest>.+?)-(?P<version>[^-]+)\.dist-info$", path.name)
        if leftover and name.endswith(canonical_name(leftover["rest"])):
            yield leftover["version"]


def nearest_release(package: str, facts: Facts, *, older: bool = False) -> str:
    """The requirement for another release of a package that stays as near as can be: '' where none is there.

    Args:
        package: The distribution's name.
        facts: Which version is there.
        older: Whether it has to be an older one; else it is a newer one of the same major version.
    """
    name, version = installed_name(package, facts)
    major = re.match(r"(?:\d+!)?(\d+)", version)
    if not major:
        return ""
    return f"{name}<{version}" if older else f"{name}>{version},<{int(major[1]) + 1}"


def bounds_on_numpy(facts: Facts) -> str:
    """All that the installed distributions ask of numpy's version, as one specifier."""
    asked = (
        wanted
        for distribution in facts.disk.distributions
        for _, wanted in distribution.applying(facts.layout.version)
    )
    return ",".join(
        sorted({str(one) for wanted in asked if canonical_name(wanted.name) == "numpy" for one in wanted.specifier})
    )


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
