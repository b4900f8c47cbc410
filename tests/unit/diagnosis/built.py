"""An environment that is only described, and a resolver for it: what a diagnosis needs, without pip's seconds.

Markers are those of the interpreter that runs the tests.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.version import Version

from bootstrap.diagnosis.impact import ImpactAnalyzer
from bootstrap.diagnosis.index import Index
from bootstrap.diagnosis.metadata_env import MetadataEnvironment, importable
from bootstrap.diagnosis.model import Dist, EnvironmentInfo, Resolution
from bootstrap.diagnosis.notebook import read_cells
from bootstrap.diagnosis.replay import Replay
from bootstrap.diagnosis.replayer import Replayer
from bootstrap.diagnosis.session import Session
from bootstrap.diagnosis.settings import PipSettings
from bootstrap.diagnosis.target import Target
from tests.support import numpy_sets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bootstrap.diagnosis.resolver import Question

HERE = Path(sys.executable)


def target(*dists: Dist, prefix: Path = Path(sys.prefix)) -> Target:
    """An interpreter with these distributions."""
    return Target(
        python=HERE,
        version=".".join(map(str, sys.version_info[:3])),
        prefix=prefix,
        base=HERE,
        pip_version="26.0",
        pip_path=prefix / "pip",
        dists=dists,
        markers=tuple(default_environment().items()),
    )


def universe() -> tuple[Dist, ...]:
    """All that could be installed: the tiny packages and the numpys."""
    numpys = [Dist("numpy", version) for version in numpy_sets.NUMPYS]
    tiny = []
    for package in numpy_sets.PACKAGES:
        extra = [f'{n}; extra == "{name}"' for name, needs in package.extras.items() for n in needs]
        tiny.append(Dist(package.name, package.version, (*package.requires, *extra), tuple(package.extras)))
    return (*numpys, *tiny)


def installed() -> tuple[Dist, ...]:
    """What `numpy_sets.ENVIRONMENT` comes to."""
    wanted = {("numpy", numpy_sets.NUMPY), ("stands-on", "1.0"), ("present", "2.0")}
    wanted |= {("needs-companion", "1.0"), ("companion", "2.0")}
    return tuple(d for d in universe() if (d.key, d.version) in wanted)


class TinyResolver:
    """Resolves as pip does: what is installed stays where it may, else the newest comes; by trying all."""

    per_core = 1
    build = False

    def __init__(
        self, metadata_env: MetadataEnvironment, name: str = "pip 26.0", **requires: tuple[str, ...]
    ) -> None:
        """Remembers the environment.

        Args:
            shadow: The environment.
            name: How it calls itself.
            requires: What it believes that packages require, where it is to be mistaken.
        """
        self.metadata_env = metadata_env
        self.name = name
        self.folder = Path.cwd()
        self.asked: list[Question] = []
        self._universe = [replace(d, requires=requires.get(d.key, d.requires)) for d in universe()]

    def resolve(self, question: Question) -> Resolution:
        self.asked.append(question)
        roots = [(Requirement(r.text), True) for r in question.requirements]
        bounds = [Requirement(text) for text in question.constraints]
        found = self._solve(roots, {}, bounds, question.options)
        if found is None:
            wanted = " and ".join(str(r) for r, _ in roots)
            return Resolution(failed=(f"no versions fulfil {wanted}",), resolver=self.name)
        again = any(o in ("--force-reinstall", "--ignore-installed") for o in question.options)
        named = {Dist(r.name, "").key for r, _ in roots}
        planned = [
            replace(dist, requested=dist.key in named, url=f"file:///nowhere/{dist.key}-{dist.version}.whl")
            for dist in found.values()
            if again or (old := self.metadata_env.get(dist.name)) is None or old.version != dist.version
        ]
        return Resolution(tuple(planned), resolver=self.name)

    def _solve(
        self,
        todo: Sequence[tuple[Requirement, bool]],
        chosen: dict[str, Dist],
        bounds: Sequence[Requirement],
        options: Sequence[str],
    ) -> dict[str, Dist] | None:
        if not todo:
            return chosen
        (wanted, named), *rest = todo
        key = Dist(wanted.name, "").key
        for dist in [chosen[key]] if key in chosen else self._candidates(key, named, options):
            if not all(b.specifier.contains(dist.version) for b in (wanted, *bounds) if Dist(b.name, "").key == key):
                continue
            needs = [Requirement(text) for text in dist.requires]
            extras = ["", *wanted.extras]
            more = [(n, False) for n in needs if not n.marker or any(n.marker.evaluate({"extra": e}) for e in extras)]
            if (found := self._solve([*rest, *more], {**chosen, key: dist}, bounds, options)) is not None:
                return found
        return None

    def _candidates(self, key: str, named: bool, options: Sequence[str]) -> list[Dist]:
        every = sorted((d for d in self._universe if d.key == key), key=lambda d: Version(d.version), reverse=True)
        newest = any(o in ("--force-reinstall", "--ignore-installed", "eager") for o in options)
        old = None if newest or (named and "--upgrade" in options) else self.metadata_env.get(key)
        return every if old is None else [old, *(d for d in every if d.version != old.version)]


@contextmanager
def analyzer(*dists: Dist, options: Sequence[str] = (), constraints: Sequence[str] = ()) -> Iterator[ImpactAnalyzer]:
    """A court over an environment with these distributions (by default those of `installed`), asking one resolver."""
    place = target(*(dists or installed()))
    metadata_env = MetadataEnvironment(place, place.dists)
    resolver = TinyResolver(metadata_env)
    try:
        yield ImpactAnalyzer(
            metadata_env, pip=resolver, fast=resolver, options=tuple(options), constraints=tuple(constraints)
        )
    finally:
        metadata_env.close()


@contextmanager
def session(*, uv: bool = False) -> Iterator[Session]:
    place = replace(target(*installed()), packages=(HERE.parent,))
    metadata_env = MetadataEnvironment(place, place.dists)
    pip = TinyResolver(metadata_env)
    fast = TinyResolver(metadata_env, "uv 0.9") if uv else pip
    index = Index(PipSettings(index=None), place.short_version)
    try:
        yield Session(place, metadata_env, "here", pip, fast, Path("uv") if uv else None, index, metadata_env.root)
    finally:
        metadata_env.close()


def play(tmp_path: Path, *cells: str, uv: bool = False) -> Replay:
    with session(uv=uv) as found:
        player = Replayer(found, tmp_path)
        for event in read_cells(enumerate(cells, 1), importable(found.metadata_env, tmp_path)):
            player.play(event)
    return Replay("n.ipynb", EnvironmentInfo("here", "3.11.7", numpy_sets.NUMPY, 5), tuple(player.scenes))
