"""environment.yml as conda writes it, as far as it is allowed here: named packages from channels, nothing by pip."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from bootstrap.errors import SpecificationError
from bootstrap.hints import command
from bootstrap.lock.model import PLATFORM

if TYPE_CHECKING:
    from pathlib import Path

# One package as conda-lock reads it; the name alone is ours to know.
_REQUIREMENT = re.compile(r"(?:(?P<channel>[^\s:]+)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)\s*(?P<spec>.*)")
_BUILD = re.compile(r"(?<=[\w.*])=[^=,]+$")
_UNREADABLE = (yaml.YAMLError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, RecursionError)
_SELECTOR = re.compile(r"#\s*\[")


@dataclass(frozen=True)
class SpecRequirement:
    """A package that environment.yml names."""

    name: str
    spec: str
    """The bound after the name, e.g. ``>=2.0,<3``; empty where there is none."""

    @property
    def version(self) -> str:
        """The version's bound alone: without the build, which conda's own exports have behind it."""
        return _BUILD.sub("", self.spec.split(" ")[0])

    def __str__(self) -> str:
        return f"{self.name} {self.spec}".strip()


@dataclass(frozen=True)
class Specification:
    """What the environment is to hold."""

    path: Path
    channels: tuple[str, ...]
    platforms: tuple[str, ...]
    requirements: tuple[SpecRequirement, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The packages named, in the file's order: the explicit ones, as opposed to those they pull in."""
        return tuple(r.name for r in self.requirements)


def read_specification(path: Path) -> Specification:
    """Reads environment.yml; one without ``platforms``, as conda writes it, is for Colab's.

    Raises:
        SpecificationError: Missing, not YAML, without channels or dependencies, or with something that would make the
            lock depend on more than the channels: a ``pip:`` section, a platform selector.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
    except FileNotFoundError as error:
        hint = f"Pass its path with `--file`, or write one: `{command('lock', 'init', file=path)}`."
        raise SpecificationError("There is no specification.", evidence=[f"{path}: not found"], hint=hint) from error
    except OSError as error:
        raise SpecificationError(
            f"Can't read the specification: {error.strerror or error}.", evidence=[str(path)]
        ) from error
    except _UNREADABLE as error:
        # The reader of YAML lets through what its constructors of dates and numbers raise.
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or str(error)
        raise SpecificationError("The specification is not valid YAML.", evidence=[f"{where}: {problem}"]) from error
    if not isinstance(content, dict):
        raise SpecificationError("The specification is not a mapping.", evidence=[str(path)])
    for number, line in enumerate(text.splitlines(), start=1):
        if _SELECTOR.search(line):
            raise SpecificationError(
                "Platform selectors aren't supported: only conda-lock understands them.",
                evidence=[f"{path}:{number}: {line.strip()}"],
            )
    channels = tuple(channel for channel in _strings(path, content, "channels") if channel != "nodefaults")
    return Specification(
        path=path,
        channels=channels,
        platforms=_strings(path, content, "platforms") if content.get("platforms") else (PLATFORM,),
        requirements=tuple(_requirement(path, item) for item in _sequence(path, content, "dependencies")),
    )


def _sequence(path: Path, content: dict[str, Any], key: str) -> list[Any]:
    items = content.get(key)
    if not isinstance(items, list) or not items:
        hint = "Add the line `channels: [conda-forge]`." if key == "channels" else None
        raise SpecificationError(f"The specification has no list of {key}.", evidence=[str(path)], hint=hint)
    return items


def _strings(path: Path, content: dict[str, Any], key: str) -> tuple[str, ...]:
    names = _sequence(path, content, key)
    if not all(isinstance(item, str) and item for item in names):
        raise SpecificationError(f"The specification's {key} must be names.", evidence=[str(path)])
    return tuple(names)


def _requirement(path: Path, item: object) -> SpecRequirement:
    if isinstance(item, dict) and "pip" in item:
        raise SpecificationError(
            "The specification has a pip: section.",
            evidence=[str(path)],
            hint="Use conda-forge's packages: pip's would be neither isolated from numpy nor hashed the same way.",
        )
    match = _REQUIREMENT.fullmatch(item.strip()) if isinstance(item, str) else None
    if match is None:
        raise SpecificationError(
            "The specification has an entry without a package name.", evidence=[f"{path}: {item}"]
        )
    return SpecRequirement(match["name"].lower(), match["spec"].strip())
