"""One fault through everything: injected, examined, repaired, examined again; and put to the peers, where asked."""

from __future__ import annotations

import contextlib
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.health.repair import repair
from tests.faults import peers, running
from tests.faults.environments import Site, conda_site, pip_site
from tests.faults.running import Running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootstrap.health import Cause, Report
    from tests.faults.library import Expected, Fault


@dataclass
class Outcome:
    """What came of it."""

    kind: str
    variant: str
    where: str
    causes: list[tuple[str, str]] = field(default_factory=list)
    """Id and severity."""
    complaints: list[str] = field(default_factory=list)
    """What is not as it should be, one line each; empty for a fault that was caught and mended."""
    peers: dict[str, bool] = field(default_factory=dict)

    @property
    def caught(self) -> bool:
        """Whether the check found what was wrong, where, and whose it is."""
        return not [line for line in self.complaints if not line.startswith("repair: ")]

    @property
    def noticed_by_peers(self) -> bool:
        """Whether any of the peers says anything at all."""
        return any(self.peers.values())


def original(where: str, *, dependents: bool = True) -> Site:
    """The healthy environment that copies are made of; one with numpy alone takes less time."""
    if where == "conda":
        return conda_site()
    return pip_site(None, "scipy", "pandas") if dependents else pip_site()


def run(fault: Fault | Running, folder: Path, *, ask_peers: bool = False) -> Outcome:
    """Puts one fault through everything.

    Args:
        fault: What to inject.
        folder: An empty folder.
        ask_peers: Whether the others are asked as well, which takes longer.
    """
    return _run_live(fault, folder, ask_peers) if isinstance(fault, Running) else _run(fault, folder, ask_peers)


def noticed(fault: Fault | Running, folder: Path) -> dict[str, bool]:
    """What the peers alone make of a fault; may be asked in several threads.

    Args:
        fault: What to inject.
        folder: An empty folder.
    """
    with _copy(fault, folder) as site:
        if isinstance(fault, Running):
            answers: dict[str, bool] = running.run(fault, site, "peers")["peers"]
            return answers
        return peers.ask(fault.inject(site).site or site)


@contextlib.contextmanager
def _copy(fault: Fault | Running, folder: Path) -> Iterator[Site]:
    """A copy to damage of the environment that a fault needs."""
    if isinstance(fault, Running):
        base = pip_site(fault.base) if fault.base else original("pip", dependents=fault.dependents)
    else:
        base = original(fault.where, dependents=fault.dependents)
    try:
        yield base.copy(folder / "env")
    finally:
        subprocess.run(["rm", "-rf", folder / "env"], check=True)


def _run(fault: Fault, folder: Path, ask_peers: bool) -> Outcome:
    outcome = Outcome(fault.kind, fault.variant, fault.where)
    with _copy(fault, folder) as site:
        expected = fault.inject(site)
        site = expected.site or site
        if ask_peers:
            outcome.peers = peers.ask(site)
        report = site.examine(*fault.imports, full=fault.full, timeout=fault.timeout)
        outcome.causes = [(cause.id, cause.severity) for cause in report.causes]
        outcome.complaints += judged(report, expected)
        outcome.complaints += _mended(site, report, expected, fault)
    return outcome


def _run_live(fault: Running, folder: Path, ask_peers: bool) -> Outcome:
    """A restart, or the user, mends a process; so nothing is repaired here."""
    with _copy(fault, folder) as site:
        told = running.run(fault, site, "check", *(["peers"] if ask_peers else []))
    return Outcome(
        fault.kind,
        fault.variant,
        "process",
        causes=[(cause["id"], cause["severity"]) for cause in told["report"]["causes"]],
        complaints=running.complaints(fault, told),
        peers=told["peers"],
    )


def judged(report: Report, expected: Expected) -> list[str]:
    """What of a report is not as expected."""
    found = [cause for cause in report.causes if cause.id in expected.causes]
    told = [f"{c.id} ({c.severity}; {c.owner}): {c.summary}" for c in report.causes]
    if not found:
        return [f"none of {expected.causes} in {told}"]
    if report.ok and not expected.healthy:
        return [f"healthy in spite of {told}"]
    right = [cause for cause in found if _right_owner(cause, expected)]
    if not right:
        return [f"owner: {[c.owner for c in found]} instead of {expected.owner or 'nobody'}"]
    wrong = []
    files = {file for cause in right for file in cause.files}
    wrong += [f"files: {path} is not among {sorted(files)}" for path in expected.files if str(path) not in files]
    if expected.evidence and not any(expected.evidence in line for c in right for line in (*c.evidence, c.summary)):
        wrong.append(f"evidence: nothing says {expected.evidence}")
    wrong += [f"{cause.id} has no repair" for cause in right if not cause.repair]
    return wrong


def _right_owner(cause: Cause, expected: Expected) -> bool:
    return cause.owner.split(" ")[0] == expected.owner if expected.owner else not cause.owner


def _mended(site: Site, report: Report, expected: Expected, fault: Fault) -> list[str]:
    """Whether it is healthy after the repair: by us where it is ours, by what the repair says where it isn't."""
    if expected.undo is not None:
        expected.undo()
        after = site.examine(*fault.imports, full=fault.full, timeout=fault.timeout)
    else:
        with site.active():
            after = repair(report)
    told = [f"{c.id} ({c.severity}; {c.owner}): {c.summary} {c.repair}" for c in after.causes]
    return [] if after.ok else [f"repair: still {after.verdict}: {told}"]
