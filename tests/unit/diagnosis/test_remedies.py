"""The files that are written: what they keep, what they say, and that they are asked about before they are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootstrap.diagnosis.index import Index
from bootstrap.diagnosis.model import Breakage, DistChange, Finding, Requirement
from bootstrap.diagnosis.predict import predict
from bootstrap.diagnosis.remedies import refuse_existing, summary, write_minimal, write_pinned
from bootstrap.diagnosis.requirements import read_file, read_lines, understand
from bootstrap.diagnosis.settings import PipSettings
from bootstrap.errors import NoPinnedSetError, OutputExistsError, OutputNotWritableError, ResolverError
from bootstrap.progress import NullProgress
from tests.support.numpy_sets import NUMPY
from tests.unit.diagnosis import built

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.diagnosis import Written
    from bootstrap.diagnosis.impact import ImpactAnalyzer
    from bootstrap.diagnosis.requirements import RequirementSet


def kept(path: Path) -> list[str]:
    """The requirements in a file."""
    lines = [line.partition("  #")[0] for line in path.read_text().splitlines()]
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def minimal(analyzer: ImpactAnalyzer, wanted: RequirementSet, goal: Path) -> Written:
    wanted = understand(built.target(), wanted)
    return write_minimal(analyzer, wanted, predict(analyzer, wanted, "here", NullProgress()), goal, NullProgress())


def pinned(analyzer: ImpactAnalyzer, asked: Sequence[str], goal: Path, *, links: Path | None = None) -> Written:
    wanted = understand(built.target(), read_lines(asked))
    index = Index(
        PipSettings(index=None, find_links=(str(links),) if links else ()), "3.11", cache=goal.parent / "cache"
    )
    return write_pinned(
        analyzer, wanted, predict(analyzer, wanted, "here", NullProgress()), goal, index, NullProgress()
    )


def test_minimal(tmp_path: Path) -> None:
    goal = tmp_path / "minimal.txt"
    with built.analyzer() as analyzer:
        found = minimal(analyzer, read_lines(["alone", "left", "right", "harmless", "breaks-another"]), goal)
        again = analyzer.analyze(understand(built.target(), read_file(goal)).requirements)
    text = goal.read_text()
    assert len(kept(goal)) == 2, "one of the pair goes, nothing else that is harmless"
    assert "harmless" in kept(goal)
    assert "# left out: would replace numpy 2.0.2 -> 1.26.4; by alone 1.0 -> numpy<2.0" in text
    assert "\n# alone\n" in text
    assert "together with the others, would replace numpy" in text
    assert "# left out: would replace companion 2.0 -> 1.0" in text
    assert (found.kind, found.kept, found.dropped) == ("minimal", 2, 3)
    assert not again.disturbs


def test_options_and_constraints_go_along(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/c.txt").write_text("shared<5\n")
    source = tmp_path / "in/r.txt"
    source.write_text("--find-links /w\n--pre\n-c c.txt\nleft --config-settings=a=b\n")
    with built.analyzer() as analyzer:
        minimal(analyzer, read_file(source), tmp_path / "m.txt")
    lines = (tmp_path / "m.txt").read_text().splitlines()
    assert lines[2:] == ["--find-links /w", "--pre", "-c in/c.txt", "left --config-settings=a=b"]


def test_a_fast_resolver_that_spares_too_much_is_passed_over(tmp_path: Path) -> None:
    with built.analyzer() as analyzer:
        analyzer.fast = built.TinyResolver(analyzer.metadata_env, "uv 0", **{"breaks-another": ()})
        minimal(analyzer, read_lines(["breaks-another", "plain"]), tmp_path / "m.txt")
    assert kept(tmp_path / "m.txt") == ["plain"]


def test_pinned(tmp_path: Path) -> None:
    goal = tmp_path / "pinned.txt"
    (tmp_path / "left-1.0-py3-none-any.whl").write_bytes(b"x" * 5000)
    (tmp_path / "shared-4.0.tar.gz").write_bytes(b"x" * 4000)
    # `shared` has a newer release that numpy 2.0.2 goes with, and an older one that it doesn't.
    with built.analyzer() as analyzer:
        found = pinned(analyzer, ["left", "harmless"], goal, links=tmp_path)
    assert kept(goal) == ["harmless==1.0", "left==1.0", f"numpy=={NUMPY}", "shared==4.0", "stands-on==1.0"]
    text = goal.read_text()
    assert f"numpy=={NUMPY}  # installed\n" in text
    assert "left==1.0  # 5 kB\n" in text
    assert "harmless==1.0  # size unknown\n" in text
    assert "# 3 packages, 9 kB to fetch, and 1 of unknown size; 2 are installed already.\n" in text
    assert (found.kind, found.kept, found.bytes_known, found.sizes_unknown) == ("pinned", 5, 9000, 1)


def test_pinned_names_what_it_would_still_change(tmp_path: Path) -> None:
    with built.analyzer() as analyzer:
        pinned(analyzer, ["breaks-another"], tmp_path / "p.txt")
    text = (tmp_path / "p.txt").read_text()
    assert "# Would replace companion 2.0 -> 1.0\n" in text
    assert "# Would break needs-companion 1.0 needs companion>=2, has 1.0\n" in text
    assert {"breaks-another==1.0", "companion==1.0"} == set(kept(tmp_path / "p.txt"))


def test_no_pinned_set(tmp_path: Path) -> None:
    with built.analyzer() as analyzer, pytest.raises(NoPinnedSetError, match=f"with numpy {NUMPY}"):
        pinned(analyzer, ["left", "right"], tmp_path / "p.txt")
    assert not (tmp_path / "p.txt").exists()


def test_a_file_that_a_dry_run_contradicts_is_not_written(tmp_path: Path) -> None:
    class Forgetful(built.TinyResolver):
        """Finds numpy anew when it is asked about exact versions."""

        def resolve(self, question: built.Question) -> built.Resolution:
            found = super().resolve(question)
            if question.constraints or "left==1.0" not in [r.text for r in question.requirements]:
                return found
            return built.Resolution((*found.planned, built.Dist("numpy", "2.3.4")), resolver=self.name)

    with built.analyzer() as analyzer:
        analyzer.pip = analyzer.fast = Forgetful(analyzer.metadata_env)
        with pytest.raises(ResolverError, match="contradicts"):
            pinned(analyzer, ["left"], tmp_path / "p.txt")
    assert not list(tmp_path.glob("*.txt*"))


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "m.txt").write_text("mine")
    with pytest.raises(OutputExistsError):
        refuse_existing([None, tmp_path / "m.txt"], force=False)
    refuse_existing([None, tmp_path / "m.txt", tmp_path / "new.txt"], force=True)
    for path in (tmp_path / "none" / "p.txt", tmp_path):
        with pytest.raises(OutputNotWritableError):
            refuse_existing([path], force=True)


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (Finding((), "doubtful", failed=("no a", "no b")), "can't be resolved: no a"),
        (Finding((), "ok"), "changes nothing installed"),
        (
            Finding(
                (Requirement("x"),),
                "broken",
                changes=(DistChange("a", "replaced", "1", "2"), DistChange("numpy", "replaced", "2.0.2", "1.26.4")),
                chain=("x 1", "numpy<2"),
                breakages=(Breakage("u", "1", "a<2", "2"),),
            ),
            "would replace numpy 2.0.2 -> 1.26.4, a 1 -> 2; by x 1 -> numpy<2; would break u 1 needs a<2, has 2",
        ),
        (
            Finding(
                (), "doubtful", changes=tuple(DistChange(n, "replaced", "1", "2") for n in "abcdef"), reason="why"
            ),
            "would replace a 1 -> 2, b 1 -> 2, c 1 -> 2, d 1 -> 2 and 2 more; why",
        ),
    ],
)
def test_a_finding_in_one_line(finding: Finding, text: str) -> None:
    assert summary(finding) == text
