"""A resolution's outcome becomes a finding: what would happen to numpy, and who or what forces it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bootstrap.diagnosis.court import Court
from bootstrap.diagnosis.model import Dist, Finding, Outcome, Requirement
from bootstrap.diagnosis.requirements import read_lines, understand
from bootstrap.errors import ResolverError
from tests.unit.diagnosis import built

NUMPY = Dist("numpy", "2.0.2")


def requirements(*lines: str) -> tuple[Requirement, ...]:
    return understand(built.interpreter(), read_lines(lines)).requirements


def judged(court: Court, asked: tuple[str, ...], *planned: Dist, removed: tuple[str, ...] = ()) -> Finding:
    return court.judge(requirements(*asked), Outcome(planned, resolver="pip 26.0"), removed=removed)


@pytest.mark.parametrize(
    ("planned", "kind", "verdict", "moves"),
    [
        (None, None, "innocent", False),
        (Dist("numpy", "1.26.4"), "replaced", "guilty", True),
        (Dist("NumPy", "2.3.4"), "replaced", "guilty", True),
        (Dist("numpy", "2.0.2"), "rewritten", "doubtful", False),
        (Dist("numpy", "2.0.2.post1"), "replaced", "guilty", True),
    ],
)
def test_what_would_happen_to_numpy(planned: Dist | None, kind: str | None, verdict: str, moves: bool) -> None:
    with built.court(NUMPY) as court:
        found = judged(court, ("numpy",), *([planned] if planned else []))
    assert (found.subject.kind if found.subject else None, found.verdict, found.moves) == (kind, verdict, moves)
    assert found.disturbs is (planned is not None)


def test_numpy_where_there_was_none_is_only_added() -> None:
    with built.court(Dist("plain", "1.0")) as court:
        found = judged(court, ("numpy",), NUMPY)
    assert (found.verdict, found.subject, [str(c) for c in found.added]) == ("innocent", None, ["numpy 2.0.2"])


def test_numpy_removed() -> None:
    with built.court(NUMPY, Dist("stands-on", "1.0", ("numpy>=1.26",))) as court:
        found = judged(court, (), removed=("numpy", "never-there"))
    assert (found.verdict, found.reason, str(found.subject)) == ("guilty", "it is uninstalled", "numpy 2.0.2 removed")
    assert [str(b) for b in found.breakages] == ["stands-on 1.0 needs numpy>=1.26, has none"]


def test_changes_additions_and_breakages() -> None:
    base = [NUMPY, Dist("b", "1"), Dist("a", "1"), Dist("user", "1", ("a<2", "b", "gone; extra == 'x'"))]
    with built.court(*base, Dist("broken-before", "1", ("nowhere",))) as court:
        found = judged(court, ("a",), Dist("b", "1"), Dist("a", "2"), Dist("c", "3"))
    assert [str(c) for c in found.changes] == ["a 1 -> 2", "b 1 (rewritten)"]
    assert [str(c) for c in found.added] == ["c 3"]
    assert [str(b) for b in found.breakages] == ["user 1 needs a<2, has 2"], "what was broken before is nobody's"
    assert found.verdict == "doubtful"


@pytest.mark.parametrize(
    ("asked", "planned", "path"),
    [
        (("numpy<2",), [], "numpy<2"),
        (("a",), [Dist("a", "1", ("numpy<2",))], "a 1 -> numpy<2"),
        (("a[x,y]",), [Dist("a", "1", ("numpy<2; extra == 'x'",), ("x", "y"))], "a[x,y] 1 -> numpy<2"),
        (("a",), [Dist("a", "1", ("b",)), Dist("b", "2", ("numpy<2.0,>=1",))], "a 1 -> b 2 -> numpy<2.0,>=1"),
        (
            ("deep", "a"),
            [Dist("deep", "1", ("b",)), Dist("b", "1", ("numpy<2",)), Dist("a", "1", ("numpy<2",))],
            "a 1 -> numpy<2",
        ),
        (("a",), [Dist("a", "1", ("numpy<2; python_version < '3'", "numpy"))], ""),
    ],
    ids=["itself", "dependency", "extra", "deep", "shortest", "marker"],
)
def test_the_path_to_what_forces_it(asked: tuple[str, ...], planned: list[Dist], path: str) -> None:
    with built.court(NUMPY) as court:
        found = judged(court, asked, Dist("numpy", "1.26.4"), *planned)
    assert found.path == path
    assert bool(found.reason) is not bool(path), "either a path or another reason"


@pytest.mark.parametrize(
    ("options", "asked", "words"),
    [
        (("--force-reinstall",), "a", "--force-reinstall reinstalls everything"),
        (("-I",), "a", "-I reinstalls everything"),
        (("-U", "--upgrade-strategy=eager"), "a", "eager takes the newest"),
        (("-U",), "numpy", "--upgrade requests the newest numpy"),
        (("-U",), "a", "nothing excludes numpy 2.0.2"),
        ((), "a", "nothing excludes numpy 2.0.2"),
    ],
)
def test_what_forces_it_where_no_bound_does(options: tuple[str, ...], asked: str, words: str) -> None:
    with built.court(NUMPY, options=options) as court:
        found = judged(court, (asked,), Dist("numpy", "2.3.4"))
    assert words in found.reason


def test_numpy_by_its_address() -> None:
    url = "https://x.y/numpy-2.3.4-py3-none-any.whl"
    direct = Dist("numpy", "2.3.4", direct_url={"url": url}, requested=True, url=url)
    with built.court(NUMPY) as court:
        found = judged(court, (url,), direct)
    assert found.reason == f"numpy is requested by URL, {url}"


def test_a_failure_is_doubtful_and_keeps_its_words() -> None:
    with built.court(NUMPY) as court:
        found = court.judge(requirements("a"), Outcome(failed=("no such a",), resolver="pip 26.0", seconds=1.5))
    assert (found.verdict, found.failed, found.seconds) == ("doubtful", ("no such a",), 1.5)
    assert found.disturbs
    assert not found.moves


def test_equal_questions_are_judged_once() -> None:
    with built.court() as court:
        first = court.finding(requirements("alone"))
        assert court.finding(requirements("alone")) is first
        assert len(court.pip.asked) == 1


def test_hashes_are_demanded_of_the_whole_list_only() -> None:
    [hashed] = (replace(r, options=("--hash=sha256:00",)) for r in requirements("plain"))
    with built.court() as court:
        court.hashed = True
        court.finding([hashed], sure=True, whole=True)
        court.finding([hashed])
        assert [question.hashes for question in court.pip.asked] == [True, False]
    assert hashed.for_pip(hashes=True) == "plain --hash=sha256:00"
    assert hashed.for_pip(hashes=False) == "plain"


def test_a_fast_resolver_that_gives_no_answer_is_passed_over() -> None:
    class Silent(built.TinyResolver):
        def resolve(self, question: object) -> Outcome:
            raise ResolverError("no answer")

    with built.court() as court:
        court.fast = Silent(court.shadow, "uv 0")
        assert court.finding(requirements("plain")).resolver == "pip 26.0"
        assert court.pip_or_fast is court.pip
        court.confirm = False
        assert court.pip_or_fast is court.fast


@pytest.mark.parametrize(
    ("unbuilt", "verdict"), [("alone 1.0", "doubtful"), ("other 1.0", "guilty"), ("numpy 1.26.4", "doubtful")]
)
def test_what_stands_on_a_source_alone_accuses_nobody(unbuilt: str, verdict: str) -> None:
    with built.court() as court:
        asked = (Requirement("alone", name="alone"),)
        outcome = replace(court.pip.resolve(court.question(asked, whole=True)), unbuilt=(unbuilt,))
        found = court.judge(asked, outcome)
    assert (found.moves, found.verdict) == (True, verdict)


def test_sources_are_judged_apart() -> None:
    with built.court() as court:
        source = Requirement("git+https://x.y/z")
        found = court.finding((source, Requirement("alone", name="alone")))
        assert (found.verdict, len(found.unread), len(found.requirements)) == ("guilty", 1, 2)
        assert court.finding((source, Requirement("innocent", name="innocent"))).verdict == "doubtful"
        only = court.finding((source,))
        assert (only.verdict, only.failed) == ("doubtful", only.unread)
        assert all(r.text != source.text for q in court.pip.asked for r in q.requirements)
