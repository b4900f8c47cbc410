"""A notebook's commands in order: where memory and disk part, and what is said of the commands that aren't run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootstrap.diagnosis.notebook import read_cells
from bootstrap.diagnosis.replay import Replay
from bootstrap.diagnosis.replayer import Replayer
from bootstrap.errors import AsOfError, IndexUnreachableError, ResolverError
from tests.support.numpy_sets import NUMPY
from tests.unit.diagnosis import built
from tests.unit.diagnosis.built import play, session

if TYPE_CHECKING:
    from bootstrap.diagnosis import ReplayStep
    from bootstrap.diagnosis.model import Resolution
    from bootstrap.diagnosis.resolver import Question


def states(found: Replay) -> list[tuple[str, str | None, str | None]]:
    return [(s.kind, s.memory, s.disk) for s in found.scenes]


def test_the_story_of_two_moves(tmp_path: Path) -> None:
    """Down by a dependency, up by --force-reinstall, and the kernel keeps the first."""
    found = play(
        tmp_path,
        "import numpy as np",
        "%%writefile requirements.txt\nplain\nalone\n",
        "!pip install -q -r requirements.txt",
        "!pip install --force-reinstall 'numpy>=2.0,<3.0' -q",
        "!pip install plain && pip list",
    )
    assert (found.verdict, found.exit_code) == ("broken", 4)
    first, second, third = found.scenes
    assert (first.cell, first.memory, first.disk) == (3, NUMPY, "1.26.4")
    assert first.finding.path == "alone 1.0 -> numpy<2.0"
    assert (second.cell, second.memory, second.disk) == (4, NUMPY, "2.3.4")
    assert f"numpy {NUMPY}, which the kernel has loaded, satisfies it" in second.note
    assert "-q hides" in second.note
    assert "_center" in second.symptom
    assert not third.moves
    assert found.left is first
    markdown = found.to_markdown()
    assert "Cell 3 moved numpy 2.0.2 -> 1.26.4 (alone 1.0 -> numpy<2.0). The kernel still has 2.0.2." in markdown
    assert "Cell 4 moved numpy 1.26.4 -> 2.3.4" in found._repr_html_().replace("&gt;", ">")
    assert "restart the kernel after cell 5" in repr(found).replace("\n", " ")
    assert json.loads(json.dumps(found.to_dict()))["left_at_cell"] == 3


def test_the_restart_is_due_after_the_last_command_that_runs(tmp_path: Path) -> None:
    found = play(tmp_path, "!pip install alone", "print(1)", "if False:\n    !pip install harmless")
    assert found.card.next.splitlines()[0].startswith("restart the kernel after cell 1:")


@pytest.mark.parametrize(
    "cell",
    [
        "import numpy as np\n!pip install numpy=={np.__version__} harmless",
        "import numpy\n!pip install 'numpy=={numpy.__version__}' harmless",
        "try: import numpy; n = f'numpy=={numpy.__version__}'\nexcept: n = 'numpy'\n!pip install {n} harmless",
        "import numpy, os\nos.system('pip install harmless numpy==' + numpy.__version__)",
        "import numpy, subprocess\nsubprocess.run(['pip', 'install', 'harmless', f'numpy=={numpy.__version__}'])",
    ],
)
def test_the_version_that_is_loaded_is_known(tmp_path: Path, cell: str) -> None:
    [scene] = play(tmp_path, cell).scenes
    assert (scene.kind, scene.note, scene.disk) == ("install", "", NUMPY)
    asked = play(tmp_path, "!pip install alone", cell).scenes[-1]
    assert asked.disk == NUMPY, "what is loaded, not what is on disk"


def test_a_version_decides_no_branch(tmp_path: Path) -> None:
    [scene] = play(tmp_path, "import numpy\nif numpy.__version__ != '1.26.4':\n    !pip install alone").scenes
    assert scene.condition == "if numpy.__version__ != '1.26.4'"


def test_a_restart_brings_them_together(tmp_path: Path) -> None:
    found = play(
        tmp_path,
        "!pip install alone",
        "import os; os.kill(os.getpid(), 9)",
        "!pip uninstall -y plain",
        "import numpy",
    )
    assert states(found) == [
        ("install", NUMPY, "1.26.4"),
        ("restart", None, "1.26.4"),
        ("uninstall", "1.26.4", "1.26.4"),
    ]
    assert "not installed" in found.scenes[2].note


def test_numpy_uninstalled(tmp_path: Path) -> None:
    found = play(tmp_path, "!pip uninstall -y numpy stands-on")
    assert states(found) == [("uninstall", NUMPY, None)]
    assert found.scenes[0].note == f"removes numpy {NUMPY}"
    assert "ModuleNotFoundError" in found.scenes[0].symptom


@pytest.mark.parametrize(
    ("cell", "kind", "words"),
    [
        ("!conda install -y numpy", "skipped", "conda changes an environment of its own"),
        ("!pip install --target elsewhere numpy", "skipped", "--target"),
        ("!pip install --target . numpy", "unread", "where Python looks first"),
        (
            "try:\n    import numpy\nexcept ImportError:\n    import os; os.system('pip install alone')",
            "skipped",
            "numpy can't be imported",
        ),
        ("!/tmp/w/bin/pip install alone", "skipped", "belongs to another environment"),
        ("!uv pip install --python /tmp/v/bin/python alone", "skipped", "belongs to another environment"),
        ("!python2.7 -m pip install alone", "skipped", "belongs to another Python"),
        ("!uv pip install --python 2.7 alone", "skipped", "belongs to another Python"),
        (
            "!pip install --target /usr/local/lib/python3.12/dist-packages alone",
            "unread",
            "the kernel's own packages",
        ),
        ("!pip install --prefix=/usr/local alone", "unread", "the kernel's own packages"),
        ("!pip install --root / alone", "unread", "the kernel's own packages"),
        ("!source /tmp/v/bin/activate && pip install alone", "skipped", "/tmp/v is active"),
        ("!conda run -n x pip install alone", "skipped", "conda's environment x"),
        ("if False:\n    !pip install alone", "skipped", "doesn't run"),
        ("!pip install git+https://x.y/z", "unread", ""),
        ("!pip install -r /dev/zero", "unread", "not a regular file"),
        ("!pip install -r 'a\0b.txt'", "unread", "Can't read"),
        ("!pip install -r none.txt", "unread", "none.txt"),
        ("!pip install {name}", "unread", "{name}"),
        ("!pip install 'num py'", "unread", "num py"),
    ],
)
def test_what_is_not_replayed_says_why(tmp_path: Path, cell: str, kind: str, words: str) -> None:
    [scene] = play(tmp_path, cell).scenes
    assert (scene.kind, scene.memory, scene.disk) == (kind, NUMPY, NUMPY)
    assert words in scene.note


def test_what_could_not_be_read_leaves_a_doubt(tmp_path: Path) -> None:
    assert play(tmp_path, "!pip install {name}").verdict == "doubtful"


def test_a_harmless_notebook(tmp_path: Path) -> None:
    found = play(tmp_path, "!pip install harmless", "!pip list", "print(1)")
    assert (found.verdict, found.left, len(found.scenes)) == ("ok", None, 1)


def test_a_bound_that_the_shell_takes_away(tmp_path: Path) -> None:
    [scene] = play(tmp_path, "!pip install numpy>=2.3").scenes
    assert not scene.moves, "numpy without a bound is there already"
    assert "numpy>=2.3 is not quoted" in scene.note


def test_constraints_of_a_command(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("shared<3\n")
    [scene] = play(tmp_path, "!pip install left -c c.txt").scenes
    assert scene.finding.path == "left 1.0 -> shared 2.0 -> numpy<2.0"


@pytest.mark.parametrize(
    ("uv", "resolver", "words"), [(True, "uv 0.9", ""), (False, "pip 26.0", "uv isn't installed")]
)
def test_uv_answers_for_its_own_commands_where_it_is_there(
    tmp_path: Path, uv: bool, resolver: str, words: str
) -> None:
    [scene] = play(tmp_path, "!uv pip install alone", uv=uv).scenes
    assert scene.finding.resolver == resolver
    assert words in scene.note


def test_what_broke_for_real_is_guilt_whatever_the_versions(tmp_path: Path) -> None:
    found = play(tmp_path, "!pip install harmless")
    scene: ReplayStep = replace(found.scenes[0], real=("pandas: ImportError",))
    found = replace(found, scenes=(scene,))
    assert found.verdict == "broken"
    assert "something broke in the real install" in found.to_markdown()
    assert "pandas: ImportError" in repr(found)


MOVES, NOT = "!pip install alone", "!pip install harmless"
FAMILIES = {
    "a branch that nobody can decide": (("if x():\n    !pip install alone",), "doubtful"),
    "branches that exclude each other": (
        ("if x():\n    !pip install alone\nelse:\n    !pip install harmless",),
        "doubtful",
    ),
    "a branch that is decided": (("X = False", "if X:\n    !pip install alone"), "ok"),
    "a harmless one that nobody can decide": (("if x():\n    !pip install harmless",), "ok"),
    "surely after a branch": (("if x():\n    !pip install harmless", MOVES), "broken"),
    "moved and restarted, both or none": (("if x():\n    !pip install alone\n    exit()", MOVES), "doubtful"),
    "moved, then perhaps restarted": ((MOVES, "if x():\n    exit()"), "broken"),
    "perhaps uninstalled": (("if x():\n    !pip uninstall -y numpy",), "doubtful"),
    "a function that is never called": (("def f():\n    !pip install alone",), "ok"),
    "a function that is called": (("def f():\n    !pip install alone", "f()"), "broken"),
    "a text": (('print("""\n!pip install alone\n""")',), "ok"),
    "a variable": (("p = 'alone'", "!pip install {p}"), "broken"),
    "a loop": (("for p in ['harmless', 'alone']:\n    !pip install {p}",), "broken"),
    "two files of one name": (
        ("%%writefile a/r.txt\nalone", "%%writefile b/r.txt\nharmless", "!pip install -r a/r.txt"),
        "broken",
    ),
    "a file added to": (
        ("%%writefile r.txt\nalone", "%%writefile -a r.txt\nharmless", "!pip install -r r.txt"),
        "broken",
    ),
    "a file by its folder": (("%%writefile x/r.txt\nalone", "%cd x", "!pip install -r r.txt"), "broken"),
    "a file that the shell writes": (("!echo alone > r.txt && pip install -r r.txt",), "broken"),
    "a file that only running tells": (("!make > r.txt", "!pip install -r r.txt"), "doubtful"),
    "another environment's": (("!/tmp/v/bin/pip install alone",), "ok"),
    "a folder beside, then on the path": (
        ("!pip install -t /tmp/x alone", "import sys\nsys.path.insert(0, '/tmp/x')"),
        "doubtful",
    ),
    "conda into the kernel's prefix": (("!bash Miniconda3.sh -b -p /usr/local", MOVES), "doubtful"),
    "after condacolab": (("import condacolab\ncondacolab.install()", MOVES), "doubtful"),
    "conda beside": (("!conda create -n x numpy=1.26", NOT), "ok"),
    "unread and plain": (("!cat r.txt | xargs pip install", MOVES), "broken"),
    "unread alone": (("!cat r.txt | xargs pip install",), "doubtful"),
    "a source beside what is plain": (("!pip install git+https://x.y/z alone",), "broken"),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_families(tmp_path: Path, name: str) -> None:
    cells, verdict = FAMILIES[name]
    assert play(tmp_path, *cells).verdict == verdict


def test_passwords_in_addresses_are_not_shown(tmp_path: Path) -> None:
    found = play(tmp_path, "!pip install harmless -i https://user:s3cret@x.y/simple")
    assert all("s3cret" not in text for text in (found.to_markdown(), found._repr_html_(), repr(found)))


def test_what_may_not_run_is_told_and_not_counted_as_done(tmp_path: Path) -> None:
    found = play(tmp_path, "if x():\n    !pip install alone", MOVES)
    first, second = found.scenes
    assert (first.memory, first.disk, first.may_part, first.parted) == (NUMPY, NUMPY, True, False)
    assert (second.disk, second.parted) == ("1.26.4", True)
    assert "Cell 1 would move numpy 2.0.2 -> 1.26.4 (alone 1.0 -> numpy<2.0), if x()." in found.to_markdown()


def test_nobody_sees_a_numpy_that_a_restart_follows_at_once(tmp_path: Path) -> None:
    found = play(tmp_path, "!pip install alone\nimport os\nif x():\n    os.kill(os.getpid(), 9)")
    assert found.verdict == "broken"
    assert found.scenes[0].symptom == ""


class Dead:
    """A resolver whose index is out of reach for one package."""

    build = False

    def __init__(self, inner: built.TinyResolver, error: Exception) -> None:
        self.inner, self.error, self.folder, self.name = inner, error, inner.folder, inner.name

    def resolve(self, question: Question) -> Resolution:
        if any(r.text == "harmless" for r in question.requirements):
            raise self.error
        return self.inner.resolve(question)


@pytest.mark.parametrize("error", [IndexUnreachableError("dead"), ResolverError("odd"), AsOfError("no day")])
def test_one_fault_takes_no_answer_from_the_others(tmp_path: Path, error: Exception) -> None:
    with session() as found:
        found.pip = found.fast = Dead(found.pip, error)
        player = Replayer(found, tmp_path)
        for event in read_cells([(1, "!pip install harmless -f https://dead.invalid"), (2, MOVES)]):
            player.play(event)
    assert [s.kind for s in player.scenes] == ["unread", "install"]
    assert player.scenes[1].parted
