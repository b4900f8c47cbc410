"""What is found, in sentences: shared by terminal, notebook and Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap._util.listing import joined
from bootstrap.console import megabytes
from bootstrap.diagnosis.model import NUMPY_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.diagnosis.answer import Diagnosis, Trial, Written
    from bootstrap.diagnosis.model import Finding

_PLACES = ("--index-url", "-i", "--extra-index-url", "--find-links", "-f", "--trusted-host")


def names(finding: Finding) -> str:
    """The requirements of a finding, as they stand in the file."""
    return " + ".join(r.text for r in finding.requirements)


def title(diagnosis: Diagnosis) -> str:
    """What was asked about what."""
    environment = diagnosis.environment
    told = _without_places(diagnosis.options)
    options = f", with {' '.join(told)}" if told else ""
    return (
        f"{diagnosis.source} on {environment.title}: Python {environment.python}, "
        f"numpy {environment.numpy or 'none'}, {environment.installed} packages{options}"
    )


def _without_places(options: Sequence[str]) -> list[str]:
    """Options without those that only say where packages come from."""
    found, words = [], list(options)
    while words:
        word = words.pop(0)
        if word in _PLACES:
            words[:1] = []
        elif word != "--no-index":
            found.append(word)
    return found


def headline(diagnosis: Diagnosis) -> str:
    """The verdict in a sentence."""
    together, numpy = diagnosis.together, diagnosis.environment.numpy
    broke = [trial for trial in diagnosis.trials if trial.broke]
    if diagnosis.culprits:
        who = "; ".join(names(c) for c in diagnosis.culprits)
        first = diagnosis.culprits[0].subject
        return f"{who} would replace numpy {numpy}" + (f" by {first.after}" if first and first.after else "")
    if together.moves and together.subject is not None:
        return f"all together would replace numpy {numpy} by {together.subject.after}"
    if broke:
        return "numpy's version would stay, but something would break"
    if numpy and together.unread and not together.breakages and together.subject is None:
        return f"numpy {numpy} stays, as far as can be determined without a build"
    if together.failed:
        return "all together can't be resolved" if len(diagnosis.alone) != 1 else "it can't be resolved"
    if together.subject is not None and together.subject.kind == "rewritten":
        return f"numpy {numpy} would be reinstalled under a running kernel"
    if together.breakages:
        return f"numpy {numpy} stays, but {_count(len(together.breakages), 'installed package')} would no longer fit"
    if numpy is None:
        return "there is no numpy to replace"
    return f"numpy {numpy} stays as it is"


def effect(finding: Finding, *, limit: int | None = 3) -> str:
    """What a finding comes to: numpy's fate first, then the rest in short."""
    if finding.failed and finding.unread:
        return "; ".join(finding.unread)
    if finding.failed:
        more = "" if limit is None or len(finding.failed) < 2 else " ..."
        return "can't be resolved: " + (finding.failed[0] + more if limit else "; ".join(finding.failed))
    parts = []
    if finding.moves or finding.subject is not None:
        parts.append(finding.path or finding.reason)
    others = [str(c) for c in finding.changes if c.name != NUMPY_NAME]
    parts += _some("replaces", others, limit)
    parts += _some("breaks", [f"{b.name} {b.version} ({b.gap})" for b in finding.breakages], limit)
    if finding.added:
        parts.append(f"adds {len(finding.added)}")
    parts += finding.unread
    parts += [f"{', '.join(finding.unbuilt)} by its own metadata, not built"] if finding.unbuilt else []
    if not parts:
        parts.append(finding.reason or "nothing")
    return "; ".join(part for part in parts if part)


def _some(verb: str, items: list[str], limit: int | None) -> list[str]:
    return [f"{verb} {joined(items, limit)}"] if items else []


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def trial_lines(trial: Trial) -> list[str]:
    """What a real installation did, in lines."""
    who = " + ".join(r.text for r in trial.requirements)
    if not trial.installed:
        return [f"\ntest install: {who}: the installation failed", *(f"  {line}" for line in trial.log[-4:])]
    state = "BROKE" if trial.broke else "holds"
    moved = f"numpy in memory {trial.numpy_memory}, on disk {trial.numpy_disk}"
    lines = [f"\ntest install: {who}: {state} ({moved}, {trial.seconds:.1f} s)"]
    lines += [f"  live process: {line}" for line in trial.live[:6]]
    lines += [f"  fresh process: {line}" for line in trial.fresh[:6]]
    return lines


def written_line(written: Written) -> str:
    """What a file that was written holds."""
    if written.kind == "minimal":
        return f"\nwritten: {written.path}: {_count(written.kept, 'requirement')} kept, {written.dropped} left out"
    unknown = f" and {written.sizes_unknown} of unknown size" if written.sizes_unknown else ""
    return f"\nwritten: {written.path}: {_count(written.kept, 'package')}, {megabytes(written.bytes_known)}{unknown}"


def advice(diagnosis: Diagnosis) -> list[str]:
    """The ways out that are open."""
    if diagnosis.verdict == "ok":
        return []
    lines = []
    if diagnosis.together.unread:
        lines.append("rerun with --build to build what can't be read (this runs its code)")
    have = {written.kind for written in diagnosis.written}
    if "minimal" not in have:
        lines.append("--write-minimal FILE keeps only what changes no installed package")
    if "pinned" not in have and not diagnosis.together.failed:
        if diagnosis.held is None or diagnosis.held.ok:
            numpy = diagnosis.environment.numpy
            held = f" compatible with numpy {numpy}" if numpy else ""
            lines.append(f"--write-pinned FILE finds exact versions{held}")
        else:
            lines.append("no versions of these work with the installed numpy: drop one")
    lines.append("or use the locked environment, which avoids all of this: bootstrap restore")
    return lines
