"""What a Colab user does gives the same in a moved kernel as in the unmoved one, and after undo.

The differences that are right are listed in docs/features.md, each with its reason; this reads them there.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support import ROOT
from tests.support.colab import VERSIONS, ColabRoot, each_version

from .conftest import INSTALL, cell
from .features import ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.colab import Kernel

    from .conftest import Material
    from .features import Answer


def allowed() -> set[str]:
    """The questions whose answers may differ: the last column of the page's table."""
    page = (ROOT / "docs/features.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and line.count("|") == 5]
    return {name for row in rows[1:] for name in re.findall(r"`([^`]+)`", row.split("|")[4])}


def differences(one: dict[str, Answer], other: dict[str, Answer]) -> dict[str, str]:
    """By question: each part of its answers that isn't the same."""
    found = {}
    for name, answer in one.items():
        parts = [part for part in {**answer, **other[name]} if answer.get(part) != other[name].get(part)]
        if parts:
            found[name] = "\n".join(f"  {part}: {answer.get(part)}\n  now: {other[name].get(part)}" for part in parts)
    return found


def told(found: dict[str, str]) -> str:
    """For people, in whole."""
    return "\n".join(f"{name}\n{text}" for name, text in found.items())


@dataclass(frozen=True)
class Asked:
    """The answers of two kernels on machines of one kind.

    Attributes:
        unmoved: Of the machine's own.
        moved: Of the one in the environment.
        kernel: The latter.
    """

    unmoved: dict[str, Answer]
    moved: dict[str, Answer]
    kernel: Kernel


@pytest.fixture(scope="module", params=each_version())
def asked(request: pytest.FixtureRequest) -> Iterator[Asked]:
    # On the newest machine the environment has the machine's own Python, as it has on Colab.
    material: Material = request.getfixturevalue("recent" if request.param == VERSIONS[-1] else "material")
    with (
        ColabRoot.start(request.param, binds=material.binds) as own,
        ColabRoot.start(request.param, binds=material.binds) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        unmoved = own.kernel()
        unmoved.execute(INSTALL, timeout=120).require()
        answering = pool.submit(ask, unmoved)
        kernel = other.kernel()
        kernel.execute(cell(), timeout=300).require()
        moved = ask(kernel)
        yield Asked(answering.result(), moved, kernel)


def test_every_question_is_answered(asked: Asked) -> None:
    for answers in (asked.unmoved, asked.moved):
        assert not [name for name, answer in answers.items() if answer.get("status") in ("lost", "aborted")]
    assert allowed() <= set(asked.unmoved)


def test_a_moved_kernel_does_what_the_unmoved_one_does(asked: Asked) -> None:
    found = differences(asked.unmoved, asked.moved)
    print(f"{len(asked.unmoved)} asked, {len(found)} differ: {', '.join(found)}")
    unexpected = {name: text for name, text in found.items() if name not in allowed()}
    assert not unexpected, told(unexpected)


def test_what_colabs_own_kernel_has_lost_works(asked: Asked) -> None:
    assert {asked.moved[name]["status"] for name in ("getoutput", "autoreload")} == {"ok"}


@pytest.mark.exhaustive
def test_a_kernel_after_undo_does_what_it_did_before(asked: Asked) -> None:
    asked.kernel.execute("import bootstrap; bootstrap.undo()", timeout=120).require()
    asked.kernel.ready()
    found = differences(asked.unmoved, ask(asked.kernel))
    # The moved kernel's cells are of a later session of the same history than the one that goes on.
    found.pop("hist", None)
    assert not found, told(found)
