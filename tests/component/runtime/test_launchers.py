"""The script at the machine's python3, with a real interpreter behind it, in a throw-away folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest

from bootstrap.runtime import launchers
from bootstrap.runtime.environment_paths import EnvironmentPaths
from bootstrap.runtime.journal import Journal

TELL = "import json, os, sys; print(json.dumps([sys.executable, sys.prefix, sys.argv, dict(os.environ)]))"
SHELLS_OWN = {"_", "SHLVL", "PWD", "OLDPWD"}
"""What any shell sets on its way."""


@pytest.fixture
def machine(tmp_path: Path) -> tuple[Path, EnvironmentPaths]:
    """A python3 that is a link to a real interpreter's venv, and the script in its place."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "machine"], check=True)
    executable = tmp_path / "machine/bin/python3"
    layout = EnvironmentPaths(tmp_path / "prefix")
    layout.own.mkdir(parents=True)
    layout.python.parent.mkdir()
    layout.python.symlink_to(executable.resolve())
    layout.entry.write_text('#!/bin/bash\nprintf "%s\\n" entry "$@"\n')
    layout.entry.chmod(0o755)
    layout.starter.parent.mkdir(parents=True)
    layout.starter.write_text("# of the environment\n")
    launchers.install(executable, layout, Journal(tmp_path / "state"))
    return executable, layout


def run(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]


AWKWARD = [
    ["-c", TELL, "a b", "", "*", "$HOME", '"', "'", "\\", "-m", "ä"],
    ["-Xdev", "-W", "ignore", "-c", TELL, "-f"],
    ["-X", "utf8", "-Sc", TELL],
    ["-Ic", TELL, "-m", "ipykernel_launcher", "-f", "x"],
]


@pytest.mark.parametrize(
    "arguments", [*AWKWARD[:2], *(pytest.param(a, marks=pytest.mark.exhaustive) for a in AWKWARD[2:])], ids=str
)
def test_everything_else_is_the_original(arguments: list[str], machine: tuple[Path, EnvironmentPaths]) -> None:
    executable, _ = machine
    before = json.loads(run(launchers.original_of(executable), *arguments).stdout)
    after = json.loads(run(executable, *arguments).stdout)
    assert after[0] == str(executable)
    assert after[1:3] == before[1:3]
    assert {k: v for k, v in after[3].items() if k not in SHELLS_OWN} == {
        k: v for k, v in before[3].items() if k not in SHELLS_OWN
    }


def test_scripts_keep_their_first_line(machine: tuple[Path, EnvironmentPaths], tmp_path: Path) -> None:
    """condacolab's own wrapper drops it (`-x`)."""
    script = tmp_path / "script.py"
    script.write_text("print('first')\nprint('second')\n")
    assert run(machine[0], script).stdout == "first\nsecond\n"
    executable = tmp_path / "executable"
    executable.write_text(f"#!{machine[0]} -I\nimport sys\nprint(sys.flags.isolated, sys.argv[1:])\n")
    executable.chmod(0o755)
    assert run(executable, "a b").stdout == "1 ['a b']\n"


