"""Since when, and by whom, as far as traces tell."""

from __future__ import annotations

import json
import os
import sys
import time
import types
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bootstrap import provenance
from bootstrap.health import blame
from bootstrap.health.live import Live
from bootstrap.health.model import Cause
from tests.unit.health.conftest import NUMPY, Built


def blamed(built: Built, name: str = "numpy-two-dist-infos", *files: Path, owner: str = NUMPY, **more: Any) -> Cause:
    one = Cause(name, more.pop("severity", "broken"), "So.", files=tuple(map(str, files)), owner=owner, **more)
    return blame.add_history(one, built.facts)


def test_a_damaged_file_has_a_time_and_nobody_is_blamed(built: Built) -> None:
    found = blamed(built, "files-altered", built.write(built.site / "numpy/version.py"))
    assert abs(datetime.now().astimezone() - datetime.fromisoformat(found.since)) < timedelta(minutes=5)
    assert found.by == ""
    assert found.evidence == (f"since {found.since} (less than a minute ago)",)


def test_of_several_times_the_latest_counts(built: Built) -> None:
    new = built.write(built.site / "numpy/version.py")
    now = datetime.fromtimestamp(new.stat().st_ctime).astimezone().isoformat(timespec="seconds")
    for files in ((new, Path(os.__file__)), (Path(os.__file__), new)):
        assert blamed(built, "files-altered", *files).since == now


def test_a_missing_file_went_when_its_folder_changed(built: Built) -> None:
    assert blamed(built, "files-altered", built.site / "numpy" / "gone.py").since


def test_what_left_no_trace_has_no_time(built: Built) -> None:
    assert blamed(built, "files-altered", built.site / "none" / "gone.py", owner="") == Cause(
        "files-altered", "broken", "So.", files=(str(built.site / "none" / "gone.py"),)
    )


@pytest.mark.parametrize(("name", "severity"), [("float-state-changed", "broken"), ("files-altered", "note")])
def test_what_no_file_dates_and_notes_have_no_time(built: Built, name: str, severity: str) -> None:
    found = blamed(built, name, built.write(built.site / "f.py"), severity=severity)
    assert (found.since, found.evidence) == ("", ())


def test_who_installed_it_and_for_whom(built: Built) -> None:
    """pip came to numpy by what was installed by name in the same minute."""
    (built.install("captum", "0.8.0") / "REQUESTED").touch()
    info = built.facts.distributions[0].info
    (info / "direct_url.json").write_text(json.dumps({"url": "https://example.invalid/numpy.whl"}))
    found = blamed(built)
    assert found.by == "pip, likely for captum 0.8.0"
    assert found.evidence[1:] == (
        "pip wrote captum 0.8.0 (installed by name) at that time",
        "numpy 2.3.4 came from https://example.invalid/numpy.whl",
    )


def test_what_was_asked_for_by_name_came_for_itself(built: Built) -> None:
    (built.facts.distributions[0].info / "REQUESTED").touch()
    (built.install("captum", "0.8.0") / "REQUESTED").touch()
    found = blamed(built)
    assert found.by == "pip"
    assert "numpy 2.3.4, captum 0.8.0 (installed by name)" in found.evidence[1]


def test_an_installer_that_does_not_say_its_name(built: Built) -> None:
    for distribution in built.facts.disk.distributions:
        (distribution.info / "INSTALLER").unlink()
    assert blamed(built).by == "an unknown installer"


@pytest.mark.parametrize("how", ["by name", "by its files"])
def test_conda_is_nobody_who_put_something_over(tmp_path: Path, how: str) -> None:
    built = Built(tmp_path, conda=True)
    infos = [d.info for d in built.facts.disk.distributions]
    for info in infos:
        (info / "INSTALLER").write_text("conda\n" if how == "by name" else "pip\n")
    if how == "by its files":
        built.on_disk(owners={str(info / "METADATA"): "x" for info in infos})
    assert blamed(built).by == ""


def test_what_was_installed_at_another_time_is_no_suspect(built: Built) -> None:
    new = built.write(built.site / "numpy/version.py")
    for distribution in built.facts.disk.distributions:
        (distribution.info / "RECORD").touch()
        os.utime(distribution.info / "RECORD", (1_750_000_000, 1_750_000_000))
    assert blamed(built, "stale-in-memory", new).by == ""


def test_a_whole_environment_made_at_once_tells_nothing(built: Built) -> None:
    for number in range(40):
        built.install(f"more{number}", "1")
    assert blamed(built).by == ""


class Shell:
    """As much of IPython's as is asked: what its cells say."""

    def __init__(self, *sources: str) -> None:
        self.history_manager = types.SimpleNamespace(input_hist_raw=["", *sources])


def in_notebook(built: Built, monkeypatch: pytest.MonkeyPatch, shell: Shell) -> None:
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    built.set(live=Live(True))


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        (["!pip install captum", "%pip install 'numpy>2'", "!pip install torch"], "%pip install 'numpy>2'"),
        (
            ["!pip install -qr wanted.txt", "!pip install --requirement wanted.txt", "!pip install two"],
            "!pip install --requirement wanted.txt",
        ),
        (["!pip install one", "print(1)\n!pip install two\n"], ""),
        (["# nothing to install here"], ""),
    ],
)
def test_the_last_command_that_fits(
    built: Built, monkeypatch: pytest.MonkeyPatch, sources: list[str], told: str
) -> None:
    for name in ("pandas", "pip"):
        built.uninstall(name)
    in_notebook(built, monkeypatch, Shell(*sources))
    found = blamed(built)
    assert found.by == ("pip" if not told else f"pip, likely by cell 2: `{told}`")
    assert (f"likely by cell 2: `{told}`" in found.evidence) is bool(told)


def test_the_cell_that_ran_then(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell("import numpy", "x = 1\n!pip install numpy==1.26\n")
    provenance.note_start(shell)
    in_notebook(built, monkeypatch, shell)
    path = built.write(built.site / "numpy/version.py")
    assert blamed(built, "files-altered", path).by == "likely by cell 2: `!pip install numpy==1.26`"


def test_bytecode_of_a_later_cell_dates_no_installation(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell("!pip install numpy==1.26")
    in_notebook(built, monkeypatch, shell)
    [numpy] = [d for d in built.facts.disk.distributions if d.name == "numpy"]
    provenance.note_start(shell)
    built.write(numpy.info / "RECORD")
    provenance.note_end(shell)
    shell.history_manager.input_hist_raw.append("import numpy")
    time.sleep(0.03)  # clocks of files tick slowly
    provenance.note_start(shell)
    (built.site / "numpy/made for bytecode").mkdir()
    gone = built.site / "numpy/gone.so"
    found = blamed(built, "stale-in-memory", built.site / "numpy", gone)
    assert found.by.endswith("likely by cell 1: `!pip install numpy==1.26`")


def test_outside_a_notebook_no_cell_is_blamed(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    in_notebook(built, monkeypatch, Shell("!pip install numpy==1.26"))
    built.set(live=None)
    assert "cell" not in blamed(built).by
