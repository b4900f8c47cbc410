"""What mends a cause: commands in words, and actions."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from bootstrap.health.model import Action, Cause
from bootstrap.health.remediation import (
    actions,
    is_locked,
    nearest_release,
    pip_command,
    repair_package,
    stale_infos,
)
from tests.unit.health.conftest import VERSION, Built

if TYPE_CHECKING:
    from pathlib import Path

WAYS = {
    "again": ({}, ["--force-reinstall", "--no-deps", "pandas==2.2.3"]),
    "another release": ({"requirement": "pandas>2.2.3,<3"}, ["pandas>2.2.3,<3", f"numpy=={VERSION}"]),
    "over what can't be uninstalled": ({"anew": True}, ["--ignore-installed", "--no-deps", "pandas==2.2.3"]),
    "what it lacks": ({"complete": True}, ["pandas==2.2.3", f"numpy=={VERSION}"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_command(built: Built, way: str) -> None:
    options, words = WAYS[way]
    assert list(pip_command("pandas", built.facts, **options)) == [str(built.python), "-m", "pip", "install", *words]


def test_a_package_that_is_not_there_has_no_version_and_is_left_to_its_user(built: Built) -> None:
    assert pip_command("Some_Thing", built.facts) == ()
    assert "Choose one: `" in repair_package("Some_Thing", built.facts)
    assert nearest_release("Some_Thing", built.facts) == ""


def test_a_module_is_repaired_by_the_name_of_its_distribution(built: Built) -> None:
    built.install("opencv-python", "4.10")
    built.on_disk(owners={f"{built.site}/cv2/__init__.py": "opencv-python 4.10"})
    assert pip_command("cv2", built.facts)[-1] == "opencv-python==4.10"


TRACES = ("imported", "on disk", "in memory", "waiting", "conda", "locked")


@pytest.mark.parametrize("trace", TRACES)
def test_numpy_is_never_moved_whatever_tells_its_version(built: Built, trace: str) -> None:
    built.uninstall("numpy")
    built.probe("numpy-import", "fail")
    if trace == "imported":
        built.probe("numpy-import", "pass", version="1.0.0")
    if trace == "on disk":
        built.write(built.site / "numpy" / "version.py", '"""x"""\nversion = "1.0.0"\n')
    if trace == "in memory":
        built.live("live-version", memory="1.0.0")
    if trace == "waiting":
        built.on_disk(leftovers=(built.site / "~umpy-1.0.0.dist-info",))
    if trace in ("conda", "locked"):
        built.on_disk(**{trace: {"numpy": "1.0.0"}})
    assert pip_command("numpy", built.facts)[-1] == "numpy==1.0.0"


def test_the_nearest_release(built: Built) -> None:
    assert nearest_release("pandas", built.facts) == "pandas>2.2.3,<3"
    assert nearest_release("pandas", built.facts, older=True) == "pandas<2.2.3"


def test_in_a_cell_the_way_is_a_call(tmp_path: Path) -> None:
    for conda in (True, False):
        built = Built(tmp_path / str(conda), conda=conda)
        built.set(call="bootstrap.check(repair=True)")
        assert repair_package("numpy", built.facts).startswith("Run `bootstrap.check(repair=True)`")


def test_what_can_not_be_carried_out_is_not_advised(tmp_path: Path) -> None:
    built = Built(tmp_path, conda=True)
    built.on_disk(locked={})
    assert f"bootstrap restore --prefix {built.prefix} --lock FILE" in repair_package("numpy", built.facts)
    built.set(ours=False)
    built.on_disk(locked={"numpy": VERSION})
    assert f"bootstrap restore --prefix {built.prefix} --adopt" in repair_package("numpy", built.facts)
    built.on_disk(locked={})
    assert repair_package("numpy", built.facts).startswith("Run `conda install --prefix")
    assert "numpy=2.3.4" in repair_package("numpy", built.facts)


def test_numpy_is_put_back_in_the_version_that_runs_where_it_is_one_of_those_there(built: Built) -> None:
    built.install("numpy", "1.0.0")
    built.probe("numpy-import", "pass", version="1.0.0")
    assert pip_command("numpy", built.facts)[-1] == "numpy==1.0.0"
    built.probe("numpy-import", "pass", version="9.9")
    assert pip_command("numpy", built.facts)[-1] == f"numpy=={VERSION}"


def test_without_a_pip_of_its_own_another_pip_is_told_where(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    built.uninstall("pip")
    assert pip_command("numpy", built.facts)[:6] == (
        sys.executable, "-m", "pip", "--python", str(built.python), "install",
    )  # fmt: skip
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    assert pip_command("numpy", built.facts)[:5] == ("uv", "pip", "install", "--python", str(built.python))


def test_who_owns_a_package(tmp_path: Path) -> None:
    built = Built(tmp_path, conda=True)
    built.install("Own_Thing", "1")
    built.on_disk(locked={"numpy": VERSION})
    owned = {name: is_locked(name, built.facts) for name in ("numpy", "pandas", "own-thing", "Own_Thing")}
    assert owned == {"numpy": True, "pandas": True, "own-thing": False, "Own_Thing": False}
    assert "pip install" in repair_package("own-thing", built.facts)
    command = f"bootstrap check --prefix {built.prefix} --repair"
    assert repair_package("pandas", built.facts) == f"Run `{command}`: it puts the locked files back."
    built.set(lock=tmp_path / "other.yml")
    named = f"bootstrap check --prefix {built.prefix} --lock {tmp_path}/other.yml --repair"
    assert f"`{named}`" in repair_package("pandas", built.facts)


def test_nothing_is_locked_outside_a_prefix(built: Built) -> None:
    built.on_disk(locked={"numpy": VERSION})
    assert not is_locked("numpy", built.facts)


def draft(name: str, *files: Path, **more: object) -> Cause:
    return Cause(name, "broken", "So.", files=tuple(map(str, files)), **{"package": "numpy", **more})  # type: ignore[arg-type]


def test_a_note_needs_nothing(built: Built) -> None:
    assert actions(draft("files-altered"), "note", built.facts) == ()


@pytest.mark.parametrize(("name", "kinds"), [("stale-in-memory", ["restart"]), ("numpy-shadowed", [])])
def test_a_process_is_restarted_or_left_to_its_user(built: Built, name: str, kinds: list[str]) -> None:
    path = built.write(built.site / "numpy.py")
    assert [a.kind for a in actions(draft(name, path, live=True), "broken", built.facts)] == kinds


def test_only_what_lies_in_the_environment_is_moved_and_only_if_nobody_owns_it(built: Built) -> None:
    ours, theirs = built.write(built.site / "numpy.py"), built.write(built.site / "owned.py")
    away, gone = built.write(built.outside / "numpy.py"), built.site / "gone.py"
    dangling = built.site / "dangling.py"
    dangling.symlink_to("nowhere")
    built.on_disk(owners={str(theirs): "owner 1"})
    found = actions(draft("numpy-shadowed", ours, theirs, away, gone, dangling), "broken", built.facts)
    assert found == (Action("set-aside", (str(ours),)), Action("set-aside", (str(dangling),)))


def test_a_package_of_no_name_is_not_installed(built: Built) -> None:
    assert actions(draft("import-fails", package=""), "broken", built.facts) == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("built-for-another-numpy", "install numpy>2.3.4,<3"),
        ("numpy-unrecorded", "--ignore-installed"),
        ("files-altered", "--force-reinstall"),
        ("dependency-missing", "install numpy=="),
    ],
)
def test_the_way_fits_the_cause(built: Built, name: str, words: str) -> None:
    (action,) = actions(draft(name), "broken", built.facts)
    assert words in str(action)


def test_metadata_of_the_version_that_does_not_run_is_stale(built: Built) -> None:
    other = built.install("numpy", "1.0.0")
    assert stale_infos(built.facts) == [str(other)]
    built.probe("numpy-import", "pass", version="9.9")
    assert stale_infos(built.facts) == []
