"""Every fault is caught with the right cause, owner, files and repair; after the repair all is healthy."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.faults import peers, running, trial
from tests.faults.environments import pip_site
from tests.faults.library import FAULTS

if TYPE_CHECKING:
    from concurrent.futures import Future

    from tests.faults.library import Fault
    from tests.faults.running import Running
    from tests.faults.trial import Outcome

    Trials = dict[str, Future[Outcome]]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_fault_is_caught_and_mended(fault: Fault, trials: Trials, outcomes: list[Outcome]) -> None:
    outcome = trials[str(fault)].result()
    outcomes.append(outcome)
    assert outcome.complaints == []


@pytest.mark.parametrize("fault", running.FAULTS, ids=str)
def test_fault_of_the_running_process_is_caught(fault: Running, trials: Trials, outcomes: list[Outcome]) -> None:
    outcome = trials[str(fault)].result()
    outcomes.append(outcome)
    assert outcome.complaints == []


def test_there_are_enough_kinds() -> None:
    kinds = Counter(fault.kind for fault in [*FAULTS, *running.FAULTS])
    assert len(kinds) >= 30
    assert sum(kinds.values()) >= 90
    assert {"conda", "pip"} == {fault.where for fault in FAULTS}


def test_better_than_all_peers_together(outcomes: list[Outcome]) -> None:
    if len(outcomes) < len(FAULTS) + len(running.FAULTS):
        pytest.skip("counts only where all faults were run")
    caught = sum(outcome.caught for outcome in outcomes)
    noticed = {name: sum(outcome.peers.get(name, False) for outcome in outcomes) for name in peers.PEERS}
    together = sum(outcome.noticed_by_peers for outcome in outcomes)
    print(f"{len(outcomes)} faults: caught {caught}; {noticed}; all peers together {together}")
    assert caught == len(outcomes)
    assert together < caught
    assert all(count < together for count in noticed.values())


def test_peers_are_right_about_a_healthy_environment() -> None:
    for where in ("conda", "pip"):
        assert peers.ask(trial.original(where)) == dict.fromkeys(peers.PEERS, False)
    # It is known for that: the name came with numpy 2.1.
    assert peers.center(pip_site("2.0.2"))
