"""Since when is it so, and who has done it? As far as traces on disk and in the notebook tell.

Whatever of this only fits is told as likely.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import provenance
from bootstrap._util.names import canonical_name
from bootstrap.health.record_files import Distribution
from bootstrap.health.rules.base import KINDS, package_name
from bootstrap.provenance import Installation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.health.facts import Facts
    from bootstrap.health.model import Cause

    Installed = Installation[Distribution]

_WHOLE = 40
"""So many packages installed at once are a whole environment: that tells nothing about one of them."""


def add_history(cause: Cause, facts: Facts) -> Cause:
    """The cause with ``since``, ``by`` and what speaks for them among the evidence."""
    if KINDS[cause.id].dated == "never" or cause.severity == "note":
        return cause
    by_install = KINDS[cause.id].dated == "by-install"
    # What no package owns, no installer has brought.
    owner = canonical_name(package_name(cause.owner)) if cause.owner and by_install else ""
    readings = (Installation.read(d, d.info) for d in facts.disk.distributions)
    installed = [one for one in readings if one is not None]
    moment = _moment(cause, [one for one in installed if one.dist.name == owner], by_install=by_install)
    if moment is None:
        return cause
    since = datetime.fromtimestamp(moment).astimezone().isoformat(timespec="seconds")
    evidence = [f"since {since} ({provenance.ago(time.time() - moment)})"]
    ran = provenance.cells(provenance.shell()) if facts.live is not None else []
    cell = provenance.cell_at(ran, moment)
    # Asked for by name first; conda's own are nobody's who put something over them.
    beside = [one for one in provenance.together(installed, moment, cell) if not _by_conda(one, facts)]
    beside.sort(key=lambda one: not one.requested)
    by = ""
    if owner and beside and (cell or len(beside) < _WHOLE):
        asked = [one for one in beside if one.requested]
        own = next((one for one in beside if one.dist.name == owner), None)
        by = (own or beside[0]).installer or "an unknown installer"
        names = ", ".join(map(str, (asked or beside)[:4]))
        evidence.append(f"{by} wrote {names}{' (installed by name)' if asked else ''} at that time")
        if own and own.url:
            evidence.append(f"{own} came from {own.url}")
        if asked and own is not None and not own.requested:
            by += f", likely for {asked[0]}"
    else:
        beside = []
    if owner and not any(one.dist.name == owner for one in installed):
        # Whoever names it has removed it.
        beside = [*beside, Installation(Distribution(owner, "", Path(), ""), moment)]
    if cell := cell or provenance.cell_at(ran, moment, beside):
        by = f"{by + ', ' if by else ''}likely by {cell}"
        evidence.append(f"likely by {cell}")
    return replace(cause, since=since, by=by, evidence=(*cause.evidence, *evidence))


def _moment(cause: Cause, own: Sequence[Installed], *, by_install: bool) -> float | None:
    """When the cause came about: the latest change of what it names."""
    places = [Path(file) for file in cause.files]
    times: list[float] = []
    if by_install:
        # Installed files keep their time at the index; the .dist-info is written where and when they are. A package's
        # folder changes again when Python writes bytecode into it: it dates only what nothing else does.
        exact = (p for p in places if os.path.lexists(p) and not p.is_dir())
        times = [*(one.at for one in own), *(t for place in exact if (t := _changed(place)) is not None)]
    return max(times or [t for place in places if (t := _changed(place)) is not None], default=None)


def _changed(path: Path) -> float | None:
    """When a file, or what holds a missing one, changed."""
    for place in (path, path.parent):
        try:
            return place.lstat().st_ctime
        except OSError:
            continue
    return None


def _by_conda(one: Installed, facts: Facts) -> bool:
    recorded = facts.disk.conda and str(one.dist.info / "METADATA") in facts.disk.owners
    return one.installer == "conda" or bool(recorded)
