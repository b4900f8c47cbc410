"""The questions to the running process, each with what it catches and what it costs."""

from __future__ import annotations

import importlib.machinery
import os
import sys
import time
import types
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap import processes, provenance
from bootstrap.health.live import mappings, modules, pending_imports
from bootstrap.health.model import ProbeResult
from bootstrap.health.probes import answers, linear, origin, registry
from bootstrap.health.probes.state import floating_point_state
from bootstrap.health.record_files import written_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bootstrap.health.inventory import Inventory

_ANSWERS = tuple(
    n for n, p in registry.PROBES.items() if p.function.__module__ in (answers.__name__, linear.__name__)
)
_DEFAULT_ERRSTATE = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
_OPENMP = {"libgomp": "GNU", "libomp": "LLVM", "libiomp5": "Intel"}


@dataclass(frozen=True)
class Process:
    """What the questions look at."""

    disk: Inventory
    numpy: types.ModuleType | None
    """The loaded numpy; None where it isn't loaded."""
    surface: Mapping[str, str]
    """What a fresh process found under numpy's public names; empty where it could not be asked."""
    stdlib: Sequence[str] = ()
    """Modules of the standard library that numpy loads."""
    trusted: bool = False
    """Whether a fresh process passed every known answer."""
    mapped: Sequence[mappings.Mapping] = ()
    started: float = 0.0

    @property
    def root(self) -> str:
        """The folder that numpy was loaded from, or ''."""
        file = getattr(self.numpy, "__file__", None)
        return os.path.dirname(file) if isinstance(file, str) else ""

    def state_of(self, path: str) -> mappings.State | None:
        """Whether a library in memory is the file at a path."""
        return mappings.state_of(path, self.mapped)

    @property
    def version(self) -> str:
        """Which numpy is loaded, whatever code has since written into its ``__version__``; '' for none."""
        told = Path(self.root, "version.py")
        # Unchanged since before this process began, the file says what was loaded.
        if (
            self.root
            and not modules.changed_since(str(told), self.started)
            and (version := written_version(told.parent))
        ):
            return version
        inner = getattr(sys.modules.get("numpy.version"), "version", None)
        return str(inner or getattr(self.numpy, "__version__", ""))


@dataclass(frozen=True)
class Live:
    """What the running process told."""

    loaded: bool
    """Whether numpy is loaded in it."""
    results: tuple[ProbeResult, ...] = ()

    def probe(self, name: str) -> ProbeResult:
        """An answer by the question's name."""
        return ProbeResult.of(name, self.results)

    @property
    def differences(self) -> list[str]:
        """Where memory and disk hold different numpys."""
        names = ("live-version", "live-libraries", "live-modules")
        return [line for name in names for line in self.probe(name).problems]


CHECKS: dict[str, registry.Probe] = {}
"""All questions by name, in the order in which they are asked; each is given the `Process`."""
_check = partial(registry.probe, catalogue=CHECKS)


def examine_process(disk: Inventory, fresh: Sequence[ProbeResult]) -> Live:
    """Asks this process everything, and changes nothing in it.

    Args:
        disk: What is installed.
        fresh: What a fresh process of the same interpreter answered.
    """
    numpy = sys.modules.get("numpy")
    process = Process(
        disk=disk,
        numpy=numpy if isinstance(numpy, types.ModuleType) else None,
        surface=ProbeResult.of("numpy-surface", fresh).facts.get("surface", {}),
        stdlib=ProbeResult.of("numpy-modules", fresh).facts.get("stdlib", ()),
        trusted=bool(fresh) and all(r.ok for r in fresh),
        mapped=mappings.read_mappings(),
        started=processes.began(),
    )
    results: list[ProbeResult] = []
    for name, check in CHECKS.items():
        facts: dict[str, Any] = {}
        began = time.perf_counter()
        # Known answers load parts of numpy: only where memory and disk are of one piece.
        skipped = name == "live-answers" and (not process.trusted or Live(True, tuple(results)).differences)
        skipped = skipped or (process.numpy is None and check.needs == "numpy")
        problems: list[str] = []
        try:
            problems += [] if skipped else check.function(process, facts)
        except Exception as error:  # what is in numpy's place may answer in any way; that is no finding of this one
            skipped = True
            facts["unanswered"] = f"{name}: {type(error).__name__}: {error}"
        outcome: Any = "skip" if skipped else "fail" if problems else "pass"
        seconds = time.perf_counter() - began
        results.append(ProbeResult(name, outcome, seconds, tuple(problems[:20]), facts))
    return Live(process.numpy is not None, tuple(results))


