"""What a fault is, and where each kind signs in.

A fault damages a copy and says what a check has to find: the cause, the package and the files to blame. Where the
repair is the user's alone (a variable, a file outside the environment), ``undo`` does what the repair says.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.environments import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True)
class Expected:
    """What has to be found."""

    causes: tuple[str, ...]
    """One of these ids."""
    owner: str = "numpy"
    """Name at the start of the owner; empty where no package is to blame."""
    files: tuple[Path, ...] = ()
    """At least these."""
    site: Site | None = None
    """The environment afterwards, where its variables changed."""
    undo: Callable[[], Any] | None = None
    """Carries out by hand a repair that only the user can make."""
    evidence: str = ""
    """Found somewhere in the evidence."""
    healthy: bool = False
    """Whether a note is all that is due."""


@dataclass(frozen=True)
class Fault:
    """One variant of one kind."""

    kind: str
    variant: str
    where: str
    """``conda`` or ``pip``."""
    inject: Callable[[Site], Expected]
    imports: tuple[str, ...] = ()
    """What the check is asked to import besides numpy."""
    full: bool = False
    """Whether it takes the full check."""
    timeout: float = 60.0
    dependents: bool = True
    """Whether it needs an environment with scipy and pandas."""
    sample: bool = True
    """Whether it stands for its kind in `make test`."""

    def __str__(self) -> str:
        return f"{self.where}-{self.kind}-{self.variant}".replace("/", ".").replace("*", "")


FAULTS: list[Fault] = []
_BOTH = ("conda", "pip")


def kind(
    name: str, *, variants: Iterable[Any], where: Iterable[str] = _BOTH, sample: int = 0, **options: Any
) -> Callable[[Any], Any]:
    """Registers a kind: the function takes the site and a variant, and returns what is expected.

    Variants take turns in the two environments, a single one is put to both. The sample-th stands for the kind.
    """

    def enter(function: Any) -> Any:
        homes, listed, begin = list(where), list(variants), len(FAULTS)
        for number, variant in enumerate(listed if len(listed) > 1 else listed * len(homes)):
            label = variant if isinstance(variant, str) else "-".join(map(str, variant))
            needed = bool(options.get("imports")) or "dependent" in name or "scipy" in label or "pandas" in label
            home = homes[(number + begin) % len(homes)] if len(listed) > 1 else homes[number]
            settings = {**options, "dependents": needed, "sample": number == sample}
            FAULTS.append(Fault(name, label, home, lambda s, v=variant: function(s, v), **settings))
        return function

    return enter


def one(site: Site, pattern: str) -> Path:
    found = sorted(site.site.glob(pattern))
    assert found, f"{pattern} matches nothing in {site.site}"
    return found[0]


def owner_of(path: Path, site: Site) -> str:
    return path.relative_to(site.site).parts[0].split(".")[0].split("-")[0]


FLUSH = "#include <xmmintrin.h>\n__attribute__((constructor)) void set(void) { _mm_setcsr(_mm_getcsr() | 0x8040); }\n"
ROUND = "#include <fenv.h>\n__attribute__((constructor)) void set(void) { fesetround(FE_UPWARD); }\n"


def compiled(folder: Path, source: str, name: str = "library.so") -> Path:
    """A shared library; skips the test where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    folder.mkdir(parents=True, exist_ok=True)
    code, library = folder / "code.c", folder / name
    code.write_text(source)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, code, "-lm"], check=True)
    return library
