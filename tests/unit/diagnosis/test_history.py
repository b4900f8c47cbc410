"""The story that evidence comes to: its verdict, what was seen, and what is only likely."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bootstrap.diagnosis.evidence import Evidence, Kernel
from bootstrap.diagnosis.history import conclude
from bootstrap.diagnosis.model import Dist
from bootstrap.diagnosis.notebook import read_cells
from bootstrap.provenance import Cell, Installation
from tests.unit.diagnosis import built

if TYPE_CHECKING:
    from bootstrap.diagnosis import History

NOON = 1_750_000_000.0
OLD = Installation(Dist("numpy", "2.0.2"), NOON - 60, installer="pip")
DOWN = Installation(Dist("numpy", "1.26.4"), NOON + 60, installer="pip")
ALONE = Installation(Dist("alone", "1.0", ("numpy<2.0",)), NOON + 61, installer="pip", requested=True)
KERNEL = Kernel(4711, NOON, "2.0.2", ())


def tell(
    numpy: Installation[Dist] | None = OLD,
    *burst: Installation[Dist],
    kernel: Kernel | None = KERNEL,
    records: tuple[str, ...] = ("numpy-2.0.2.dist-info",),
    log: tuple[str, ...] = (),
    cells: tuple[str | Cell, ...] = (),
) -> History:
    ran = tuple(c if isinstance(c, Cell) else Cell(number, c) for number, c in enumerate(cells, 1))
    events = tuple(read_cells((cell.number, cell.source) for cell in ran))
    return conclude(built.target(), Evidence(kernel, (burst,) if burst else (), numpy, records, log, ran, events))


@pytest.mark.parametrize(
    ("story", "verdict", "words"),
    [
        (tell(), "ok", "numpy 2.0.2; no sign of a problem"),
        (tell(kernel=None), "ok", "numpy 2.0.2 on disk; no kernel found"),
        (tell(DOWN), "broken", "the kernel has numpy 2.0.2 loaded, on disk is 1.26.4"),
        (tell(None), "broken", "on disk is none"),
        (tell(None, kernel=None), "doubtful", "there is no numpy"),
        (tell(records=("a", "b")), "doubtful", "numpy has 2 records on disk"),
        (
            tell(kernel=Kernel(1, NOON, None, ("/x/numpy/a.so",))),
            "broken",
            "files of numpy loaded that are no longer",
        ),
    ],
)
def test_verdict_and_headline(story: History, verdict: str, words: str) -> None:
    assert story.verdict == verdict
    assert story.exit_code == {"ok": 0, "doubtful": 3, "broken": 4}[verdict]
    for text in (story.to_markdown(), " ".join(repr(story).split()), story._repr_html_()):
        assert words in text


def test_who_is_likely_to_have_brought_it() -> None:
    story = tell(
        DOWN, DOWN, ALONE, cells=("import numpy", "!pip install -q alone"), log=("Successfully installed alone-1.0",)
    )
    likely = [line.text for line in story.lines if line.likely]
    seen = [line.text for line in story.lines if not line.likely]
    assert likely[:2] == [
        "alone 1.0 caused it: it needs numpy<2.0, which excludes 2.0.2",
        "it was cell 2: `!pip install -q alone`",
    ]
    assert "numpy.rec" in likely[2]
    assert "written at the same time, installed by name: alone 1.0" in seen
    assert "history, cell 2: pip install -q alone" in seen
    assert "pip's log: Successfully installed alone-1.0" in seen
    assert "- **likely:** it was cell 2" in story.to_markdown()
    found = json.loads(json.dumps(story.to_dict()))
    assert (found["memory"], found["disk"], found["kernel"]["pid"]) == ("2.0.2", "1.26.4", 4711)
    assert [item["name"] for item in found["installed"][0]] == ["numpy", "alone"]


def test_numpy_asked_for_itself() -> None:
    named = Installation(Dist("numpy", "2.3.4"), NOON + 60, requested=True, url="https://x.y/n.whl")
    story = tell(named, named)
    assert any(line.likely and "named numpy directly" in line.text for line in story.lines)
    assert any(
        "by an unknown installer, installed by name, from https://x.y/n.whl" in line.text for line in story.lines
    )


def test_company_that_does_not_force_it_is_not_accused() -> None:
    other = Installation(Dist("plain", "1.0", ("numpy",)), NOON + 60, requested=True)
    assert not [line for line in tell(DOWN, DOWN, other).lines if "brought it" in line.text]


def test_a_cell_that_only_ran_at_that_time_is_not_accused() -> None:
    six = Installation(Dist("six", "1.17"), NOON + 62, requested=True)
    story = tell(
        DOWN, DOWN, ALONE, six, cells=("!pip install six", "!pip install sixth numpy-financial", "!pip install alone")
    )
    assert [line.text for line in story.lines if "it was cell" in line.text] == [
        "it was cell 3: `!pip install alone`"
    ]
    named = Installation(Dist("numpy", "1.26.4"), NOON + 60, requested=True)
    story = tell(named, named, six, cells=("!pip install six", "!pip install 'numpy<2'"))
    assert [line.text for line in story.lines if "it was cell" in line.text] == [
        "it was cell 2: `!pip install 'numpy<2'`"
    ]


def accused(*installed: Installation[Dist], cells: tuple[str | Cell, ...]) -> list[str]:
    story = tell(installed[0], *installed, cells=cells)
    return [line.text.partition(":")[0] for line in story.lines if line.text.startswith("it was")]


def test_a_command_that_was_refused_is_not_accused() -> None:
    """Cell 2 asked for that version and failed; what came is a file that cell 5 names."""
    url = "file:///tmp/numpy-2.0.2.whl"
    wheel = replace(DOWN, dist=Dist("numpy", "2.0.2"), requested=True, url=url)
    texts = ["import numpy", "!pip install numpy==2.0.2", "!pip install nowhere", "1"]
    texts.append("!pip install /tmp/numpy-2.0.2.whl")
    assert accused(wheel, cells=tuple(texts)) == ["it was cell 5"], "from outside: by what they ask for"
    timed = [Cell(n, text, NOON + 10 * n, NOON + 10 * n + 9, n in (2, 3)) for n, text in enumerate(texts, 1)]
    at = NOON + 55
    assert accused(replace(wheel, at=at), cells=tuple(timed)) == ["it was cell 5"]
    assert accused(replace(wheel, at=at, url=""), cells=tuple(timed)) == ["it was cell 5"], "by its time"
    assert accused(replace(wheel, at=NOON + 100), cells=tuple(timed)) == [], "no cell ran: a terminal's doing"
    failed = [line.text for line in tell(wheel, wheel, cells=tuple(timed)).lines if "failed" in line.text]
    assert failed == [
        "history, cell 2: pip install numpy==2.0.2 (it failed)",
        "history, cell 3: pip install nowhere (it failed)",
    ]


def test_files_that_were_put_there_with_their_old_times() -> None:
    moved = replace(OLD, changed=NOON + 60)
    story = tell(moved, cells=(Cell(1, "!cp -a elsewhere/numpy .", NOON + 50, NOON + 70),))
    assert not any("nothing has moved it" in line.text for line in story.lines)
    assert "it was cell 1: `!cp -a elsewhere/numpy .`" in [line.text for line in story.lines]


def test_numpy_older_than_the_kernel() -> None:
    assert any(line.likely and "older than the kernel" in line.text for line in tell(OLD, OLD).lines)
    assert any(not line.likely and "older than the kernel" in line.text for line in tell(OLD, kernel=None).lines)


def test_deleted_files_and_several_records_are_told() -> None:
    story = tell(kernel=Kernel(1, NOON, "2.0.2", ("/x/numpy/a.so", "/x/numpy/b.so")), records=("a", "b"))
    texts = " ".join(line.text for line in story.lines)
    assert "2 files of numpy that it has loaded have been deleted, e.g. /x/numpy/a.so" in texts
    assert "numpy has several records: a, b" in texts
    assert "are installed over each other" in repr(story).replace("\n", " ")
