"""Facts as a check gathers them, built instead of gathered; and cases that say which cause they have to give."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap._util.names import canonical_name
from bootstrap.health.attribution import attribute
from bootstrap.health.facts import Facts, InterpreterLayout
from bootstrap.health.inventory import Inventory
from bootstrap.health.live import Live
from bootstrap.health.model import FileFault, ProbeResult
from bootstrap.health.record_files import Distribution

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

VERSION = "2.3.4"
NUMPY = f"numpy {VERSION}"
PANDAS = "pandas 2.2.3"
ANSWERS = ("float-state", "numpy-import", "numpy-modules", "numpy-functions", "numpy-mapped", "blas")


class Built:
    """A healthy environment's facts, to be changed; the few files that rules look at are real.

    numpy and pandas are installed in it, by pip unless it is a conda prefix.
    """

    def __init__(self, folder: Path, *, conda: bool = False) -> None:
        self.prefix, self.outside = folder / "env", folder / "outside"
        self.site = self.prefix / "lib" / "python3.11" / "site-packages"
        self.python = self.prefix / "bin" / "python"
        self.site.mkdir(parents=True)
        self.outside.mkdir()
        (self.prefix / "bin").mkdir()
        self.facts = Facts(
            layout=InterpreterLayout(self.python, self.prefix, (3, 11, 9), (self.site,)),
            disk=Inventory(self.prefix, (self.site,)),
            numpy=tuple(ProbeResult(name, "pass") for name in ANSWERS),
            dependents=(ProbeResult("import pandas", "pass"), ProbeResult("share-pandas", "pass")),
        )
        versions = {"numpy": VERSION, "pandas": "2.2.3", "pip": "25.0"}
        for name, version in versions.items():
            self.install(name, version, foreign=not conda)
            self.write(self.site / name / "__init__.py")
        if conda:
            owners = {str(self.site / name / "__init__.py"): f"{name} {v}" for name, v in versions.items()}
            self.on_disk(conda=versions, locked=versions, owners=owners)
            self.set(ours=True)
        self.probe("numpy-import", "pass", file=str(self.site / "numpy" / "__init__.py"), version=VERSION)
        self.probe("numpy-modules", "pass", stdlib=["secrets", "numbers"])

    def set(self, **changes: Any) -> None:
        """Changes fields of the facts."""
        self.facts = replace(self.facts, **changes)

    def on_disk(self, **changes: Any) -> None:
        """Changes fields of what the disk says."""
        self.set(disk=replace(self.facts.disk, **changes))

    def write(self, path: Path, text: str = "") -> Path:
        """A real file, for rules that look whether it is there, or what it says."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def install(
        self, name: str, version: str, *requires: str, record: Iterable[str] = (), foreign: bool = True
    ) -> Path:
        """One more distribution: its .dist-info with RECORD, METADATA and INSTALLER.

        Args:
            name: As its project writes it.
            version: Its version.
            requires: Lines of Requires-Dist.
            record: Paths below the site folder that its RECORD lists, besides a package of its name.
            foreign: Whether it is pip's to verify, not conda's.
        """
        info = self.site / f"{name.replace('-', '_')}-{version}.dist-info"
        asked = "".join(f"Requires-Dist: {line}\n" for line in requires)
        self.write(info / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{asked}")
        self.write(info / "INSTALLER", "pip\n")
        self.write(info / "RECORD", "".join(f"{path},,\n" for path in (f"{name}/__init__.py", *record)))
        found = Distribution(canonical_name(name), version, info, version)
        disk = self.facts.disk
        self.on_disk(
            distributions=(*disk.distributions, found), foreign=(*disk.foreign, found) if foreign else disk.foreign
        )
        return info

    def uninstall(self, name: str) -> None:
        """Forgets a distribution; its files stay."""
        disk = self.facts.disk
        kept = {f: tuple(d for d in getattr(disk, f) if d.name != name) for f in ("distributions", "foreign")}
        self.on_disk(**kept, conda={n: v for n, v in disk.conda.items() if n != name})

    def damage(self, path: str, reason: Any = "sha256", owner: str = NUMPY) -> Path:
        """A file below the site folder is not what its package says."""
        found = self.site / path
        self.on_disk(files=(*self.facts.disk.files, FileFault(str(found), owner, reason)))
        return found

    def probe(self, name: str, outcome: Any = "fail", *problems: str, **facts: Any) -> None:
        """What a probe of numpy answers, in the place of what it answered."""
        found = ProbeResult(name, outcome, problems=problems, facts=facts)
        self.set(numpy=tuple(found if old.name == name else old for old in self.facts.numpy))

    def dependent(self, name: str, outcome: Any = "fail", *problems: str, **facts: Any) -> None:
        """What an import, or a probe of memory shared, answers."""
        found = ProbeResult(name, outcome, problems=problems, facts=facts)
        self.set(dependents=(*(old for old in self.facts.dependents if old.name != name), found))

    def live(self, name: str, *problems: str, numpy: bool = True, **facts: Any) -> None:
        """What a question to the running process answers."""
        found = ProbeResult(name, "fail" if problems else "pass", problems=problems, facts=facts)
        others = self.facts.live.results if self.facts.live else ()
        self.set(live=Live(numpy, (*others, found)))


@dataclass(frozen=True)
class Case:
    """One way to a cause."""

    id: str
    severity: str
    change: Callable[[Built], Iterable[Path] | None]
    """Changes healthy facts, and returns the files that the cause has to name."""
    owner: str = ""
    summary: str = ""
    """Found in the summary."""
    evidence: str = ""
    """Found in one of its lines."""
    repair: str = ""
    """Found in the repair; ``PIP`` and ``RESTORE`` stand for the whole command."""
    actions: tuple[str, ...] = ()
    """Kinds of what `repair` would do."""
    conda: bool = False

    def __str__(self) -> str:
        return f"{self.id}-{self.change.__name__}"


Cases = list[Case]
PIP, RESTORE = "the package again, with the environment's own pip", "the locked files again"


def case(cases: Cases, name: str, severity: str, **expected: Any) -> Callable[[Any], Any]:
    """Enters the function below it as a case's change."""

    def enter(change: Any) -> Any:
        cases.append(Case(name, severity, change, **expected))
        return change

    return enter


def verify(one: Case, folder: Path) -> None:
    """The changed facts give this cause, in these words, and no other."""
    built = Built(folder, conda=one.conda)
    files = one.change(built) or ()
    causes = attribute(built.facts)
    assert [(cause.id, cause.severity) for cause in causes] == [(one.id, one.severity)], causes
    cause = causes[0]
    assert cause.owner == one.owner
    assert cause.files == tuple(map(str, files))
    assert one.summary in cause.summary
    assert one.evidence in "\n".join(cause.evidence)
    name = one.owner.split(" ")[0] or "numpy"
    version = next((d.version for d in built.facts.disk.distributions if d.name == name), "")
    whole = {
        PIP: f"Run `{built.python} -m pip install --force-reinstall --no-deps {name}=={version}`, then restart the",
        RESTORE: f"Run `bootstrap check --prefix {built.prefix} --repair`: it puts the locked files back.",
    }
    assert whole.get(one.repair, one.repair) in cause.repair
    assert tuple(action.kind for action in cause.actions) == one.actions


@pytest.fixture
def built(tmp_path: Path) -> Built:
    """A healthy virtual environment's facts."""
    return Built(tmp_path)
