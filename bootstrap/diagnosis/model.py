"""The words of a diagnosis, as plain data: distributions, requirements, changes, findings, the diagnosis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from bootstrap._util.data import as_data, fields_of
from bootstrap._util.listing import joined
from bootstrap._util.names import canonical_name

SCHEMA = 1
"""Version of the dictionaries that ``to_dict`` gives; it changes when a key changes its meaning or goes."""

NUMPY_NAME = "numpy"
"""The distribution that all of this is about."""

Verdict = Literal["ok", "doubtful", "broken"]
ChangeKind = Literal["new", "replaced", "rewritten"]


@dataclass(frozen=True)
class Dist:
    """One distribution, installed or planned, as far as resolving needs it."""

    name: str
    version: str
    requires: tuple[str, ...] = ()
    """Its ``Requires-Dist`` lines."""
    extras: tuple[str, ...] = ()
    requires_python: str | None = None
    direct_url: dict[str, Any] | None = None
    """Content of ``direct_url.json``, for what came from a URL or a folder."""
    installer: str | None = None
    requested: bool = False
    """Whether the command named it, rather than a dependency."""
    url: str | None = None
    """Where its archive would come from; None for what is installed."""
    path: str | None = None
    """Where its metadata lies; None for what is only planned."""
    known: bool = True
    """False where no metadata could be had, so that its dependencies are not known."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Dist:
        """The distribution of fields that went through JSON.

        Raises:
            TypeError: They are of another version of this program.
        """
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(**fields)

    @property
    def key(self) -> str:
        """The normalized name."""
        return canonical_name(self.name)

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Requirement:
    """One requirement, and where it stands."""

    text: str
    """As it goes to pip, without comments and per-requirement options."""
    file: str = ""
    line: int = 0
    options: tuple[str, ...] = ()
    """Options of this requirement alone: hashes, build settings."""
    editable: bool = False
    name: str = ""
    """Normalized; empty where only resolving can tell it (URLs, folders)."""
    extras: tuple[str, ...] = ()
    applies: bool = True
    """Whether its marker holds in the interpreter asked about."""

    @property
    def where(self) -> str:
        """``file:line``, or nothing for a requirement given in words."""
        return f"{self.file}:{self.line}" if self.file else ""

    def for_pip(self, *, hashes: bool = True) -> str:
        """The line for a requirements file."""
        options = [o for o in self.options if hashes or not o.startswith("--hash")]
        return " ".join([f"-e {self.text}" if self.editable else self.text, *options])

    def to_dict(self) -> dict[str, Any]:
        """The requirement as JSON-ready data."""
        return {"requirement": self.text, "file": self.file, "line": self.line, "applies": self.applies}


@dataclass(frozen=True)
class DistChange:
    """What would happen to one distribution."""

    name: str
    kind: ChangeKind
    before: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        if self.kind == "replaced":
            return f"{self.name} {self.before} -> {self.after}"
        return f"{self.name} {self.after}{' (rewritten)' if self.kind == 'rewritten' else ''}"


@dataclass(frozen=True)
class Breakage:
    """A requirement of an installed package that would no longer be met."""

    name: str
    version: str
    needs: str
    has: str | None
    """The version that would be there; None where none would be."""

    def __str__(self) -> str:
        return f"{self.name} {self.version} {self.gap}"

    @property
    def gap(self) -> str:
        """What it needs, and what would be there."""
        return f"needs {self.needs}, {'has ' + self.has if self.has else 'has none'}"


@dataclass(frozen=True)
class Resolution:
    """What one resolution came to."""

    planned: tuple[Dist, ...] = ()
    """What would be installed."""
    failed: tuple[str, ...] = ()
    """Why it can't be resolved, in the resolver's words; empty where it can."""
    resolver: str = ""
    """``pip 24.1.2``, ``uv 0.9.1``."""
    seconds: float = 0.0
    unbuilt: tuple[str, ...] = ()
    """What there is as source only, taken by its own record: ``wget 3.2``."""

    @property
    def ok(self) -> bool:
        """Whether there is a solution."""
        return not self.failed


@dataclass(frozen=True)
class Finding:
    """What a requirement, or several together, would do."""

    requirements: tuple[Requirement, ...]
    verdict: Verdict
    subject: DistChange | None = None
    """What would happen to numpy; None where it stays."""
    chain: tuple[str, ...] = ()
    """The way to the bound that forces it: ``optuna 4.0``, ``scipy 1.11``, ``numpy<2.3``."""
    reason: str = ""
    """What forces numpy where no dependency does (an option, a URL)."""
    changes: tuple[DistChange, ...] = ()
    """What of the installed set would change, numpy included."""
    added: tuple[DistChange, ...] = ()
    breakages: tuple[Breakage, ...] = ()
    failed: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    """Requirements whose needs only a build would tell; the rest is judged without them."""
    unbuilt: tuple[str, ...] = ()
    """What there is as source only, taken by its own record."""
    resolver: str = ""
    seconds: float = 0.0
    planned: tuple[Dist, ...] = field(default=(), repr=False, compare=False)
    """What would be installed, for whoever goes on from there."""

    @property
    def moves(self) -> bool:
        """Whether numpy would be another one."""
        return self.subject is not None and self.subject.kind == "replaced"

    @property
    def disturbs(self) -> bool:
        """Whether anything of the installed set would change or no longer fit, or it can't be resolved."""
        return bool(self.failed or self.unread or self.changes or self.breakages)

    @property
    def path(self) -> str:
        """The forcing way in one line."""
        return " -> ".join(self.chain)

    @property
    def names(self) -> str:
        """The requirements, as they stand in the file."""
        return " + ".join(r.text for r in self.requirements)

    def effect(self, *, limit: int | None = 3) -> str:
        """What it comes to: numpy's fate first, then the rest in short."""
        if self.failed and self.unread:
            return "; ".join(self.unread)
        if self.failed:
            more = "" if limit is None or len(self.failed) < 2 else " ..."
            return "can't be resolved: " + (self.failed[0] + more if limit else "; ".join(self.failed))
        parts = []
        if self.moves or self.subject is not None:
            parts.append(self.path or self.reason)
        others = [str(c) for c in self.changes if c.name != NUMPY_NAME]
        parts += [f"replaces {joined(others, limit)}"] if others else []
        broken = [f"{b.name} {b.version} ({b.gap})" for b in self.breakages]
        parts += [f"breaks {joined(broken, limit)}"] if broken else []
        if self.added:
            parts.append(f"adds {len(self.added)}")
        parts += self.unread
        parts += [f"{', '.join(self.unbuilt)} by its own metadata, not built"] if self.unbuilt else []
        if not parts:
            parts.append(self.reason or "nothing")
        return "; ".join(part for part in parts if part)

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON-ready data."""
        told = fields_of(self, "planned", "subject", "chain")
        return {**told, "numpy": as_data(self.subject), "path": list(self.chain), "seconds": round(self.seconds, 3)}


@dataclass(frozen=True)
class EnvironmentInfo:
    """The environment that was asked about."""

    title: str
    """For a person: the interpreter's path, or the freeze file."""
    python: str
    """Version of its Python."""
    numpy: str | None
    installed: int
    """How many distributions it has."""
    unknown: tuple[str, ...] = ()
    """Distributions of a freeze file whose metadata could not be had: their dependencies count as none."""

    def __str__(self) -> str:
        numpy = f"numpy {self.numpy or 'none'}"
        return f"{self.title}: Python {self.python}, {numpy}, {self.installed} packages"

    def to_dict(self) -> dict[str, Any]:
        """The environment as JSON-ready data."""
        return {"environment": self.title, **fields_of(self, "title")}
