"""The registry of causes, and what several rules need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

from bootstrap._util.listing import capped
from bootstrap.health.model import Cause
from bootstrap.health.severity import is_code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootstrap.health.facts import Facts
    from bootstrap.health.model import FileFault, Severity

_SHOWN = 8


Repair = Literal[
    "reinstall",
    "reinstall-damaged",
    "anew",
    "complete",
    "upgrade",
    "set-aside",
    "set-aside-extra",
    "delete",
    "delete-stale-infos",
    "restart",
]
KINDS: dict[str, CauseKind] = {}
"""All causes that a check can name, by their ids."""


@dataclass(frozen=True)
class CauseKind:
    """What is the same for every cause of one id; defining it registers the id, which is public and stays."""

    id: str
    """Stable kebab-case name, with a row in docs/check.md."""
    severity: Severity = "broken"
    """Unless the finding says otherwise."""
    package: str = ""
    """The package that it damages, where it is always the same."""
    repairs: tuple[Repair, ...] = ()
    """What can be done about it without asking anybody, as `bootstrap.health.remediation` does it and, where the
    finding brings no words of its own, says it."""
    dated: Literal["by-install", "by-files", "never"] = "by-install"
    """What tells since when: the owner's installation and the files, these alone, or nothing on disk."""
    declared: bool = False
    """Whether it is a package's own word only: it explains no failure, and is evidence where one is seen."""

    def __post_init__(self) -> None:
        if KINDS.setdefault(self.id, self) is not self:
            raise ValueError(f"{self.id} is defined twice")

    def __call__(self, summary: str, **finding: Any) -> Cause:
        """One finding of this kind, by the fields of `Cause`."""
        return Cause(self.id, summary=summary, **{"severity": self.severity, "package": self.package, **finding})


def shorten(faults: Iterable[FileFault | str]) -> tuple[str, ...]:
    """The first few as lines, and how many more there are."""
    return tuple(capped([str(fault) for fault in faults], _SHOWN))


def shown(path: str, facts: Facts) -> str:
    """A path as a headline names it: below its site folder or the prefix."""
    for folder in (*facts.disk.sites, facts.layout.prefix):
        if path.startswith(f"{folder}/"):
            return path[len(f"{folder}/") :]
    return path


def mapped_libraries(facts: Facts) -> list[str]:
    """Shared libraries in memory once numpy is imported."""
    return list(facts.probe("numpy-mapped").facts.get("mapped", ()))


def own_library(path: str, facts: Facts) -> str:
    """The library of this name in a conda environment's own folder, or ''."""
    own = facts.layout.prefix / "lib" / PurePath(path).name
    return str(own) if facts.disk.conda and own.exists() else ""


def code_faults(package: str, facts: Facts) -> list[FileFault]:
    """What is wrong with a package's files that an interpreter loads."""
    return [f for f in facts.disk.files if package_name(f.owner) == package and is_code(f.path)]


def package_name(owner: str) -> str:
    """The name in ``name version``."""
    return owner.split(" ", 1)[0]