def test_exit_codes_signals_and_stdin_are_passed_on(machine: tuple[Path, EnvironmentPaths]) -> None:
    executable, _ = machine
    assert run(executable, "-c", "import sys; sys.exit(7)").returncode == 7
    assert run(executable, "-", input="print(1 + 1)").stdout == "2\n"
    killed = run(executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    assert killed.returncode == -signal.SIGTERM
    with subprocess.Popen(
        [executable, "-c", "import time; print(1, flush=True); time.sleep(60)"], stdout=-1
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == -signal.SIGINT


def test_bash_reads_no_start_up_file(machine: tuple[Path, EnvironmentPaths], tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text("echo trapped\n")
    environment = {**os.environ, "BASH_ENV": str(trap), "BASH_FUNC_exec%%": "() { echo trapped; }"}
    assert run(machine[0], "-c", "print(1)", env=environment).stdout == "1\n"


def test_a_virtual_environment_made_with_it_works(machine: tuple[Path, EnvironmentPaths], tmp_path: Path) -> None:
    made = run(machine[0], "-m", "venv", "--without-pip", tmp_path / "venv")
    assert made.returncode == 0, made.stderr
    told = run(tmp_path / "venv/bin/python", "-c", "import sys; print(sys.prefix)")
    assert told.stdout.strip() == str(tmp_path / "venv")


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        (["-m", "colab_kernel_launcher", "-f", "a b.json"], ["colab_kernel_launcher", "-f", "a b.json"]),
        (["-m", "ipykernel_launcher", "-f", "x"], ["ipykernel_launcher", "-f", "x"]),
        (["-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "x"], ["ipykernel_launcher", "-f", "x"]),
        (["-m", "ipykernel", "--f=x"], ["ipykernel", "--f=x"]),
        (["-m", "ipykernel", "--IPKernelApp.connection_file=x"], ["ipykernel", "--IPKernelApp.connection_file=x"]),
    ],
)
def test_a_kernel_starts_in_the_environment(
    arguments: list[str], passed: list[str], machine: tuple[Path, EnvironmentPaths]
) -> None:
    assert run(machine[0], *arguments).stdout.splitlines() == ["entry", *passed]


@pytest.mark.parametrize(
    "arguments", [["-m", "ipykernel", "--version"], ["-m", "json.tool", "-f"], ["-m", "pip", "-f"]]
)
def test_what_is_no_launch_goes_to_the_original(arguments: list[str], machine: tuple[Path, EnvironmentPaths]) -> None:
    assert "entry" not in run(machine[0], *arguments).stdout


DAMAGE = {
    "python does not run": "echo '#!/bin/false' > python; chmod +x python; mv python $PREFIX/bin/",
    "python is a folder": "rm $PREFIX/bin/python; mkdir $PREFIX/bin/python",
    "entry is gone": "rm $PREFIX/share/condacolab-bootstrap/kernel",
    "entry can't be run": "chmod -x $PREFIX/share/condacolab-bootstrap/kernel",
    "entry is empty": ": > $PREFIX/share/condacolab-bootstrap/kernel",
    "starter is gone": "rm -r $PREFIX/share/condacolab-bootstrap/bridge/bootstrap",
    "all is gone": "rm -r $PREFIX",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_without_a_working_environment_the_original_starts(
    damage: str, machine: tuple[Path, EnvironmentPaths], tmp_path: Path
) -> None:
    executable, layout = machine
    variables = {**os.environ, "PREFIX": str(layout.prefix)}
    assert run("sh", "-ec", DAMAGE[damage], cwd=tmp_path, env=variables).returncode == 0
    done = run(executable, "-m", "ipykernel_launcher", "-f", "x")
    assert "entry" not in done.stdout
    assert "ipykernel" in done.stderr  # this venv has none: its interpreter says so


def test_starts_that_come_to_no_end_are_not_tried_for_ever(machine: tuple[Path, EnvironmentPaths]) -> None:
    executable, layout = machine
    launch = (executable, "-m", "ipykernel_launcher", "-f", "/run/a b.json")
    layout.entry.write_text('#!/bin/bash\necho "$CONDACOLAB_BOOTSTRAP_STARTS"\n')
    tally, again, other, *_ = (run(*launch).stdout.strip() for _ in range(3))
    assert tally == again
    assert other == ""
    assert run(*launch).stdout.strip() == tally, "from then on it is tried again"
    assert run(executable, "-m", "ipykernel_launcher", "-f", "/run/b.json").stdout.strip() not in ("", tally)
    Path(tally).unlink()  # as a kernel does that has begun
    assert [run(*launch).stdout.strip() for _ in range(2)] == [tally, tally]


def test_installing_twice_changes_nothing(machine: tuple[Path, EnvironmentPaths], tmp_path: Path) -> None:
    executable, layout = machine
    inode = executable.stat().st_ino
    launchers.install(executable, layout, Journal(tmp_path / "state"))
    assert executable.stat().st_ino == inode
    assert not launchers.is_wrapper(launchers.original_of(executable))


def act_as_condacolab(executable: Path, suffix: str) -> None:
    """Renames what is there, and puts a script in its place: the end of condacolab's installation."""
    renamed = executable.rename(executable.with_name(executable.name + suffix))
    executable.write_text(f"#!/bin/bash\nexec {renamed} $@\n")
    executable.chmod(0o755)


@pytest.mark.parametrize("suffix", [".real", ".orig"])
def test_condacolab_comes_afterwards(suffix: str, machine: tuple[Path, EnvironmentPaths], tmp_path: Path) -> None:
    executable, layout = machine
    act_as_condacolab(executable, suffix)
    journal = Journal(tmp_path / "state")
    for _ in range(2):
        launchers.install(executable, layout, journal)
        assert run(executable, "-V", timeout=20).stdout.startswith("Python 3")
        assert run(executable, "-m", "ipykernel_launcher", "-f", "x").stdout.startswith("entry")
    journal.undo()
    assert executable.is_symlink()
    assert {path.name for path in executable.parent.glob("python3*")} <= {"python3", executable.resolve().name}


@pytest.mark.parametrize("suffix", [".real", ".orig"])
def test_condacolab_was_there_before(suffix: str, machine: tuple[Path, EnvironmentPaths], tmp_path: Path) -> None:
    executable, layout = machine
    Journal(tmp_path / "state").undo()
    act_as_condacolab(executable, suffix)
    before = {path.name: path.readlink() if path.is_symlink() else "" for path in executable.parent.iterdir()}
    script = executable.read_text()
    launchers.install(executable, layout, Journal(tmp_path / "state"))
    assert run(executable, "-V", timeout=20).stdout.startswith("Python 3")
    assert run(executable, "-m", "ipykernel_launcher", "-f", "x").stdout.startswith("entry")
    Journal(tmp_path / "state").undo()
    assert executable.read_text() == script
    assert {p.name: p.readlink() if p.is_symlink() else "" for p in executable.parent.iterdir()} == before
    assert run(executable, "-V", timeout=20).stdout.startswith("Python 3")


def test_undo_brings_the_original_back(machine: tuple[Path, EnvironmentPaths], tmp_path: Path) -> None:
    executable, _ = machine
    Journal(tmp_path / "state").undo()
    assert executable.is_symlink()
    assert not launchers.original_of(executable).exists()
    assert run(executable, "-c", "import sys; print(sys.executable)").stdout.strip() == str(executable)


def test_a_replaced_script_is_put_in_place_again(machine: tuple[Path, EnvironmentPaths], tmp_path: Path) -> None:
    """As when the distribution's package manager updates python3."""
    executable, layout = machine
    target = executable.resolve() if executable.is_symlink() else launchers.original_of(executable).resolve()
    executable.unlink()
    executable.symlink_to(target)
    launchers.install(executable, layout, Journal(tmp_path / "state"))
    assert run(executable, "-m", "ipykernel_launcher", "-f", "x").stdout.startswith("entry")


def test_the_entry_sets_the_environment_and_nothing_more(tmp_path: Path) -> None:
    layout = EnvironmentPaths(tmp_path / "a prefix")
    (layout.prefix / "bin").mkdir(parents=True)
    scripts = layout.prefix / "etc/conda/activate.d"
    scripts.mkdir(parents=True)
    (scripts / "x.sh").write_text('echo noise\nexport FROM_PACKAGE="$CONDA_PREFIX/x"\n')
    layout.python.write_text('#!/bin/bash\nenv -0\nprintf "%s\\0" "$@"\n')
    layout.python.chmod(0o755)
    launchers.write_entry(layout, Path("/usr/bin/python3.original"))
    (tmp_path / "other/conda-meta").mkdir(parents=True)
    libraries = f"{tmp_path}/other/lib:/nvidia"
    environment = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": libraries, "PYTHONPATH": "/env", "A": "1"}
    told = run(layout.entry, "module", "-f", "a b", env=environment).stdout.split("\0")
    found = dict(line.split("=", 1) for line in told if "=" in line)
    assert found["PATH"] == f"{layout.prefix}/bin:/usr/bin:/bin"
    assert found["LD_LIBRARY_PATH"] == f"/nvidia:{layout.no_libraries}"
    assert found["FROM_PACKAGE"] == f"{layout.prefix}/x"
    assert found["CONDACOLAB_BOOTSTRAP_ORIGINAL"] == "/usr/bin/python3.original"
    before = b64decode(found["CONDACOLAB_BOOTSTRAP_BEFORE"]).decode().split("\0")
    assert {"A=1", "PYTHONPATH=/env", f"LD_LIBRARY_PATH={libraries}", "PATH=/usr/bin:/bin"} <= set(before)
    assert "PYTHONPATH" not in found
    assert told[-7:-1] == ["-P", str(layout.starter), "-m", "module", "-f", "a b"]
    assert list(layout.no_libraries.iterdir()) == []
    again = run(layout.entry, "module", env=found).stdout.split("\0")
    assert dict(line.split("=", 1) for line in again if "=" in line)["PATH"] == found["PATH"]
