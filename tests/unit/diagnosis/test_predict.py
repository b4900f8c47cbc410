"""Guilty sets are found and named with their path, innocent ones are not accused; the real install agrees."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from bootstrap.diagnosis.copies import throw_away
from bootstrap.diagnosis.prove import observe
from bootstrap.diagnosis.target import examine
from tests.unit.diagnosis.conftest import INSTALLED, Home

# name, requirements, culprits, numpy afterwards, path
GUILTY = [
    ("alone", ["plain", "alone"], ["alone"], "1.26.4", "alone 1.0 -> numpy<2.0"),
    ("upgrade", ["newer", "innocent"], ["newer"], "2.3.4", "newer 1.0 -> numpy>=2.3"),
    ("itself", ["numpy<2", "plain"], ["numpy<2"], "1.26.4", "numpy<2"),
    (
        "pair",
        ["plain", "left", "innocent", "right"],
        ["left", "right"],
        "1.26.4",
        "left 1.0 -> shared 2.0 -> numpy<2.0",
    ),
    (
        "three",
        ["one", "plain", "two", "three"],
        ["one", "two", "three"],
        "1.26.4",
        "one 1.0 -> threefold 1.0 -> numpy<2.0",
    ),
    ("deep", ["deep"], ["deep"], "1.26.4", "deep 1.0 -> deeper 1.5 -> deepest 0.9 -> numpy<2.0"),
    ("extra", ["extra[old]"], ["extra[old]"], "1.26.4", "extra[old] 1.0 -> numpy<2.0"),
    ("sdist", ["from-source"], ["from-source"], "1.26.4", "from-source 1.0 -> numpy<2.0"),
    ("downgrade", ["downgrades"], ["downgrades"], "1.26.4", "downgrades 1.0 -> present 1.0 -> numpy<2.0"),
]
INNOCENT = [
    ["innocent"],
    ["plain"],
    ["extra"],
    ["left"],
    ["left", "innocent", "plain"],
    ["numpy>=1.26"],
    ["one", "two"],
]


def fingerprint(folder: Path) -> dict[str, str]:
    """Everything below a folder: contents, links, modes and times."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(place) / name
            state = path.lstat()
            if path.is_symlink():
                content = str(path.readlink())
            else:
                content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
            found[str(path)] = f"{content} {state.st_mode:o} {state.st_mtime_ns} {state.st_ino}"
    return found


@pytest.mark.parametrize(("name", "asked", "culprits", "after", "path"), GUILTY, ids=[g[0] for g in GUILTY])
def test_guilty_sets(home: Home, name: str, asked: list[str], culprits: list[str], after: str, path: str) -> None:
    found = home.ask(asked)
    assert found.verdict == "guilty"
    assert found.exit_code == 4
    assert len(found.culprits) == 1
    culprit = found.culprits[0]
    assert {r.text for r in culprit.requirements} == set(culprits)
    assert (culprit.subject.before, culprit.subject.after) == (INSTALLED, after)
    assert culprit.path == path
    for finding in found.alone:
        alone = finding.requirements[0].text in culprits and len(culprits) == 1
        assert finding.moves == alone, finding


@pytest.mark.parametrize("case", [c for c in GUILTY if c[0] != "sdist"], ids=lambda case: case[0])
def test_uv_finds_the_same(home: Home, case: tuple[str, list[str], list[str], str, str]) -> None:
    """Alone, and before pip confirms; an sdist's build needs a backend, which the tiny index has not for uv."""
    _, asked, culprits, after, path = case
    found = home.ask(asked, resolver="uv")
    [culprit] = found.culprits
    assert culprit.resolver.startswith("uv ")
    assert {r.text for r in culprit.requirements} == set(culprits)
    assert (culprit.subject.after, culprit.path) == (after, path)


def test_pip_confirms_what_uv_found(home: Home) -> None:
    found = home.ask(["plain", "alone"], resolver="auto")
    assert found.notes == (), "they agree"
    assert found.alone[0].resolver.startswith("uv ")
    assert found.alone[1].resolver == found.together.resolver
    assert found.together.resolver.startswith("pip ")


@pytest.mark.parametrize("resolver", ["pip", "uv"])
@pytest.mark.parametrize("asked", INNOCENT, ids=" ".join)
def test_innocent_sets(home: Home, asked: list[str], resolver: str) -> None:
    found = home.ask(asked, resolver=resolver)
    assert found.verdict == "innocent"
    assert found.exit_code == 0
    assert found.culprits == ()
    assert found.together.subject is None


@pytest.mark.parametrize(
    "case", [*GUILTY, *((" ".join(i), i, [], INSTALLED, "") for i in INNOCENT[-3:])], ids=lambda c: c[0]
)
def test_the_real_install_agrees(home: Home, case: tuple[str, list[str], list[str], str, str]) -> None:
    """Each verdict's proof: the whole set, and the set without the culprit, installed into throw-away copies."""
    _, asked, culprits, after, _ = case
    target = examine(home.python)
    rest = [r for r in asked if r not in culprits[:1]]
    nothing = ["-c", "pass"]
    for requirements, expected in ((asked, after), (rest, INSTALLED)):
        command = ["-m", "pip", "install", "--quiet", *home.options, *requirements] if requirements else nothing
        seen = observe(target, [command], ["stands-on"], folder=home.index, check=False)
        assert seen.steps[0].installed, seen.steps[0].log
        assert (seen.steps[0].memory, seen.steps[0].disk) == (INSTALLED, expected)
        assert bool(seen.steps[0].live) == (expected != INSTALLED)


