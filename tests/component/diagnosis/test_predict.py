"""Sets that move numpy are found and named by path, others are not accused; the real install agrees."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bootstrap.diagnosis.sandbox import sandbox
from bootstrap.diagnosis.sandbox_install import observe
from bootstrap.diagnosis.target import examine
from tests.component.diagnosis.home import Home, fingerprint
from tests.support.numpy_sets import HARMLESS, MOVING, NUMPY, Moving
from tests.support.wheels import make_sdist, make_sources

MORE = pytest.mark.exhaustive


def cases(*unmarked: str) -> list[Any]:
    """The broken sets as parameters: unit tests ask all of them of a resolver of their own."""
    return [pytest.param(case, id=case.name, marks=() if case.name in unmarked else MORE) for case in MOVING]


@pytest.mark.parametrize("case", cases("sdist"))
def test_moving_sets(home: Home, case: Moving) -> None:
    found = home.ask(case.asked, build=case.name == "sdist")
    assert found.verdict == "broken"
    assert found.exit_code == 4
    [culprit] = found.culprits
    assert {r.text for r in culprit.requirements} == set(case.culprits)
    assert (culprit.subject.before, culprit.subject.after) == (NUMPY, case.after)
    assert culprit.path == case.path
    by_itself = [case.culprits == (f.requirements[0].text,) for f in found.alone]
    assert [f.moves for f in found.alone] == by_itself


@pytest.mark.parametrize("case", [c for c in cases("pair") if c.id != "sdist"])
def test_uv_finds_the_same(home: Home, case: Moving) -> None:
    """Alone, and before pip confirms; an sdist's build needs a backend, which the tiny index has not for uv."""
    found = home.ask(case.asked, resolver="uv")
    [culprit] = found.culprits
    assert culprit.resolver.startswith("uv ")
    assert {r.text for r in culprit.requirements} == set(case.culprits)
    assert (culprit.subject.after, culprit.path) == (case.after, case.path)


def test_pip_confirms_what_uv_found(home: Home) -> None:
    found = home.ask(["plain", "alone"], resolver="auto")
    assert found.notes == (), "they agree"
    assert found.alone[0].resolver.startswith("uv ")
    assert found.alone[1].resolver == found.together.resolver
    assert found.together.resolver.startswith("pip ")


@pytest.mark.parametrize("resolver", ["pip", "uv"])
@pytest.mark.parametrize("asked", [HARMLESS[0], *(pytest.param(i, marks=MORE) for i in HARMLESS[1:])], ids=" ".join)
def test_harmless_sets(home: Home, asked: tuple[str, ...], resolver: str) -> None:
    found = home.ask(asked, resolver=resolver)
    assert found.verdict == "ok"
    assert found.exit_code == 0
    assert found.culprits == ()
    assert found.together.subject is None


SPARING = [Moving(" ".join(asked), asked, (), NUMPY, "") for asked in HARMLESS[-3:]]


@pytest.mark.parametrize("case", [*cases(), *(pytest.param(c, id=c.name, marks=MORE) for c in SPARING)])
def test_the_real_install_agrees(home: Home, case: Moving) -> None:
    """Each verdict's proof: the whole set, and the set without the culprit, installed into throw-away copies."""
    target = examine(home.python)
    rest = [r for r in case.asked if r not in case.culprits[:1]]
    nothing = ["-c", "pass"]
    for requirements, expected in ((case.asked, case.after), (rest, NUMPY)):
        command = ["-m", "pip", "install", "--quiet", *home.options, *requirements] if requirements else nothing
        seen = observe(target, [command], ["stands-on"], folder=home.index, check=False)
        assert seen.steps[0].installed, seen.steps[0].log
        assert (seen.steps[0].memory, seen.steps[0].disk) == (NUMPY, expected)
        assert bool(seen.steps[0].live) == (expected != NUMPY)


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        (["alone"], {}),
        pytest.param(["from-source", "plain"], {"options": ("--upgrade",), "minimal": Path("m.txt")}, marks=MORE),
    ],
    ids=["alone", "from-source"],
)
def test_the_environment_stays_bit_for_bit(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str], more: dict[str, Any]
) -> None:
    """While a culprit is found, proven by a real installation, and left out of a file."""
    monkeypatch.chdir(tmp_path)
    before = fingerprint(home.root)
    found = home.ask(asked, install=True, **more)
    (trial,) = found.trials
    assert [r.text for r in trial.requirements] == asked[:1]
    assert trial.installed
    assert trial.broke
    assert (trial.numpy_memory, trial.numpy_disk) == (NUMPY, "1.26.4")
    assert any("numpy" in line for line in trial.live)
    assert "BROKE" in found.to_markdown()
    assert fingerprint(home.root) == before


@pytest.mark.exhaustive
def test_what_else_would_break(home: Home) -> None:
    found = home.ask(["breaks-another"])
    assert found.verdict == "doubtful"
    assert found.exit_code == 3
    assert [str(b) for b in found.together.breakages] == ["needs-companion 1.0 needs companion>=2, has 1.0"]
    # pip's own check agrees, on a real copy
    target = examine(home.python)
    with sandbox(target, method="copy") as copy:
        other = Home(copy.python, home.index)
        other.install("breaks-another")
        assert (
            "needs-companion 1.0 has requirement companion>=2, but you have companion 1.0"
            in other.pip("check").stdout
        )


