"""Sets that move numpy are found and named by path, others are not accused, whoever resolves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootstrap.diagnosis.predict import predict, undisturbing
from bootstrap.diagnosis.requirements import read_lines, understand
from bootstrap.progress import NullProgress
from tests.support.numpy_sets import HARMLESS, MOVING, NUMPY, Moving
from tests.unit.diagnosis import built

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.diagnosis import Diagnosis
    from bootstrap.diagnosis.impact import ImpactAnalyzer


def ask(analyzer: ImpactAnalyzer, asked: Sequence[str]) -> Diagnosis:
    return predict(analyzer, understand(built.target(), read_lines(asked)), "here", NullProgress())


@pytest.mark.parametrize("case", MOVING, ids=lambda case: case.name)
def test_moving_sets(case: Moving) -> None:
    with built.analyzer() as analyzer:
        found = ask(analyzer, case.asked)
    assert (found.verdict, found.exit_code) == ("broken", 4)
    [culprit] = found.culprits
    assert {r.text for r in culprit.requirements} == set(case.culprits)
    assert (culprit.subject.before, culprit.subject.after) == (NUMPY, case.after)
    assert culprit.path == case.path
    by_itself = [case.culprits == (f.requirements[0].text,) for f in found.alone]
    assert [f.moves for f in found.alone] == by_itself


@pytest.mark.parametrize("asked", HARMLESS, ids=" ".join)
def test_harmless_sets(asked: tuple[str, ...]) -> None:
    with built.analyzer() as analyzer:
        found = ask(analyzer, asked)
    assert (found.verdict, found.exit_code) == ("ok", 0)
    assert (found.culprits, found.conflicts, found.held) == ((), (), None)
    assert found.together.subject is None


def test_every_culprit_is_named_not_only_the_first() -> None:
    with built.analyzer() as analyzer:
        found = ask(analyzer, ["left", "alone", "one", "right", "plain", "two", "three"])
    who = [{r.text for r in culprit.requirements} for culprit in found.culprits]
    assert who[0] == {"alone"}, "those that do it alone come first"
    assert who[1:] in ([{"left", "right"}, {"one", "two", "three"}], [{"one", "two", "three"}, {"left", "right"}])


def test_what_else_would_break() -> None:
    with built.analyzer() as analyzer:
        found = ask(analyzer, ["breaks-another"])
    assert (found.verdict, found.exit_code) == ("doubtful", 3)
    assert [str(b) for b in found.together.breakages] == ["needs-companion 1.0 needs companion>=2, has 1.0"]
    assert [str(c) for c in found.together.changes] == ["companion 2.0 -> 1.0"]


def test_what_cannot_be_resolved_alone() -> None:
    with built.analyzer() as analyzer:
        found = ask(analyzer, ["impossible", "plain"])
    assert found.verdict == "doubtful"
    assert [f.verdict for f in found.alone] == ["doubtful", "ok"]
    assert found.conflicts == (), "nothing is to be narrowed down"


def test_a_conflict_is_narrowed_down() -> None:
    with built.analyzer() as analyzer:
        found = ask(analyzer, ["plain", "conflicts", "harmless", "companion>=2"])
    assert found.verdict == "doubtful"
    assert {r.text for r in found.conflicts[0].requirements} == {"conflicts", "companion>=2"}


@pytest.mark.parametrize(
    ("asked", "options", "words"),
    [
        (["plain", "numpy"], ("--upgrade",), "--upgrade requests the newest numpy"),
        (["stands-on"], ("--upgrade", "--upgrade-strategy", "eager"), "eager"),
        (["harmless"], ("--force-reinstall",), "--force-reinstall"),
        (["harmless"], ("--ignore-installed",), "--ignore-installed"),
    ],
)
def test_an_option_may_be_the_reason(asked: list[str], options: tuple[str, ...], words: str) -> None:
    with built.analyzer(options=options) as analyzer:
        found = ask(analyzer, asked)
    assert found.verdict == "broken"
    assert (found.together.subject.after, found.together.chain) == ("2.3.4", ())
    assert words in found.together.reason


def test_whether_numpy_can_be_held() -> None:
    with built.analyzer() as analyzer:
        assert ask(analyzer, ["left", "right"]).held.failed
        assert analyzer.pip.asked[-1].constraints == (f"numpy=={NUMPY}",)
        assert ask(analyzer, ["plain"]).held is None, "it stays anyway"
    with built.analyzer(options=["--upgrade"]) as analyzer:
        assert ask(analyzer, ["numpy"]).held.ok


def test_a_marker_that_does_not_hold() -> None:
    with built.analyzer() as analyzer:
        found = ask(analyzer, ["alone; python_version < '3'", "plain"])
    assert found.verdict == "ok"
    assert "marker" in found.alone[0].reason


def test_what_there_is_nothing_to_say_of() -> None:
    with built.analyzer(built.Dist("plain", "0.9")) as analyzer:
        assert any("numpy isn't installed" in note for note in ask(analyzer, ["alone"]).notes)
        assert any("no requirements" in note for note in ask(analyzer, []).notes)


def test_constraints_hold_for_every_question() -> None:
    with built.analyzer(constraints=["shared<3"]) as analyzer:
        found = ask(analyzer, ["left"])
    assert found.alone[0].path == "left 1.0 -> shared 2.0 -> numpy<2.0"


def test_what_the_fast_resolver_accuses_pip_confirms() -> None:
    with built.analyzer() as analyzer:
        analyzer.fast = built.TinyResolver(analyzer.metadata_env, "uv 0", harmless=("numpy<2",))
        found = ask(analyzer, ["plain", "harmless"])
    assert [f.resolver for f in found.alone] == ["uv 0", "pip 26.0"]
    assert found.alone[1].verdict == "ok"


def test_where_the_two_resolvers_disagree_pip_is_believed() -> None:
    with built.analyzer() as analyzer:
        analyzer.fast = built.TinyResolver(analyzer.metadata_env, "uv 0", newer=())
        found = ask(analyzer, ["newer", "plain"])
    assert [[r.text for r in c.requirements] for c in found.culprits] == [["newer"]]
    assert found.notes == ("uv 0 and pip 26.0 disagree; all results here are pip's",)


def test_the_largest_part_that_disturbs_nothing() -> None:
    with built.analyzer() as analyzer:
        found = ask(analyzer, ["alone", "left", "right", "harmless", "breaks-another", "impossible", "plain"])
        kept = [r.text for r in undisturbing(analyzer, found, NullProgress())]
    assert len(kept) == 3
    assert {"harmless", "plain"} < set(kept)
