"""Every fault is caught with the right cause, owner, files and repair; after the repair all is healthy."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.faults import peers, running, trial
from tests.faults.environments import pip_site
from tests.faults.library import FAULTS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.library import Fault
    from tests.faults.running import Running

EVERY: list[Fault | Running] = [*FAULTS, *running.FAULTS]


@pytest.mark.parametrize(
    "fault", [pytest.param(f, id=str(f), marks=[] if f.sample else [pytest.mark.exhaustive]) for f in EVERY]
)
def test_fault_is_caught_and_mended(fault: Fault | Running, tmp_path: Path) -> None:
    assert trial.run(fault, tmp_path).complaints == []


def test_there_are_enough_kinds_and_one_sample_of_each() -> None:
    kinds = {fault.kind for fault in EVERY}
    assert len(kinds) >= 30
    assert len(EVERY) >= 90
    assert Counter(fault.kind for fault in EVERY if fault.sample) == dict.fromkeys(kinds, 1)
    places = Counter(fault.where for fault in FAULTS if fault.sample)
    assert min(places["conda"], places["pip"]) >= 10


@pytest.mark.exhaustive
def test_better_than_all_peers_together(tmp_path_factory: pytest.TempPathFactory) -> None:
    """That each of these faults is caught by the check is what the tests above show, fault by fault."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        folders = [tmp_path_factory.mktemp("fault") for _ in EVERY]
        answers = list(pool.map(trial.noticed, EVERY, folders))
    noticed = Counter(name for found in answers for name, told in found.items() if told)
    together = sum(any(found.values()) for found in answers)
    assert set(noticed) == set(peers.PEERS)
    assert max(noticed.values()) < together < len(EVERY)


@pytest.mark.exhaustive
def test_peers_are_right_about_a_healthy_environment() -> None:
    for where in ("conda", "pip"):
        assert peers.ask(trial.original(where)) == dict.fromkeys(peers.PEERS, False)
    # It is known for that: the name came with numpy 2.1.
    assert peers.center(pip_site("2.0.2"))