def test_what_cannot_be_resolved(home: Home) -> None:
    found = home.ask(["impossible"])
    assert found.verdict == "doubtful"
    assert "nowhere-to-be-found" in found.alone[0].failed[0]


def test_a_conflict_is_narrowed_down(home: Home) -> None:
    found = home.ask(["conflicts", "companion>=2"])
    assert found.verdict == "doubtful"
    assert {r.text for r in found.conflicts[0].requirements} == {"conflicts", "companion>=2"}
    assert any("conflicts 1.0 depends on companion==1.0" in line for line in found.conflicts[0].failed)


@pytest.mark.parametrize(
    ("asked", "options", "words"),
    [
        (["numpy"], ("--upgrade",), "--upgrade requests the newest numpy"),
        pytest.param(["stands-on"], ("--upgrade", "--upgrade-strategy", "eager"), "eager", marks=MORE),
        pytest.param(["harmless"], ("--force-reinstall",), "--force-reinstall", marks=MORE),
        pytest.param(["harmless"], ("--ignore-installed",), "--ignore-installed", marks=MORE),
    ],
)
def test_an_option_may_be_the_reason(home: Home, asked: list[str], options: tuple[str, ...], words: str) -> None:
    found = home.ask(asked, options=options)
    assert found.verdict == "broken"
    assert found.together.subject.after == "2.3.4"
    assert found.together.chain == ()
    assert words in found.together.reason


@pytest.mark.exhaustive
def test_numpy_held(home: Home) -> None:
    assert home.ask(["left", "right"]).held.failed
    assert home.ask(["numpy"], options=("--upgrade",)).held.ok


@pytest.mark.exhaustive
def test_a_marker_that_does_not_hold(home: Home) -> None:
    found = home.ask(["alone; python_version < '3'", "plain"])
    assert found.verdict == "ok"
    assert "marker" in found.alone[0].reason


@pytest.mark.exhaustive
def test_no_numpy_at_all(home: Home, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    found = Home(tmp_path / "env/bin/python", home.index).ask(["alone"])
    assert found.verdict == "ok"
    assert any("isn't installed" in note for note in found.notes)


@pytest.mark.parametrize("line", ["-e {}", pytest.param("{}", marks=MORE)])
def test_sources_are_built_elsewhere(home: Home, tmp_path: Path, line: str) -> None:
    """A folder of sources is a user's: building writes into it, so a copy is built."""
    folder = make_sources(tmp_path, "local-thing", "1.0", ["numpy<2.0"])
    before = fingerprint(folder)
    (tmp_path / "r.txt").write_text(line.format(folder))
    found = home.ask(tmp_path / "r.txt", build=True)
    assert found.verdict == "broken"
    assert found.alone[0].path == "local-thing 1.0 -> numpy<2.0"
    assert fingerprint(folder) == before


@pytest.mark.parametrize("resolver", ["pip", pytest.param("uv", marks=MORE)])
def test_nothing_is_built_unasked(home: Home, tmp_path: Path, resolver: str) -> None:
    """A folder's needs aren't known without its code; a source on the index says itself what it needs."""
    mark = tmp_path / "ran"
    code = f"open({str(mark)!r}, 'w').close()"
    folder = make_sources(tmp_path, "local-thing", "1.0", ["numpy<2.0"], code=code)
    index = tmp_path / "index"
    make_sdist(index, "only-source", "1.0", ["numpy<2.0"], code=code)
    (tmp_path / "r.txt").write_text(f"{folder}\n--find-links {index}\n--no-binary :all:\nonly-source\n")
    found = home.ask(tmp_path / "r.txt", resolver=resolver)
    local, source = found.alone
    assert (local.verdict, len(local.unread)) == ("doubtful", 1)
    assert (source.verdict, source.unbuilt) == ("doubtful", ("only-source 1.0",))
    assert source.path == "only-source 1.0 -> numpy<2.0"
    assert (found.verdict, found.together.unread) == ("doubtful", local.unread)
    assert not mark.exists()


def digest(home: Home, pattern: str) -> str:
    [archive] = home.index.glob(pattern)
    return f"--hash=sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}"


def test_hashes_are_demanded_of_the_whole_list(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "r.txt"
    hashed = f"alone==1.0 {digest(home, 'alone-1.0*')}\n"
    path.write_text(f"{hashed}numpy==1.26.4 {digest(home, 'numpy-1.26.4*')}\n")
    found = home.ask(path)
    assert (found.verdict, found.together.failed) == ("broken", ())
    assert found.alone[0].path == "alone 1.0 -> numpy<2.0"
    assert any("hashes are required" in note for note in found.notes)


@pytest.mark.exhaustive
def test_hashes_that_are_missing_or_wrong(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "r.txt"
    path.write_text(f"alone==1.0 {digest(home, 'alone-1.0*')}\n")
    assert any("hash" in line for line in home.ask(path).together.failed), "of numpy, which it brings, there is none"
    path.write_text(f"plain==1.0 --hash=sha256:{'0' * 64}\n")
    wrong = home.ask(path)
    assert wrong.exit_code == 3
    assert any("0000" in line for line in wrong.together.failed)