@_check("live-presence", catches="numpy taken out of sys.modules, or something else put there", cost_ms=1, needs="")
def _presence(process: Process, facts: dict[str, Any]) -> Iterator[str]:
    """Look what stands under numpy's name, and whether its libraries are in memory without it."""
    entry = sys.modules.get("numpy", process)
    if entry is process:
        cores = {m.name for m in process.mapped if m.name.startswith("_multiarray_umath.")}
        here = [
            str(s / "numpy" / c / n) for s in process.disk.sites for c in ("_core", "core") for n in sorted(cores)
        ]
        here = [path for path in here if os.path.exists(path)] or here[:1]
        states = {path: state for path in here if (state := process.state_of(path))}
        if states:
            facts.update(
                purged=sorted(states),
                replaced=sorted(path for path, state in states.items() if state in ("replaced", "removed")),
            )
            yield "numpy was loaded and is no longer in sys.modules; its libraries are still in memory"
    elif process.numpy is None or (not process.root and "ndarray" not in vars(process.numpy)):
        word = "None" if entry is None else f"a {type(entry).__module__}.{type(entry).__qualname__}"
        facts["instead"] = word
        yield provenance.told_with_cell(provenance.shell(), f"sys.modules['numpy'] is {word}")


@_check("live-version", catches="numpy in memory differs from numpy on disk", cost_ms=1)
def _version(process: Process, facts: dict[str, Any]) -> Iterator[str]:
    """Compare the loaded numpy's version with those of its distribution and of its source on disk."""
    held, root = process.version, Path(process.root)
    installed = [d.version for d in process.disk.distributions if d.name == "numpy" and d.site == root.parent]
    written = written_version(root)
    facts.update(memory=held, disk=written or (installed[0] if installed else ""), root=str(root))
    there = {v for v in (written, *installed[:1]) if v}
    if held and there and held not in there:
        yield f"numpy {held} is loaded, {' and '.join(sorted(there))} is on disk"
    elif held and not there and process.root and not (root / "__init__.py").exists():
        facts["disk"] = ""
        yield f"numpy {held} is loaded, none is on disk at {root}"


@_check("live-libraries", catches="extension modules replaced or deleted since they were loaded", cost_ms=3)
def _libraries(process: Process, facts: dict[str, Any]) -> Iterator[str]:
    """Compare each library of numpy in memory with the file now at its path: inode first, then its text."""
    below = {process.root, f"{process.root}.libs"}
    paths = {m.path for m in process.mapped if any(m.path.startswith(f"{folder}/") for folder in below)}
    loaded = modules.loaded_below(process.root).values() if process.root else ()
    paths |= {str(m.__file__) for m in loaded if ".so" in str(m.__file__)}
    facts.update(replaced=[], current=[])
    for path in sorted(paths):
        state = process.state_of(path)
        if state == "same":
            facts["current"].append(path)
        if state in ("replaced", "removed"):
            facts["replaced"].append(path)
            yield f"{path}: {state} since it was loaded"


@_check("live-modules", catches="Python modules of two versions in one process", cost_ms=2)
def _modules(process: Process, facts: dict[str, Any]) -> Iterator[str]:
    """Compare loaded modules of numpy, where their files changed since, with what the files now say."""
    loaded = modules.loaded_below(process.root)
    changed = [m for m in loaded.values() if modules.changed_since(str(m.__file__), process.started)]
    differing = list(modules.differing(changed))
    facts.update(differing=differing)
    numpys = {n: str(m.__file__) for n, m in modules.loaded().items() if n.startswith("numpy.") and process.root}
    strangers = {name: file for name, file in numpys.items() if not file.startswith(process.root + os.sep)}
    facts["strangers"] = strangers
    for name in differing[:5]:
        yield f"{name} differs from its file"
    for name, file in sorted(strangers.items())[:5]:
        yield f"{name} was loaded from {file}, outside {process.root}"
    if differing:
        facts["failing"] = pending_imports.failing_imports(Path(process.root))


@_check("live-packages", catches="dependents that were replaced since they were loaded", cost_ms=30, needs="")
def _packages(process: Process, facts: dict[str, Any]) -> Iterator[str]:
    """Find loaded modules of other packages whose files were replaced by others since."""
    facts["packages"] = {}
    tops: dict[str, list[types.ModuleType]] = {}
    sites = tuple(f"{site}/" for site in process.disk.sites)
    for name, module in modules.loaded().items():
        file, top = str(module.__file__), name.partition(".")[0]
        others = file.startswith(sites) and top not in ("numpy", "bootstrap")
        if others and modules.changed_since(file, process.started):
            tops.setdefault(top, []).append(module)
    for top, members in sorted(tops.items()):
        owner = next((o for m in members if (o := process.disk.owner_of(str(m.__file__)))), "")
        # A package that nobody installed is the user's own, who may edit it as he likes.
        compiled = [m for m in members if ".so" in str(m.__file__)]
        replaced = [m for m in compiled if process.state_of(str(m.__file__)) in ("replaced", "removed")]
        differing = None if replaced else next(modules.differing(members), None)
        gone = not owner and all(not Path(str(m.__file__)).exists() for m in members)
        if (replaced or differing) and (owner or gone):
            held = str(getattr(sys.modules.get(top), "__version__", ""))
            facts["packages"][top] = {"memory": held, "owner": owner, "file": str(members[0].__file__)}
            yield f"{top} {held} is loaded, {owner or 'none'} is on disk".replace("  ", " ")


