"""Everything that a check has found out, before it is judged."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bootstrap.health.model import ProbeResult
from bootstrap.health.variables import Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bootstrap.health.inventory import Inventory
    from bootstrap.health.live import Live
    from bootstrap.health.record_files import Distribution

LOADER_VARIABLES = ("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT")
"""What the dynamic loader is told by; left as it is for the probes, taken away to see whether it is to blame."""
NUMERIC_VARIABLES = ("NPY_", "NUMPY_", "OPENBLAS_", "GOTO_", "MKL_", "BLIS_", "BLAS_", "OMP_", "KMP_")
"""Beginnings of the names of variables that numpy, its BLAS and their threads read; treated in the same way."""


Removed = Literal["loader", "variables", "startup", "bytecode"]
"""What a failed probe is repeated without: the loader's variables, those that numpy or its BLAS reads, startup code,
cached bytecode (every module is compiled anew)."""


@dataclass(frozen=True)
class InterpreterLayout:
    """Where the examined interpreter lives and keeps its packages."""

    python: Path
    prefix: Path
    version: tuple[int, ...]
    sites: tuple[Path, ...]
    user_site: Path | None = None
    """The user's site folder, where this interpreter reads it: a plain virtual environment's doesn't."""

    @classmethod
    def from_probe(cls, python: Path, facts: Mapping[str, Any]) -> InterpreterLayout:
        """Read the answer of the probe ``layout``."""
        return cls(
            python=python,
            prefix=Path(facts["prefix"]),
            version=tuple(facts["version"]),
            sites=tuple(Path(path) for path in facts["site"]),
            user_site=Path(facts["user_site"]) if facts["user_site"] else None,
        )


@dataclass(frozen=True)
class Facts:
    """The material of the judgement."""

    layout: InterpreterLayout
    disk: Inventory
    numpy: tuple[ProbeResult, ...]
    """Probes of numpy itself."""
    dependents: tuple[ProbeResult, ...] = ()
    """Imports of dependents and probes of memory shared with them."""
    alone: tuple[ProbeResult, ...] = ()
    """Imports that failed together with others, each repeated in a process of its own."""
    further: frozenset[str] = frozenset()
    """Packages among them that are neither usual nor requested, but use numpy."""
    without: Mapping[Removed, frozenset[str]] = field(default_factory=dict)
    """Names of failed probes that pass when one thing is taken away."""
    stale_bytecode: tuple[str, ...] = ()
    """Cached bytecode that is not what its source says; asked only where that may be the cause."""
    hooks: tuple[Path, ...] = ()
    """Code that site runs whenever the interpreter starts."""
    loader: Mapping[str, str] = field(default_factory=dict)
    """The loader's variables that are set."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables that numpy or its BLAS reads and that make a probe fail."""
    around: Surroundings = field(default_factory=Surroundings)
    """What notebooks run with in this interpreter."""
    python_variables: Mapping[str, str] = field(default_factory=dict)
    """Variables that the interpreter itself reads and with which numpy can't be imported."""
    python_problem: str = ""
    """What is said then."""
    live: Live | None = None
    """What the running process told; None where another environment is examined from outside."""
    outer_paths: tuple[Path, ...] = ()
    """Folders that a notebook's Python would search before the site folders, and a probe's does not."""
    imported_again: ProbeResult | None = None
    """How a second import in one fresh process went; asked only where this process is about to do that."""
    ours: bool = False
    """Whether this program has restored the prefix, so that it can do so again."""
    lock: Path | None = None
    """The lock that it is compared with."""
    call: str = ""
    """How a cell has it repaired, where it was asked from one; empty where it was asked from a shell."""

    def probe(self, name: str) -> ProbeResult:
        """A probe of numpy by its name."""
        return ProbeResult.of(name, self.numpy)

    @property
    def numpy_version(self) -> str | None:
        """The version that the imported numpy says it has; the installed one where it can't be imported."""
        if running := self.probe("numpy-import").facts.get("version"):
            return str(running)
        return self.distributions[0].version if self.distributions else None

    @property
    def distributions(self) -> tuple[Distribution, ...]:
        """numpy's distributions in the first site folder that has any; those behind it are never imported."""
        numpys = [d for d in self.disk.distributions if d.name == "numpy"]
        return tuple(d for d in numpys if d.site == numpys[0].site)

    @property
    def numpy_owner(self) -> str:
        """numpy with the version that its installer noted."""
        version = self.disk.conda.get("numpy") or (self.distributions[0].version if self.distributions else "")
        return f"numpy {version}".strip()


def find_hooks(sites: Iterable[Path]) -> tuple[Path, ...]:
    """Startup code in site folders: sitecustomize, usercustomize, and ``.pth`` files with an import line."""
    hooks = []
    for site in sites:
        names = ("sitecustomize", "usercustomize")
        modules = [*(site / f"{name}.py" for name in names), *(site / name / "__init__.py" for name in names)]
        hooks += [path for path in modules if path.is_file()]
        for path in sorted(site.glob("*.pth")):
            with suppress(OSError):
                lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
                if any(line.startswith(("import ", "import\t")) for line in lines):
                    hooks.append(path)
    return tuple(hooks)
