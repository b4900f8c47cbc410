"""What distributions need of each other, by an interpreter's markers."""

from __future__ import annotations

import pytest

from bootstrap.diagnosis.dependency_graph import Graph, Markers
from bootstrap.diagnosis.model import Dist
from tests.unit.diagnosis import built

MARKERS = built.target().markers
OLD = tuple({**dict(MARKERS), "python_version": "2.7"}.items())


def broken(*dists: Dist, markers: Markers = MARKERS, beside: Graph | None = None) -> list[str]:
    return [str(b) for b in Graph(dists, markers).breakages(beside=beside)]


@pytest.mark.parametrize(
    ("bound", "version", "within"),
    [
        ("numpy>=2,<3", "2.0.2", True),
        ("numpy>=2,<3,!=2.0.2", "2.0.2", False),
        ("numpy<2", "2.0.0rc1", False),
        ("numpy>=2.0.0rc1", "2.0.0rc1", True),
        ("numpy", "1", True),
        ("numpy (>=2.0.*)", "2.1", True),
        ("numpy>=2.1.*", "2.0.2", False),
        ("numpy @ https://x.y/numpy-1-py3-none-any.whl", "2.0.2", True),
        ("numpy<2", "of no kind", True),
        ("no requirement<2 at all", "2.0.2", True),
    ],
)
def test_whether_a_version_is_within_bounds(bound: str, version: str, within: bool) -> None:
    assert (broken(Dist("a", "1", (bound,)), Dist("numpy", version)) == []) is within


def test_markers_are_those_of_the_interpreter() -> None:
    old = Dist("a", "1", ("gone; python_version < '3'", "numpy<2; extra == 'x'", "b; unheard_of == '1'"))
    assert broken(old, Dist("numpy", "2")) == []
    assert broken(old, Dist("numpy", "2"), markers=OLD) == ["a 1 needs gone, has none"]


def test_what_was_broken_before_is_not_told() -> None:
    user, other = Dist("user", "1", ("numpy<2",)), Dist("Other", "1", ("numpy>=2", "L[x]"))
    before = Graph([user, other, Dist("numpy", "2.0")], MARKERS)
    after = broken(user, other, Dist("numpy", "1.26"), beside=before)
    assert [str(b) for b in before.breakages()] == [
        "user 1 needs numpy<2, has 2.0",
        "other 1 needs L[x], has none",
    ]
    assert after == ["other 1 needs numpy>=2, has 1.26"]


def test_ways_lead_through_extras_and_circles() -> None:
    graph = Graph(
        [
            Dist("A", "1", ("b", "numpy<2; extra == 'old'")),
            Dist("b", "1", ("a[old]", "nowhere")),
            Dist("numpy", "2"),
            Dist("alone", "1"),
        ],
        MARKERS,
    )
    assert graph.reached(["a", "not a requirement"]) == {"a", "b", "numpy"}
    assert graph.reached([]) == set()
    [way] = graph.chains(["a"], "numpy", "2")
    assert [(need.owner, str(need)) for need in way] == [("", "a"), ("a", "b"), ("b", "a[old]"), ("a", "numpy<2")]
    assert graph.chains(["a", "numpy<1", "numpy"], "numpy", "2")[0][0].name == "numpy", "the shortest first"
    assert graph.chains(["alone"], "numpy", "2") == []
