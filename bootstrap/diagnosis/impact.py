"""Judges what requirements would do to one environment: each resolution becomes a finding."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bootstrap._util.names import canonical_name
from bootstrap.diagnosis.dependency_graph import Graph
from bootstrap.diagnosis.model import (
    NUMPY_NAME,
    Breakage,
    Dist,
    DistChange,
    Finding,
    Requirement,
    Resolution,
    Verdict,
)
from bootstrap.diagnosis.requirements import needs_build
from bootstrap.diagnosis.resolver import Question
from bootstrap.errors import ResolverError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.diagnosis.metadata_env import MetadataEnvironment
    from bootstrap.diagnosis.model import ChangeKind
    from bootstrap.diagnosis.resolver import Resolver

_NEWEST = ("--force-reinstall", "--ignore-installed", "-I")


@dataclass
class ImpactAnalyzer:
    """An environment, who resolves for it, and the bounds and options that hold for every question."""

    metadata_env: MetadataEnvironment
    pip: Resolver
    """Has the last word; it is uv where pip can't answer, or has no say."""
    fast: Resolver
    """Asked first: uv where it is there. Where it accuses, the other one is asked as well."""
    constraints: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    hashed: bool = False

    def request(self, requirements: Sequence[Requirement], *, held: Sequence[str] = (), whole: bool) -> Question:
        """The question that a set of requirements comes to.

        Args:
            requirements: The set.
            held: Further bounds.
            whole: Whether these are all: hashes are demanded of a complete list only.
        """
        return Question(
            tuple(r for r in requirements if r.applies and not self._only_built(r)),
            constraints=(*self.constraints, *held),
            options=self.options,
            hashes=self.hashed and whole,
        )

    def _only_built(self, requirement: Requirement) -> bool:
        """Whether a requirement's needs are unknown, since nothing may be built."""
        return not self.pip.build and needs_build(requirement, self.pip.folder)

    def analyze(self, requirements: Sequence[Requirement], *, sure: bool = False, whole: bool = False) -> Finding:
        """What these requirements would do, by the fast resolver; by pip where that accuses, or on demand.

        Of requirements whose needs only a build would tell it is said that they are unread.

        Args:
            requirements: The set.
            sure: Ask pip in any case.
            whole: Whether these are all that the file asks for.

        Raises:
            IndexUnreachableError: An index doesn't answer.
        """
        asked = tuple(requirements)
        question = self.request(asked, whole=whole)
        unread = tuple(
            f"{r.for_pip(hashes=False)} is unread: it must be {'fetched and ' if '://' in r.text else ''}built "
            "to show what it requires"
            for r in asked
            if r.applies and self._only_built(r)
        )
        if not question.requirements:
            if unread:
                return Finding(asked, "doubtful", failed=unread, unread=unread)
            return Finding(asked, "ok", reason="its marker doesn't apply here")
        finding = None
        if self.fast is not self.pip and not sure:
            with suppress(ResolverError):
                finding = self.to_finding(question.requirements, self.fast.resolve(question))
        if finding is None or finding.moves or finding.failed:
            finding = self.to_finding(question.requirements, self.pip.resolve(question))
        verdict = "doubtful" if unread and finding.verdict == "ok" else finding.verdict
        return replace(finding, requirements=asked, verdict=verdict, unread=unread)

    def to_finding(self, requirements: tuple[Requirement, ...], outcome: Resolution) -> Finding:
        """A resolution's outcome as a finding."""
        began = time.monotonic()
        if outcome.failed:
            return Finding(
                requirements, "doubtful", failed=outcome.failed, resolver=outcome.resolver, seconds=outcome.seconds
            )
        changes, added = self._changes(outcome.planned)
        after = self.metadata_env.after(outcome.planned)
        roots = [_root(r, outcome.planned) for r in requirements if r.applies]
        markers = self.metadata_env.target.markers
        graph = Graph(after, markers)
        subject = next((c for c in changes if c.name == NUMPY_NAME), None)
        breakages = tuple(graph.breakages(beside=Graph(self.metadata_env, markers)))
        chain: tuple[str, ...] = ()
        if subject is not None and subject.kind == "replaced" and subject.before:
            ways = graph.chains(roots, NUMPY_NAME, subject.before)
            chain = graph.described(ways[0]) if ways else ()
        return Finding(
            requirements,
            _verdict(subject, breakages, chain, outcome.unbuilt),
            subject=subject,
            chain=chain,
            reason=self._reason(subject, chain, requirements, outcome.planned),
            changes=tuple(changes),
            added=tuple(added),
            breakages=breakages,
            resolver=outcome.resolver,
            seconds=outcome.seconds + time.monotonic() - began,
            planned=outcome.planned,
            unbuilt=outcome.unbuilt,
        )

    def _changes(self, planned: Sequence[Dist]) -> tuple[list[DistChange], list[DistChange]]:
        changes, added = [], []
        for dist in sorted(planned, key=lambda d: d.key):
            installed = self.metadata_env.get(dist.name)
            if installed is None:
                added.append(DistChange(dist.key, "new", None, dist.version))
            else:
                kind: ChangeKind = "rewritten" if installed.version == dist.version else "replaced"
                changes.append(DistChange(dist.key, kind, installed.version, dist.version))
        return changes, added

    def _reason(
        self,
        subject: DistChange | None,
        chain: tuple[str, ...],
        requirements: Sequence[Requirement],
        planned: Sequence[Dist],
    ) -> str:
        """What forces numpy where no bound does."""
        if subject is None or chain:
            return ""
        direct = next((d for d in planned if d.key == NUMPY_NAME and d.direct_url), None)
        if direct is not None:
            return f"numpy is requested by URL, {direct.url}"
        named = any(r.name == NUMPY_NAME for r in requirements)
        for option in self.options:
            if option in _NEWEST:
                return f"{option} reinstalls everything in the newest version allowed; no dependency requires it"
        upgrade = any(o in ("-U", "--upgrade") for o in self.options)
        if upgrade and any("eager" in o for o in self.options):
            return "--upgrade-strategy eager takes the newest of every dependency; no dependency requires it"
        if upgrade and named:
            return "--upgrade requests the newest numpy, though the installed one would do"
        return f"nothing excludes numpy {subject.before}; the resolver chose another"


def _verdict(
    subject: DistChange | None, breakages: Sequence[Breakage], chain: Sequence[str], unbuilt: Sequence[str]
) -> Verdict:
    if subject is not None and subject.kind == "replaced":
        # Whether a source can be built, and then needs what its record says, only its build tells.
        sources = {canonical_name(named.rpartition(" ")[0]) for named in unbuilt}
        way = {NUMPY_NAME, *(canonical_name(link.partition(" ")[0].partition("[")[0]) for link in chain[:-1])}
        return "doubtful" if way & sources else "broken"
    return "doubtful" if breakages or subject is not None else "ok"


def _root(requirement: Requirement, planned: Sequence[Dist]) -> str:
    """A requirement as a root of the graph; a URL's name is the one that was requested and isn't named otherwise."""
    extras = f"[{','.join(requirement.extras)}]" if requirement.extras else ""
    if requirement.name and "://" not in requirement.text and not requirement.editable:
        return requirement.text
    name = requirement.name or next((d.name for d in planned if d.requested and d.direct_url), "")
    return f"{name}{extras}"
