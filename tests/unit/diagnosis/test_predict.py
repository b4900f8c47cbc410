"""Guilty sets are found and named with their path, innocent ones are not accused, whoever resolves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootstrap.diagnosis.predict import predict, undisturbing
from bootstrap.diagnosis.requirements import read_lines, understand
from bootstrap.progress import Silent
from tests.support.numpy_sets import GUILTY, INNOCENT, NUMPY, Guilty
from tests.unit.diagnosis import built

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.diagnosis import Diagnosis
    from bootstrap.diagnosis.court import Court


def ask(court: Court, asked: Sequence[str]) -> Diagnosis:
    return predict(court, understand(built.interpreter(), read_lines(asked)), "here", Silent())


@pytest.mark.parametrize("case", GUILTY, ids=lambda case: case.name)
def test_guilty_sets(case: Guilty) -> None:
    with built.court() as court:
        found = ask(court, case.asked)
    assert (found.verdict, found.exit_code) == ("guilty", 4)
    [culprit] = found.culprits
    assert {r.text for r in culprit.requirements} == set(case.culprits)
    assert (culprit.subject.before, culprit.subject.after) == (NUMPY, case.after)
    assert culprit.path == case.path
    by_itself = [case.culprits == (f.requirements[0].text,) for f in found.alone]
    assert [f.moves for f in found.alone] == by_itself


@pytest.mark.parametrize("asked", INNOCENT, ids=" ".join)
def test_innocent_sets(asked: tuple[str, ...]) -> None:
    with built.court() as court:
        found = ask(court, asked)
    assert (found.verdict, found.exit_code) == ("innocent", 0)
    assert (found.culprits, found.conflicts, found.held) == ((), (), None)
    assert found.together.subject is None


def test_every_culprit_is_named_not_only_the_first() -> None:
    with built.court() as court:
        found = ask(court, ["left", "alone", "one", "right", "plain", "two", "three"])
    who = [{r.text for r in culprit.requirements} for culprit in found.culprits]
    assert who[0] == {"alone"}, "those that do it alone come first"
    assert who[1:] in ([{"left", "right"}, {"one", "two", "three"}], [{"one", "two", "three"}, {"left", "right"}])


def test_what_else_would_break() -> None:
    with built.court() as court:
        found = ask(court, ["breaks-another"])
    assert (found.verdict, found.exit_code) == ("doubtful", 3)
    assert [str(b) for b in found.together.breakages] == ["needs-companion 1.0 needs companion>=2, has 1.0"]
    assert [str(c) for c in found.together.changes] == ["companion 2.0 -> 1.0"]


def test_what_cannot_be_resolved_alone() -> None:
    with built.court() as court:
        found = ask(court, ["impossible", "plain"])
    assert found.verdict == "doubtful"
    assert [f.verdict for f in found.alone] == ["doubtful", "innocent"]
    assert found.conflicts == (), "nothing is to be narrowed down"


def test_a_conflict_is_narrowed_down() -> None:
    with built.court() as court:
        found = ask(court, ["plain", "conflicts", "innocent", "companion>=2"])
    assert found.verdict == "doubtful"
    assert {r.text for r in found.conflicts[0].requirements} == {"conflicts", "companion>=2"}


@pytest.mark.parametrize(
    ("asked", "options", "words"),
    [
        (["plain", "numpy"], ("--upgrade",), "--upgrade requests the newest numpy"),
        (["stands-on"], ("--upgrade", "--upgrade-strategy", "eager"), "eager"),
        (["innocent"], ("--force-reinstall",), "--force-reinstall"),
        (["innocent"], ("--ignore-installed",), "--ignore-installed"),
    ],
)
def test_an_option_may_be_the_reason(asked: list[str], options: tuple[str, ...], words: str) -> None:
    with built.court(options=options) as court:
        found = ask(court, asked)
    assert found.verdict == "guilty"
    assert (found.together.subject.after, found.together.chain) == ("2.3.4", ())
    assert words in found.together.reason


def test_whether_numpy_can_be_held() -> None:
    with built.court() as court:
        assert ask(court, ["left", "right"]).held.failed
        assert court.pip.asked[-1].held == (f"numpy=={NUMPY}",)
        assert ask(court, ["plain"]).held is None, "it stays anyway"
    with built.court(options=["--upgrade"]) as court:
        assert ask(court, ["numpy"]).held.ok


def test_a_marker_that_does_not_hold() -> None:
    with built.court() as court:
        found = ask(court, ["alone; python_version < '3'", "plain"])
    assert found.verdict == "innocent"
    assert "marker" in found.alone[0].reason


def test_what_there_is_nothing_to_say_of() -> None:
    with built.court(built.Dist("plain", "0.9")) as court:
        assert any("numpy isn't installed" in note for note in ask(court, ["alone"]).notes)
        assert any("no requirements" in note for note in ask(court, []).notes)


def test_constraints_hold_for_every_question() -> None:
    with built.court(constraints=["shared<3"]) as court:
        found = ask(court, ["left"])
    assert found.alone[0].path == "left 1.0 -> shared 2.0 -> numpy<2.0"


def test_what_the_fast_resolver_accuses_pip_confirms() -> None:
    with built.court() as court:
        court.fast = built.TinyResolver(court.shadow, "uv 0", innocent=("numpy<2",))
        found = ask(court, ["plain", "innocent"])
    assert [f.resolver for f in found.alone] == ["uv 0", "pip 26.0"]
    assert found.alone[1].verdict == "innocent"


def test_where_the_two_resolvers_disagree_pip_is_believed() -> None:
    with built.court() as court:
        court.fast = built.TinyResolver(court.shadow, "uv 0", newer=())
        found = ask(court, ["newer", "plain"])
    assert [[r.text for r in c.requirements] for c in found.culprits] == [["newer"]]
    assert found.notes == ("uv 0 and pip 26.0 disagree; all results here are pip's",)


def test_the_largest_part_that_disturbs_nothing() -> None:
    with built.court() as court:
        found = ask(court, ["alone", "left", "right", "innocent", "breaks-another", "impossible", "plain"])
        kept = [r.text for r in undisturbing(court, found, Silent())]
    assert len(kept) == 3
    assert {"innocent", "plain"} < set(kept)