def test_the_environment_stays_bit_for_bit(home: Home, tmp_path: Path) -> None:
    before = fingerprint(home.python.parent.parent)
    found = home.ask(
        ["from-source", "plain"],
        install=True,
        minimal=tmp_path / "m.txt",
        options=("--upgrade",),
    )
    assert found.trials
    assert fingerprint(home.python.parent.parent) == before


def test_what_else_would_break(home: Home) -> None:
    found = home.ask(["breaks-another"])
    assert found.verdict == "doubtful"
    assert found.exit_code == 3
    assert [str(b) for b in found.together.breakages] == ["needs-companion 1.0 needs companion>=2, has 1.0"]
    # pip's own check agrees, on a real copy
    target = examine(home.python)
    with throw_away(target, method="copy") as copy:
        other = Home(copy.python, home.index)
        other.install("breaks-another")
        assert (
            "needs-companion 1.0 has requirement companion>=2, but you have companion 1.0"
            in other.pip("check").stdout
        )


def test_what_cannot_be_resolved(home: Home) -> None:
    found = home.ask(["impossible", "plain"])
    assert found.verdict == "doubtful"
    assert "nowhere-to-be-found" in found.alone[0].failed[0]
    assert found.alone[1].verdict == "innocent"


def test_a_conflict_is_narrowed_down(home: Home) -> None:
    found = home.ask(["plain", "conflicts", "innocent", "companion>=2"])
    assert found.verdict == "doubtful"
    assert {r.text for r in found.conflicts[0].requirements} == {"conflicts", "companion>=2"}
    assert any("conflicts 1.0 depends on companion==1.0" in line for line in found.conflicts[0].failed)


@pytest.mark.parametrize(
    ("asked", "options", "words"),
    [
        (["plain", "numpy"], ("--upgrade",), "--upgrade asks for the newest numpy"),
        (["stands-on"], ("--upgrade", "--upgrade-strategy", "eager"), "eager"),
        (["innocent"], ("--force-reinstall",), "--force-reinstall"),
        (["innocent"], ("--ignore-installed",), "--ignore-installed"),
    ],
)
def test_an_option_may_be_the_reason(home: Home, asked: list[str], options: tuple[str, ...], words: str) -> None:
    found = home.ask(asked, options=options)
    assert found.verdict == "guilty"
    assert found.together.subject.after == "2.3.4"
    assert found.together.chain == ()
    assert words in found.together.reason


def test_numpy_held(home: Home) -> None:
    assert home.ask(["left", "right"]).held.failed
    assert home.ask(["numpy"], options=("--upgrade",)).held.ok


def test_a_marker_that_does_not_hold(home: Home) -> None:
    found = home.ask(["alone; python_version < '3'", "plain"])
    assert found.verdict == "innocent"
    assert "marker" in found.alone[0].reason


def test_no_numpy_at_all(index: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    found = Home(tmp_path / "env/bin/python", index).ask(["alone"])
    assert found.verdict == "innocent"
    assert any("not installed" in note for note in found.notes)


def test_sources_are_built_elsewhere(home: Home, tmp_path: Path) -> None:
    """A folder of sources is a user's: building writes into it, so a copy is built."""
    from tests.support.wheels import make_sources

    folder = make_sources(tmp_path, "local-thing", "1.0", ["numpy<2.0"])
    before = fingerprint(folder)
    (tmp_path / "r.txt").write_text(f"-e {folder}\n{folder}\n")
    found = home.ask(tmp_path / "r.txt")
    assert found.verdict == "guilty"
    assert found.alone[0].path == "local-thing 1.0 -> numpy<2.0"
    assert fingerprint(folder) == before


def digest(home: Home, pattern: str) -> str:
    [archive] = home.index.glob(pattern)
    return f"--hash=sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}"


def test_hashes_are_demanded_of_the_whole_list(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "r.txt"
    hashed = f"alone==1.0 {digest(home, 'alone-1.0*')}\n"
    path.write_text(f"{hashed}numpy==1.26.4 {digest(home, 'numpy-1.26.4*')}\n")
    found = home.ask(path)
    assert (found.verdict, found.together.failed) == ("guilty", ())
    assert found.alone[0].path == "alone 1.0 -> numpy<2.0"
    assert any("hashes are demanded" in note for note in found.notes)
    path.write_text(hashed)
    assert any("hash" in line for line in home.ask(path).together.failed), "of numpy, which it brings, there is none"
    path.write_text(f"plain==1.0 --hash=sha256:{'0' * 64}\n")
    wrong = home.ask(path)
    assert wrong.exit_code == 3
    assert any("0000" in line for line in wrong.together.failed)
