"""The two cheaper ways out, as files: what may be installed as things are, and exact versions that spare numpy."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from bootstrap._util.atomic import replacing
from bootstrap._util.listing import joined
from bootstrap.console import megabytes
from bootstrap.diagnosis import package_metadata
from bootstrap.diagnosis.answer import Written
from bootstrap.diagnosis.dependency_graph import Graph
from bootstrap.diagnosis.model import NUMPY_NAME, Dist, Finding, Requirement
from bootstrap.diagnosis.predict import hold, undisturbing
from bootstrap.diagnosis.requirements import is_address, read_file, understand
from bootstrap.errors import (
    BootstrapError,
    NoPinnedSetError,
    OutputExistsError,
    OutputNotWritableError,
    ResolverError,
)
from bootstrap.progress import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from bootstrap.diagnosis.answer import Diagnosis
    from bootstrap.diagnosis.impact import ImpactAnalyzer
    from bootstrap.diagnosis.index import Index
    from bootstrap.diagnosis.requirements import RequirementSet
    from bootstrap.progress import Progress

_SHOWN = 4


def refuse_existing(paths: Iterable[Path | None], *, force: bool) -> None:
    """Stops before any work where a file would be replaced or can't be written.

    Raises:
        OutputExistsError: It is there, and nobody said that it may go.
        OutputNotWritableError: Its folder isn't there or can't be written.
    """
    for path in paths:
        if path is None:
            continue
        if path.exists() and not force:
            raise OutputExistsError("The file already exists.", evidence=[f"{path}: not changed"])
        if path.is_dir() or not path.absolute().parent.is_dir() or not os.access(path.absolute().parent, os.W_OK):
            raise OutputNotWritableError("Can't write the file.", evidence=[str(path)])


def write_minimal(
    analyzer: ImpactAnalyzer, wanted: RequirementSet, diagnosis: Diagnosis, path: Path, progress: Progress
) -> Written:
    """Option 1: the largest part of the requirements that leaves the installed set alone; the rest as comments.

    Raises:
        OutputNotWritableError: Can't write the file.
        ResolverError: A dry run of the file contradicts what it should do.
    """
    kept = undisturbing(analyzer, diagnosis, progress)
    if analyzer.analyze(kept, sure=True).disturbs and analyzer.fast is not analyzer.pip:
        analyzer.fast = analyzer.pip
        kept = undisturbing(analyzer, diagnosis, progress)
    numpy = analyzer.metadata_env.get(NUMPY_NAME)
    lines = [
        f"# The part of {wanted.source} that changes no installed package"
        + (f" (numpy {numpy.version} among them)." if numpy else "."),
        _origin(diagnosis, "--write-minimal"),
        *_option_lines(wanted, path),
    ]
    for finding in diagnosis.alone:
        text = finding.requirements[0].for_pip()
        left_out = finding.requirements[0] not in kept
        lines += [f"# left out: {why(analyzer, finding, kept)}", f"# {text}"] if left_out else [text]

    def verify(beside: Path) -> None:
        written = understand(analyzer.metadata_env.target, read_file(beside))
        again = analyzer.analyze(written.requirements, sure=True, whole=True)
        if again.disturbs:
            evidence = [str(c) for c in (*again.changes, *again.breakages)] or list(again.failed)
            raise ResolverError("The minimal file would change installed packages.", evidence=evidence)

    _write(path, lines, verify)
    return Written(path, "minimal", len(kept), len(diagnosis.alone) - len(kept))


def why(analyzer: ImpactAnalyzer, finding: Finding, kept: Sequence[Requirement]) -> str:
    """Why a requirement is not among those kept, in one line."""
    if not finding.disturbs:
        finding = analyzer.analyze((*kept, *finding.requirements))
        return f"together with the others, {summary(finding)}"
    return summary(finding)


def summary(finding: Finding) -> str:
    """What a finding comes to, in one line."""
    if finding.unread:
        return finding.unread[0]
    if finding.failed:
        return f"can't be resolved: {finding.failed[0]}"
    parts = []
    if finding.changes:
        shown = sorted(finding.changes, key=lambda change: change.name != NUMPY_NAME)
        parts.append(f"would replace {joined([str(change) for change in shown], _SHOWN)}")
    if finding.chain:
        parts.append(f"by {finding.path}")
    elif finding.reason:
        parts.append(finding.reason)
    if finding.breakages:
        parts.append(f"would break {'; '.join(str(b) for b in finding.breakages[:_SHOWN])}")
    return "; ".join(parts) or "changes nothing installed"


def write_pinned(
    analyzer: ImpactAnalyzer,
    wanted: RequirementSet,
    diagnosis: Diagnosis,
    path: Path,
    index: Index,
    progress: Progress,
) -> Written:
    """Option 2: exact versions of all that the requirements need, the newest that go with the installed numpy.

    Raises:
        NoPinnedSetError: There are none.
        OutputNotWritableError: Can't write the file.
        ResolverError: A dry run of the file contradicts it.
    """
    numpy = analyzer.metadata_env.get(NUMPY_NAME)
    if diagnosis.together.unread:
        raise NoPinnedSetError(
            "Some requirements can't be read, so their versions are unknown.",
            evidence=diagnosis.together.unread,
            hint="Rerun with `--build`, which runs these sources' code, or leave them out.",
        )
    held = [hold(numpy.version)] if numpy else []
    progress.step(Step("pin versions"))
    options = (*(o for o in analyzer.options if o not in ("-U", "--upgrade")), "--upgrade")
    question = replace(analyzer.request(wanted.requirements, held=held, whole=True), options=options)
    outcome = analyzer.pip.resolve(question)
    if outcome.failed:
        told = f"numpy {numpy.version}" if numpy else "these bounds"
        raise NoPinnedSetError(f"No set of versions satisfies the requirements with {told}.", evidence=outcome.failed)
    finding = analyzer.to_finding(tuple(wanted.requirements), outcome)
    after = analyzer.metadata_env.after(outcome.planned)
    roots = [r.text if r.name and "://" not in r.text else r.name for r in wanted.requirements if r.applies]
    roots += [d.name for d in outcome.planned if d.requested]
    reached = Graph(after, analyzer.metadata_env.target.markers).reached(roots)
    planned = {d.key: d for d in outcome.planned}
    pins = [d for d in sorted(after, key=lambda d: d.key) if d.key in reached or d.key in planned]
    sizes = _sizes([d for d in pins if d.key in planned], index, progress)
    known = [size for size in sizes.values() if size is not None]
    unknown = len(sizes) - len(known)
    total = f"{megabytes(sum(known))} to fetch" + (f", and {unknown} of unknown size" if unknown else "")
    lines = [
        f"# {wanted.source} as exact versions, the newest compatible with "
        + (f"the installed numpy {numpy.version}." if numpy else "this Python."),
        _origin(diagnosis, "--write-pinned"),
        f"# {len(planned)} packages, {total}; {len(pins) - len(planned)} are installed already.",
        *(f"# Would replace {change}" for change in finding.changes),
        *(f"# Would break {breakage}" for breakage in finding.breakages),
        *_option_lines(wanted, path, constraints=False),
    ]
    for dist in pins:
        size = sizes.get(dist.key)
        note = "installed" if dist.key not in planned else "size unknown" if size is None else megabytes(size)
        lines.append(f"{_pin(dist)}  # {note}")

    def verify(beside: Path) -> None:
        written = understand(analyzer.metadata_env.target, read_file(beside))
        plain = replace(analyzer.request(written.requirements, whole=False), constraints=())
        again = analyzer.pip.resolve(plain)
        versions = {d.key: d.version for d in again.planned}
        others = (d for d in planned.values() if versions.get(d.key) != d.version)
        wrong = [f"{d.name}: {versions.get(d.key)}, not {d.version}" for d in others]
        if again.failed or wrong or NUMPY_NAME in versions:
            raise ResolverError("A dry run of the pinned file contradicts it.", evidence=again.failed or wrong)

    _write(path, lines, verify)
    return Written(path, "pinned", len(pins), bytes_known=sum(known), sizes_unknown=unknown)


def _pin(dist: Dist) -> str:
    if dist.direct_url and dist.url:
        return f"{dist.name} @ {dist.url}"
    return f"{dist.name}=={dist.version}"


def _sizes(dists: Sequence[Dist], index: Index, progress: Progress) -> dict[str, int | None]:
    """The archives' sizes by name: the index's word, else the server's; None where neither tells."""

    def size(dist: Dist) -> int | None:
        listed = None
        with suppress(BootstrapError):
            every = index.archives(dist.name)
            listed = next((a for a in every if a.url == dist.url), None) or index.choose(dist.name, dist.version)
        if listed is not None and listed.size is not None:
            return listed.size
        url = dist.url or (listed.url if listed else None)
        return package_metadata.size_of(url) if url else None

    with ThreadPoolExecutor(8) as pool:
        sizes = {}
        for done, (dist, count) in enumerate(zip(dists, pool.map(size, dists), strict=True), 1):
            sizes[dist.key] = count
            progress.step(Step("get sizes", done, len(dists)))
    return sizes


