"""Since when is it so, and who has done it? As far as traces on disk and in the notebook tell.

Times are those at which files came to be or changed (ctime, which installers can't set back). Installers leave
their name, and whether a package was asked for by name, in its .dist-info; pip installs all that one command asks
for within moments. A notebook keeps the text of its cells. Whatever of this only fits is told as likely.
"""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import cell_times
from bootstrap._util.names import canonical_name
from bootstrap.health.rules.base import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.health.facts import Facts
    from bootstrap.health.model import Cause
    from bootstrap.health.record_files import Distribution

_TOGETHER_S = 60.0
_COMMAND = re.compile(r"\b(pip3?|uv|conda|mamba|micromamba|poetry)\b.*\b(install|uninstall|remove|update|sync|add)\b")


@dataclass(frozen=True)
class Trace:
    """One package's installation, as its .dist-info tells."""

    distribution: Distribution
    moment: float
    """When its .dist-info was written, in seconds since the epoch."""
    installer: str
    requested: bool
    source: str
    """Where it was taken from, if not from an index."""


def add_history(cause: Cause, facts: Facts) -> Cause:
    """The cause with ``since``, ``by`` and what speaks for them among the evidence."""
    if KINDS[cause.id].dated == "never" or cause.severity == "note":
        return cause
    moment = _moment(cause, facts)
    if moment is None:
        return cause
    since = datetime.fromtimestamp(moment).astimezone().isoformat(timespec="seconds")
    evidence = [f"since {since} ({ago(time.time() - moment)})"]
    # What no package owns, no installer has brought.
    dated = bool(cause.owner) and KINDS[cause.id].dated == "by-install"
    traces = _traces(facts, moment) if dated else []
    own = next((t for t in traces if t.distribution.name == canonical_name(cause.owner.split(" ")[0] or "-")), None)
    by = ""
    if traces:
        asked = [t for t in traces if t.requested]
        first = own or traces[0]
        by = first.installer or "an unknown installer"
        names = ", ".join(str(t.distribution) for t in (asked or traces)[:4])
        evidence.append(f"{by} wrote {names}{' (installed by name)' if asked else ''} at that time")
        if own and own.source:
            evidence.append(f"{own.distribution} came from {own.source}")
        if asked and own is not None and not own.requested:
            by += f", likely for {asked[0].distribution}"
    if facts.live is not None and (cell := _cell(cause, traces, moment)):
        by = f"{by + ', ' if by else ''}likely by the cell `{cell}`"
        evidence.append(f"likely by the cell: {cell}")
    return replace(cause, since=since, by=by, evidence=(*cause.evidence, *evidence))


def ago(seconds: float) -> str:
    """A length of time up to now, as a person says it."""
    for length, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {word}{'s' if count > 1 else ''} ago"
    return "less than a minute ago"


def _moment(cause: Cause, facts: Facts) -> float | None:
    """When the cause came about: the latest change of what it names."""
    places = [Path(file) for file in cause.files]
    times: list[float] = []
    if KINDS[cause.id].dated == "by-install":
        # Installed files keep their time at the index; the .dist-info is written where and when they are. A package's
        # folder changes again when Python writes bytecode into it: it dates only what nothing else does.
        name = canonical_name(cause.owner.split(" ")[0]) if cause.owner else ""
        exact = [p for p in places if os.path.lexists(p) and not p.is_dir()]
        exact += [d.info for d in facts.disk.distributions if d.name == name]
        times = [t for place in exact if (t := _changed(place)) is not None]
    return max(times or [t for place in places if (t := _changed(place)) is not None], default=None)


def _changed(path: Path) -> float | None:
    """When a file, or what holds a missing one, changed."""
    for place in (path, path.parent):
        try:
            return place.lstat().st_ctime
        except OSError:
            continue
    return None


def _traces(facts: Facts, moment: float) -> list[Trace]:
    """What was installed about that moment, by others than conda; what was asked for by name first."""
    found = []
    for distribution in facts.disk.distributions:
        when = _changed(distribution.info / "METADATA")
        if when is None or abs(when - moment) > _TOGETHER_S:
            continue
        installer = distribution.installer or ""
        if installer == "conda" or (str(distribution.info / "METADATA") in facts.disk.owners and facts.disk.conda):
            continue
        found.append(
            Trace(
                distribution=distribution,
                moment=when,
                installer=installer,
                requested=(distribution.info / "REQUESTED").exists(),
                source=_source(distribution.info),
            )
        )
    # A whole environment made at once tells nothing about one package of it.
    return sorted(found, key=lambda t: not t.requested) if len(found) < 40 else []


def _source(info: Path) -> str:
    try:
        return str(json.loads((info / "direct_url.json").read_bytes()).get("url", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _cell(cause: Cause, traces: Sequence[Trace], moment: float) -> str:
    """What ran in this notebook at that moment; where that isn't known, the last install command that fits.

    That is one that names one of the packages, else the last of all.
    """
    shell = cell_times.shell()
    at = cell_times.source_at(shell, moment)
    if at is not None:
        lines = [line.strip() for line in at.splitlines() if line.strip()]
        return next((line for line in lines if _COMMAND.search(line)), " / ".join(lines))[:160]
    # As the user wrote them; "In" holds them with magics rewritten.
    history = getattr(getattr(shell, "history_manager", None), "input_hist_raw", None) or []
    written = [line.strip() for cell in history if isinstance(cell, str) for line in cell.splitlines()]
    lines = [line for line in written if _COMMAND.search(line)]
    names = {t.distribution.name for t in traces} | ({cause.owner.split(" ")[0]} - {""})
    any_name = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in names) or r"(?!)", re.IGNORECASE)
    naming = [line for line in lines if any_name.search(line)]
    chosen = naming or (lines if traces else [])
    return chosen[-1][:160] if chosen else ""