@_check("live-path", catches="modules that `import numpy` would reach instead", cost_ms=2, needs="")
def _path(process: Process, facts: dict[str, Any]) -> Iterator[str]:
    """Ask the import system where numpy, and what numpy needs of the standard library, would come from now."""
    homes = [os.path.realpath(site) for site in process.disk.sites]
    loaded = getattr(process.numpy, "__file__", None)
    origin_now = _origin("numpy")
    facts.update(loaded=loaded, shadowed={})
    for label, place in (("is loaded from", loaded), ("would be imported from", origin_now)):
        if isinstance(place, str) and not any(os.path.realpath(place).startswith(f"{h}/") for h in homes):
            facts["outside"] = place
            yield f"numpy {label} {place}, outside {', '.join(homes)}"
            break
    library = os.path.dirname(os.__file__)
    for name in process.stdlib:
        first = _origin(name)
        if first and not os.path.realpath(first).startswith(f"{os.path.realpath(library)}/"):
            facts["shadowed"][name] = first
            yield f"the standard library's {name} is hidden by {first}"


def _origin(name: str) -> str | None:
    """The file that a first import of a top-level module would load now; nothing is imported."""
    try:
        spec = importlib.machinery.PathFinder.find_spec(name)
    except (ImportError, ValueError, OSError):
        return None
    return spec.origin if spec and spec.origin not in ("built-in", "frozen", None) else None


@_check("live-functions", catches="functions and constants of numpy that other code has replaced", cost_ms=12)
def _functions(process: Process, facts: dict[str, Any]) -> Iterator[str]:
    """Compare what stands under numpy's public names with what a fresh process finds there."""
    own: dict[str, Any] = {}
    foreign = list(origin.numpy_functions(process.numpy, own))
    facts["files"] = own.get("files", [])
    shell = provenance.shell()
    yield from (provenance.told_with_cell(shell, line) for line in foreign)
    told = {line.split(" ", 1)[0] for line in foreign}
    here = origin.surface(process.numpy)
    if process.surface.get("numpy.__version__") != process.version:
        return
    loaded = {name.rpartition(".")[0] for name in here}
    for name, what in sorted(process.surface.items()):
        now = here.get(name)
        if now != what and name.rpartition(".")[0] in loaded and name not in told:
            yield provenance.told_with_cell(shell, f"{name} is {now or 'gone'}, a fresh process has {what}")


@_check("live-arithmetic", catches="rounding or flush-to-zero changed for this process", cost_ms=1, needs="")
def _arithmetic(_process: Process, _facts: dict[str, Any]) -> Iterator[str]:
    """Divide and add plain floats in this thread."""
    yield from floating_point_state()


@_check("live-settings", catches="floating-point errors silenced or raised for the whole process", cost_ms=1)
def _settings(process: Process, _facts: dict[str, Any]) -> Iterator[str]:
    """Read numpy's error state and, where it has one, how it promotes types."""
    state = dict(process.numpy.geterr()) if process.numpy is not None else {}
    for name, value in state.items():
        if value != _DEFAULT_ERRSTATE.get(name, value):
            yield f"numpy.seterr: {name}={value!r} instead of {_DEFAULT_ERRSTATE[name]!r}"
    if promotion := os.environ.get("NPY_PROMOTION_STATE"):
        yield f"NPY_PROMOTION_STATE={promotion}"


@_check("live-runtimes", catches="two OpenMP runtimes, libraries from outside the environment", cost_ms=1, needs="")
def _runtimes(process: Process, facts: dict[str, Any]) -> Iterator[str]:
    """Look through the libraries in memory for runtimes that must not come twice or from elsewhere."""
    paths = sorted({m.path for m in process.mapped if not m.deleted})
    facts["mapped"] = paths
    families: dict[str, list[str]] = {}
    for path in paths:
        stem = os.path.basename(path).partition(".so")[0].partition("-")[0]
        if stem in _OPENMP:
            families.setdefault(_OPENMP[stem], []).append(path)
    facts["openmp"] = families
    if len(families) > 1:
        yield f"two OpenMP runtimes: {', '.join(f'{k} ({v[0]})' for k, v in sorted(families.items()))}"


@_check("live-answers", catches="wrong results in this process, although a fresh one is right", cost_ms=250)
def _answers(process: Process, _facts: dict[str, Any]) -> Iterator[str]:
    """Put the known answers (arithmetic, BLAS, LAPACK, FFT, random streams, strings) to this very process."""
    numpy: Any = process.numpy
    with numpy.errstate(**_DEFAULT_ERRSTATE):
        for name in _ANSWERS:
            try:
                lines = list(registry.PROBES[name].function(numpy, {}))
            except Exception as error:
                lines = [f"{type(error).__name__}: {error}"]
            yield from (f"{name}: {line}" for line in lines[:3])
