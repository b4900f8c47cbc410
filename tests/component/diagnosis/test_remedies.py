"""The files that are written: what they keep, what they say, and what pip makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootstrap import cli
from bootstrap.errors import NoPinnedSetError, OutputExistsError, OutputNotWritableError
from tests.component.diagnosis.home import Home


def kept(path: Path) -> list[str]:
    """The requirements in a file."""
    lines = [line.partition("  #")[0] for line in path.read_text().splitlines()]
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def test_minimal(home: Home, tmp_path: Path) -> None:
    goal = tmp_path / "minimal.txt"
    home.ask(["alone", "plain", "breaks-another"], minimal=goal, resolver="auto")
    assert kept(goal) == ["plain"]
    assert "# left out: would replace numpy 2.0.2 -> 1.26.4; by alone 1.0 -> numpy<2.0" in goal.read_text()
    assert "# left out: would replace companion 2.0 -> 1.0" in goal.read_text()


@pytest.mark.exhaustive
def test_minimal_leaves_out_no_more_than_it_must(home: Home, tmp_path: Path) -> None:
    source = tmp_path / "r.txt"
    source.write_text("alone  # the culprit\nleft\nright\nharmless\nbreaks-another\n")
    goal = tmp_path / "minimal.txt"
    found = home.ask(source, minimal=goal)
    text = goal.read_text()
    assert len(kept(goal)) == 2, "one of the pair goes, nothing else that is harmless"
    assert "harmless" in kept(goal)
    assert "# left out: would replace numpy 2.0.2 -> 1.26.4" in text
    assert "alone 1.0 -> numpy<2.0" in text
    assert "together with the others, would replace numpy" in text
    assert "# left out: would replace companion 2.0 -> 1.0" in text
    assert (found.written[0].kept, found.written[0].dropped) == (2, 3)
    again = home.ask(goal)
    assert again.verdict == "ok"
    assert not again.together.changes


def test_pinned(home: Home, tmp_path: Path) -> None:
    goal = tmp_path / "pinned.txt"
    # `shared` has a newer release that numpy 2.0.2 doesn't go with, and older ones that it does.
    found = home.ask(["left", "harmless"], pinned=goal)
    assert set(kept(goal)) == {"left==1.0", "shared==4.0", "harmless==1.0", "numpy==2.0.2", "stands-on==1.0"}
    assert "numpy==2.0.2  # installed" in goal.read_text()
    assert " kB" in goal.read_text()
    assert found.written[0].sizes_unknown == 0
    assert found.written[0].bytes_known == sum(
        next(home.index.glob(f"{name}*")).stat().st_size for name in ("left-1.0", "shared-4.0", "harmless-1.0")
    )
    done = home.pip("install", "--dry-run", *home.options, "-r", goal)
    assert done.returncode == 0
    assert "Would install harmless-1.0 left-1.0 shared-4.0" in done.stdout


def test_no_pinned_set(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NoPinnedSetError) as caught:
        home.ask(["left", "right"], pinned=tmp_path / "p.txt")
    assert caught.value.exit_code == 110
    assert any("numpy" in line for line in caught.value.evidence)
    assert caught.value.diagnosis.verdict == "broken"
    assert not list(tmp_path.iterdir())


@pytest.mark.exhaustive
def test_without_a_pinned_set_the_answer_is_shown_all_the_same(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--require", "left", "--require", "right", "--python", str(home.python), "--resolver", "pip"]
    given += ["--pip-option=--no-index", f"--pip-option=--find-links={home.index}"]
    given += ["--write-pinned", str(tmp_path / "p.txt"), "--quiet"]
    assert cli.main(["diagnose", *given]) == 110
    shown = capsys.readouterr()
    assert shown.out.startswith("broken: left + right would replace numpy 2.0.2 by 1.26.4")
    assert "No set of versions satisfies the requirements with numpy 2.0.2" in shown.err
    assert cli.main(["diagnose", *given, "--json"]) == 110
    told = json.loads(capsys.readouterr().out)
    assert (told["error"], told["diagnosis"]["verdict"]) == ("no-pinned-set", "broken")


@pytest.mark.exhaustive
def test_nothing_is_overwritten_unasked(home: Home, tmp_path: Path) -> None:
    goal = tmp_path / "m.txt"
    goal.write_text("mine")
    with pytest.raises(OutputExistsError):
        home.ask(["plain"], minimal=goal)
    assert goal.read_text() == "mine"
    home.ask(["plain"], minimal=goal, force=True)
    assert kept(goal) == ["plain"]
    with pytest.raises(OutputNotWritableError):
        home.ask(["plain"], pinned=tmp_path / "none" / "p.txt")


@pytest.mark.exhaustive
def test_options_and_constraints_go_along(home: Home, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/c.txt").write_text("shared<5\n")
    source = tmp_path / "in/r.txt"
    source.write_text(f"--find-links {home.index}\n-c c.txt\nleft --config-settings=a=b\n")
    goal = tmp_path / "m.txt"
    home.ask(source, minimal=goal)
    assert f"--find-links {home.index}\n-c in/c.txt\nleft --config-settings=a=b\n" in goal.read_text()
