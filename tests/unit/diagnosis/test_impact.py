"""A resolution's outcome becomes a finding: what would happen to numpy, and who or what forces it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bootstrap.diagnosis.impact import ImpactAnalyzer
from bootstrap.diagnosis.model import Dist, Finding, Requirement, Resolution
from bootstrap.diagnosis.requirements import read_lines, understand
from bootstrap.errors import ResolverError
from tests.unit.diagnosis import built

NUMPY = Dist("numpy", "2.0.2")


def requirements(*lines: str) -> tuple[Requirement, ...]:
    return understand(built.target(), read_lines(lines)).requirements


def judged(analyzer: ImpactAnalyzer, asked: tuple[str, ...], *planned: Dist) -> Finding:
    return analyzer.to_finding(requirements(*asked), Resolution(planned, resolver="pip 26.0"))


@pytest.mark.parametrize(
    ("planned", "kind", "verdict", "moves"),
    [
        (None, None, "ok", False),
        (Dist("numpy", "1.26.4"), "replaced", "broken", True),
        (Dist("NumPy", "2.3.4"), "replaced", "broken", True),
        (Dist("numpy", "2.0.2"), "rewritten", "doubtful", False),
        (Dist("numpy", "2.0.2.post1"), "replaced", "broken", True),
    ],
)
def test_what_would_happen_to_numpy(planned: Dist | None, kind: str | None, verdict: str, moves: bool) -> None:
    with built.analyzer(NUMPY) as analyzer:
        found = judged(analyzer, ("numpy",), *([planned] if planned else []))
    assert (found.subject.kind if found.subject else None, found.verdict, found.moves) == (kind, verdict, moves)
    assert found.disturbs is (planned is not None)


def test_numpy_where_there_was_none_is_only_added() -> None:
    with built.analyzer(Dist("plain", "1.0")) as analyzer:
        found = judged(analyzer, ("numpy",), NUMPY)
    assert (found.verdict, found.subject, [str(c) for c in found.added]) == ("ok", None, ["numpy 2.0.2"])


def test_changes_additions_and_breakages() -> None:
    base = [NUMPY, Dist("b", "1"), Dist("a", "1"), Dist("user", "1", ("a<2", "b", "gone; extra == 'x'"))]
    with built.analyzer(*base, Dist("broken-before", "1", ("nowhere",))) as analyzer:
        found = judged(analyzer, ("a",), Dist("b", "1"), Dist("a", "2"), Dist("c", "3"))
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
    with built.analyzer(NUMPY) as analyzer:
        found = judged(analyzer, asked, Dist("numpy", "1.26.4"), *planned)
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
    with built.analyzer(NUMPY, options=options) as analyzer:
        found = judged(analyzer, (asked,), Dist("numpy", "2.3.4"))
    assert words in found.reason


def test_numpy_by_its_address() -> None:
    url = "https://x.y/numpy-2.3.4-py3-none-any.whl"
    direct = Dist("numpy", "2.3.4", direct_url={"url": url}, requested=True, url=url)
    with built.analyzer(NUMPY) as analyzer:
        found = judged(analyzer, (url,), direct)
    assert found.reason == f"numpy is requested by URL, {url}"


def test_a_failure_is_doubtful_and_keeps_its_words() -> None:
    with built.analyzer(NUMPY) as analyzer:
        found = analyzer.to_finding(
            requirements("a"), Resolution(failed=("no such a",), resolver="pip 26.0", seconds=1.5)
        )
    assert (found.verdict, found.failed, found.seconds) == ("doubtful", ("no such a",), 1.5)
    assert found.disturbs
    assert not found.moves


def test_hashes_are_demanded_of_the_whole_list_only() -> None:
    [hashed] = (replace(r, options=("--hash=sha256:00",)) for r in requirements("plain"))
    with built.analyzer() as analyzer:
        analyzer.hashed = True
        analyzer.analyze([hashed], sure=True, whole=True)
        analyzer.analyze([hashed])
        assert [question.hashes for question in analyzer.pip.asked] == [True, False]
    assert hashed.for_pip(hashes=True) == "plain --hash=sha256:00"
    assert hashed.for_pip(hashes=False) == "plain"


def test_a_fast_resolver_that_gives_no_answer_is_passed_over() -> None:
    class Silent(built.TinyResolver):
        def resolve(self, question: object) -> Resolution:
            raise ResolverError("no answer")

    with built.analyzer() as analyzer:
        analyzer.fast = Silent(analyzer.metadata_env, "uv 0")
        assert analyzer.analyze(requirements("plain")).resolver == "pip 26.0"


@pytest.mark.parametrize(
    ("unbuilt", "verdict"), [("alone 1.0", "doubtful"), ("other 1.0", "broken"), ("numpy 1.26.4", "doubtful")]
)
def test_what_stands_on_a_source_alone_accuses_nobody(unbuilt: str, verdict: str) -> None:
    with built.analyzer() as analyzer:
        asked = (Requirement("alone", name="alone"),)
        outcome = replace(analyzer.pip.resolve(analyzer.request(asked, whole=True)), unbuilt=(unbuilt,))
        found = analyzer.to_finding(asked, outcome)
    assert (found.moves, found.verdict) == (True, verdict)


def test_sources_are_judged_apart() -> None:
    with built.analyzer() as analyzer:
        source = Requirement("git+https://x.y/z")
        found = analyzer.analyze((source, Requirement("alone", name="alone")))
        assert (found.verdict, len(found.unread), len(found.requirements)) == ("broken", 1, 2)
        assert analyzer.analyze((source, Requirement("harmless", name="harmless"))).verdict == "doubtful"
        only = analyzer.analyze((source,))
        assert (only.verdict, only.failed) == ("doubtful", only.unread)
        assert all(r.text != source.text for q in analyzer.pip.asked for r in q.requirements)