def _origin(diagnosis: Diagnosis, option: str) -> str:
    """A comment that says of which environment a file is, and what wrote it."""
    environment = diagnosis.environment
    return f"# {environment.title}, Python {environment.python}. By: bootstrap diagnose {option}"


def _option_lines(wanted: RequirementSet, path: Path, *, constraints: bool = True) -> list[str]:
    """The options of the file read, one a line; constraint files by the way from the new one."""
    lines = []
    words = list(wanted.options)
    while words:
        word = words.pop(0)
        lines.append(f"{word} {words.pop(0)}" if words and not words[0].startswith("-") else word)
    if constraints:
        here = path.absolute().parent
        places = [f if is_address(f) else os.path.relpath(f, here) for f in wanted.constraint_files]
        lines += [f"-c {place}" for place in places]
    return lines


def _write(path: Path, lines: Sequence[str], verify: Callable[[Path], None]) -> None:
    """Writes beside, has it verified, and puts it in its place in one step."""
    try:
        with replacing(path.absolute(), shared=True, durable=False) as beside:
            beside.write_text("\n".join(lines) + "\n", encoding="utf-8")
            verify(beside)
    except OSError as error:
        raise OutputNotWritableError(
            "Can't write the file.", evidence=[f"{path}: {error.strerror or error}"]
        ) from error
