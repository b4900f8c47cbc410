"""A diagnosis in words: on a terminal, in a notebook and as Markdown, which all say the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap.diagnosis import Breakage, Diagnosis, DistChange, EnvironmentInfo, Finding, Requirement, Trial, Written
from bootstrap.diagnosis.model import Resolution

DOWN = DistChange("numpy", "replaced", "2.0.2", "1.26.4")
HERE = EnvironmentInfo("/usr/bin/python3", "3.12.11", "2.0.2", 7)
FITS = Finding((Requirement("plain"),), "ok", added=(DistChange("plain", "new", None, "1.0"),))
MOVES = Finding((Requirement("alone"),), "broken", DOWN, ("alone 1.0", "numpy<2.0"), changes=(DOWN,))
BREAKS = Finding(
    (Requirement("older"),),
    "doubtful",
    changes=(DistChange("companion", "replaced", "2.0", "1.0"),),
    breakages=(Breakage("user", "1.0", "companion>=2", "1.0"),),
)
FAILS = Finding((Requirement("x"),), "doubtful", failed=("no x", "because"))
PAIR = Finding(
    (Requirement("left"), Requirement("right")),
    "broken",
    DOWN,
    ("left 1.0", "shared 2.0", "numpy<2.0"),
    changes=(DOWN,),
)


def diagnosis(*alone: Finding, together: Finding | None = None, **more: object) -> Diagnosis:
    return Diagnosis("r.txt", HERE, alone, together or replace(alone[0]), **more)


WORST = diagnosis(
    FITS,
    MOVES,
    BREAKS,
    together=replace(PAIR, changes=(DOWN, *BREAKS.changes), breakages=BREAKS.breakages),
    culprits=(MOVES, PAIR),
    held=Resolution(failed=("left and right exclude numpy 2.0.2",)),
    trials=(
        Trial((Requirement("alone"),), True, numpy_memory="2.0.2", numpy_disk="1.26.4", live=("numpy.rec: gone",)),
    ),
    written=(Written(Path("m.txt"), "minimal", 1, 2),),
    notes=("a <note>",),
)


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        (diagnosis(FITS), "ok", "numpy 2.0.2 stays as it is"),
        (diagnosis(MOVES, culprits=(MOVES,)), "broken", "alone would replace numpy 2.0.2 by 1.26.4"),
        (WORST, "broken", "alone; left + right would replace numpy 2.0.2 by 1.26.4"),
        (diagnosis(FITS, together=MOVES), "broken", "all together would replace numpy 2.0.2 by 1.26.4"),
        (diagnosis(BREAKS), "doubtful", "numpy 2.0.2 stays, but 1 installed package would no longer fit"),
        (diagnosis(FAILS), "doubtful", "it can't be resolved"),
        (diagnosis(FITS, FITS, together=FAILS), "doubtful", "all together can't be resolved"),
        (
            diagnosis(replace(FITS, verdict="doubtful", subject=DistChange("numpy", "rewritten", "2.0.2", "2.0.2"))),
            "doubtful",
            "numpy 2.0.2 would be reinstalled under a running kernel",
        ),
        (
            diagnosis(FITS, trials=(Trial((), True, fresh_verdict="broken"),)),
            "broken",
            "numpy's version would stay, but something would break",
        ),
        (replace(diagnosis(FITS), environment=replace(HERE, numpy=None)), "ok", "there is no numpy"),
    ],
)
def test_verdict_and_headline(found: Diagnosis, verdict: str, words: str) -> None:
    assert found.verdict == verdict
    assert found.exit_code == {"ok": 0, "doubtful": 3, "broken": 4}[verdict]
    assert words in found.headline


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (FITS, "adds 1"),
        (MOVES, "alone 1.0 -> numpy<2.0"),
        (BREAKS, "replaces companion 2.0 -> 1.0; breaks user 1.0 (needs companion>=2, has 1.0)"),
        (FAILS, "can't be resolved: no x ..."),
        (Finding((), "ok", reason="its marker doesn't apply here"), "its marker doesn't apply here"),
        (Finding((), "ok"), "nothing"),
    ],
)
def test_what_a_finding_comes_to(finding: Finding, text: str) -> None:
    assert finding.effect() == text


def test_long_lists_are_cut_unless_everything_is_asked_for() -> None:
    many = replace(BREAKS, changes=tuple(DistChange(f"p{n}", "replaced", "1", "2") for n in range(5)), breakages=())
    assert many.effect(limit=2) == "replaces p0 1 -> 2, p1 1 -> 2 and 3 more"
    assert many.effect(limit=None).count("->") == 5
    assert FAILS.effect(limit=None) == "can't be resolved: no x; because"


@pytest.mark.parametrize("shape", ["text", "html", "markdown"])
def test_every_shape_says_the_same(shape: str) -> None:
    text = {"text": repr, "html": Diagnosis._repr_html_, "markdown": Diagnosis.to_markdown}[shape](WORST)
    text = " ".join(text.replace("&gt;", ">").replace("&lt;", "<").replace("\\<", "<").split())
    for words in (
        "alone; left + right would replace numpy 2.0.2 by 1.26.4",
        "/usr/bin/python3: Python 3.12.11, numpy 2.0.2, 7 packages",
        "left 1.0 -> shared 2.0 -> numpy<2.0",
        "companion 2.0 -> 1.0",
        "user 1.0 needs companion>=2, has 1.0",
        "left and right exclude numpy 2.0.2",
        "alone: BROKE (numpy in memory 2.0.2, on disk 1.26.4",
        "numpy.rec: gone",
        "m.txt: 1 requirement kept, 2 left out",
        "a <note>",
        "no versions of these work with the installed numpy",
    ):
        assert words in text
    assert "\x1b" not in text


def test_markup_in_what_is_told_is_text() -> None:
    assert "<note>" not in WORST._repr_html_()
    assert "| `a\\|b` |" in diagnosis(replace(FITS, requirements=(Requirement("a|b"),))).to_markdown()


def test_json_has_all_of_it() -> None:
    found = json.loads(json.dumps(WORST.to_dict()))
    assert (found["schema"], found["verdict"], len(found["alone"])) == (1, "broken", 3)
    assert found["culprits"][1]["path"] == ["left 1.0", "shared 2.0", "numpy<2.0"]
    assert found["held"] == {"ok": False, "failed": ["left and right exclude numpy 2.0.2"]}
    assert found["trials"][0]["broke"]
    assert found["written"][0]["path"] == "m.txt"


@pytest.mark.parametrize(
    ("more", "ways"),
    [
        ({}, ["--write-minimal", "--write-pinned", "bootstrap restore"]),
        ({"held": Resolution(failed=("x",))}, ["--write-minimal", "drop one", "bootstrap restore"]),
        ({"written": (Written(Path("m"), "minimal", 1), Written(Path("p"), "pinned", 1))}, ["bootstrap restore"]),
        ({"together": replace(FAILS)}, ["--write-minimal", "bootstrap restore"]),
    ],
)
def test_the_ways_out_that_are_open(more: dict[str, object], ways: list[str]) -> None:
    lines = diagnosis(MOVES, **{"together": MOVES, "culprits": (MOVES,), **more}).advice
    assert len(lines) == len(ways)
    assert all(way in line for way, line in zip(ways, lines, strict=True))
    assert diagnosis(FITS).advice == []


def test_places_of_packages_are_no_part_of_the_question() -> None:
    options = ("--no-index", "--find-links", "/secret", "-i", "https://token@x", "--upgrade")
    text = replace(diagnosis(FITS), options=options).title
    assert text.endswith("7 packages, with --upgrade")


def test_a_real_installation_in_lines() -> None:
    failed = Trial((Requirement("a"),), False, log=("one", "two"))
    assert str(failed.card).splitlines() == ["test install: a: the installation failed", "  one", "  two"]
    holds = Trial((Requirement("a"),), True, numpy_memory="2", numpy_disk="2", fresh=("doubtful: x",))
    assert not holds.broke
    assert str(holds.card).startswith("test install: a: holds (numpy in memory 2, on disk 2")
    assert str(holds.card).splitlines()[1] == "  fresh process: doubtful: x"


def test_a_pinned_file_in_a_line() -> None:
    written = Written(Path("p.txt"), "pinned", 5, bytes_known=3_000_000, sizes_unknown=1)
    assert str(written.card) == "written: p.txt: 5 packages, 3 MB and 1 of unknown size"
