"""The runner outlives whatever the examined Python does."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from bootstrap.health.model import ProbeResult
from bootstrap.health.probe_runner import Limits, Start, Task, run_surviving, run_tasks

PYTHON = Path(sys.executable)
LIMITS = Limits(seconds=20.0, memory=100 * 2**20)


@pytest.fixture
def run(tmp_path: Path):
    """Runs modules, given as name=code, in one process."""

    def run_modules(limits: Limits = LIMITS, **modules: str) -> list[ProbeResult]:
        for name, code in modules.items():
            (tmp_path / f"{name}.py").write_text(code)
        tasks = [Task(name, (name,)) for name in modules]
        return run_tasks(Start(PYTHON, limits, paths=[str(tmp_path)]), tasks)

    return run_modules


def test_answers_come_in_order(run) -> None:
    results = run(one="__version__ = '1.5'", two="import one")
    assert [(r.name, r.outcome) for r in results] == [("one", "pass"), ("two", "pass")]
    assert results[0].facts["version"] == "1.5"


def test_an_error_is_a_failure_and_the_rest_goes_on(run) -> None:
    bad, good = run(bad="raise ValueError('no')", good="")
    assert (bad.outcome, bad.problems) == ("fail", ("ValueError: no",))
    assert good.outcome == "pass"


@pytest.mark.parametrize("code", ["raise SystemExit(0)", "raise KeyboardInterrupt"])
def test_leaving_is_a_failure(run, code: str) -> None:
    bad, good = run(bad=code, good="")
    assert (bad.outcome, good.outcome) == ("fail", "pass")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import os; os.abort()", "SIGABRT"),
        ("import os; os._exit(0)", "status 0"),
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL"),
        ("import os; os.closerange(0, os.sysconf('SC_OPEN_MAX'))", ""),
    ],
)
def test_death(run, code: str, words: str) -> None:
    good, bad, after = run(good="", bad=code, after="")
    assert (good.outcome, bad.outcome, after.outcome) == ("pass", "died", "skip")
    assert words in bad.problems[0]


def test_hang(run) -> None:
    bad, after = run(Limits(seconds=0.4), bad="import time\nwhile True: time.sleep(1)", after="")
    assert (bad.outcome, after.outcome) == ("timeout", "skip")


def test_slow_is_not_stuck(run) -> None:
    """It takes longer than it may, because the machine gives it a part of its time only."""
    code = "import time\nfor _ in range(40):\n    sum(range(100_000))\n    time.sleep(0.01)"
    (slow,) = run(Limits(seconds=0.3), slow=code)
    assert slow.outcome == "pass"


def test_hang_that_ignores_signals_and_floods_its_output(run) -> None:
    code = """
import signal, sys
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
while True:
    sys.stdout.write("x" * 100000)
"""
    (bad,) = run(Limits(seconds=0.6), bad=code)
    assert bad.outcome == "timeout"


def test_memory(run) -> None:
    (bad,) = run(bad="held = []\nwhile True: held.append(b'x' * 2**24)")
    assert bad.outcome == "memory"


def test_reserved_address_space_is_no_memory(run) -> None:
    (good,) = run(good="import mmap; area = mmap.mmap(-1, 2**36, mmap.MAP_PRIVATE, mmap.PROT_READ)")
    assert good.outcome == "pass", good.problems


def test_a_child_left_behind_is_ended_and_not_waited_for(run, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = f"""
import subprocess
child = subprocess.Popen(["sleep", "100000"], close_fds=False)
with open({str(note)!r}, "w") as file:
    file.write(str(child.pid))
"""
    (good,) = run(good=code)
    assert good.outcome == "pass"
    pid = int(note.read_text())
    for _ in range(100):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.05)
    pytest.fail("the child lives on")


def test_going_on_behind_a_death(tmp_path: Path) -> None:
    for name, code in (("one", ""), ("two", "import os; os._exit(3)"), ("three", "")):
        (tmp_path / f"{name}.py").write_text(code)
    tasks = [Task(name, (name,)) for name in ("one", "two", "three")]
    results = run_surviving(Start(PYTHON, LIMITS, paths=[str(tmp_path)]), tasks)
    assert [r.outcome for r in results] == ["pass", "died", "pass"]


def test_an_interpreter_that_is_none(tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("no program")
    fake.chmod(0o755)
    (result,) = run_tasks(Start(fake, LIMITS), [Task("layout")])
    assert result.outcome == "died"
    assert result.facts["started"] is False


def test_python_variables_are_not_heard(run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PYTHONSTARTUP", "x")
    monkeypatch.setenv("PYTHONHOME", "/nonexistent")
    (good,) = run(good="import sys\nassert sys.flags.isolated and sys.flags.dont_write_bytecode")
    assert good.outcome == "pass", good.problems


@pytest.mark.parametrize(
    ("settings", "reads"),
    [(None, True), ("", False), ("include-system-site-packages = true\n", True)],
)
def test_who_reads_the_users_site_folder(tmp_path: Path, settings: str | None, reads: bool) -> None:
    """Not a plain virtual environment."""
    python, real = tmp_path / "bin" / "python", PYTHON.resolve()
    python.parent.mkdir()
    python.symlink_to(real)
    if settings is not None:
        (tmp_path / "pyvenv.cfg").write_text(f"home = {real.parent}\n{settings}")
    (result,) = run_tasks(Start(python, LIMITS, startup=False), [Task("layout")])
    assert (result.facts["user_site"] is not None) is reads
