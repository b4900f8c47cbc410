"""Whatever is healthy is called healthy, from outside and from within."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest

from tests.faults.environments import HEALTHY, OLD, OTHER_PYTHONS, conda_site, pip_site, wheel
from tests.support import ROOT, one_of
from tests.support.pythons import find_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.environments import Site

_PROGRAM = f"""
import json, sys
sys.path += [{str(ROOT)!r}, {sysconfig.get_path("purelib")!r}]
import numpy, numpy.random, numpy.fft
import bootstrap
report = bootstrap.check(imports=())
print(json.dumps(report.to_dict()))
"""


def causes(site: Site, *imports: str, full: bool = False) -> list[tuple[str, str]]:
    """What is found from outside and, with numpy loaded, from within."""
    report = site.examine(*imports, full=full)
    done = site.run("-c", _PROGRAM)
    assert done.returncode == 0, done.stderr
    inner = json.loads(done.stdout)
    assert inner["live"]
    return [(c.id, c.severity) for c in report.causes] + [(c["id"], c["severity"]) for c in inner["causes"]]


@pytest.mark.parametrize("version", one_of(None, *sorted({*OLD.values(), *HEALTHY} - {"2.3.5"})))
def test_numpy_from_a_wheel(version: str | None) -> None:
    assert causes(pip_site(version), full=True) == []


@pytest.mark.parametrize("level", one_of("full", "quick"))
def test_locked_prefix(level: str) -> None:
    assert causes(conda_site(), "pandas", "scipy", full=level == "full") == []


@pytest.mark.parametrize("level", one_of("full", "quick"))
def test_prefix_with_what_a_user_installed(tmp_path: Path, level: str) -> None:
    site = conda_site().copy(tmp_path / "env")
    project = tmp_path / "mine"
    (project / "mine").mkdir(parents=True)
    (project / "mine" / "__init__.py").write_text("import numpy\nvalue = int(numpy.arange(4).sum())\n")
    (project / "setup.py").write_text(
        "from setuptools import setup\nsetup(name='mine', version='1', packages=['mine'])\n"
    )
    # An editable installation, as pip leaves it, and a package from a wheel.
    info = "mine-1.dist-info"
    site.write("__editable__.mine-1.pth", f"{project}\n")
    site.write(f"{info}/METADATA", "Metadata-Version: 2.1\nName: mine\nVersion: 1\nRequires-Dist: numpy>=2\n")
    site.write(f"{info}/INSTALLER", "pip\n")
    site.write(f"{info}/direct_url.json", json.dumps({"url": project.as_uri(), "dir_info": {"editable": True}}))
    site.write(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/RECORD,,\n__editable__.mine-1.pth,,\n")
    site.pip("install", "-q", "--no-deps", str(wheel("pytz")))
    assert causes(site, "pandas", "mine", full=level == "full") == []


@pytest.mark.parametrize("bytecode", one_of("none", "written"))
def test_bytecode_or_none(bytecode: str, tmp_path: Path) -> None:
    site = pip_site(None, "scipy", "pandas").copy(tmp_path / "env")
    for cache in list(site.site.rglob("__pycache__")):
        shutil.rmtree(cache)
    if bytecode == "written":
        subprocess.run([site.python, "-m", "compileall", "-q", site.site / "numpy"], check=False)
    assert causes(site) == []


def test_read_only_prefix(tmp_path: Path) -> None:
    site = conda_site().copy(tmp_path / "env")
    mount = f"mount --bind '{site.root}' '{site.root}' && mount -o remount,bind,ro '{site.root}' && "
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path; from bootstrap.health import check; from bootstrap.lock import read_lock\n"
        f"report = check(Path({str(site.root)!r}), lock=read_lock(Path({str(site.lock)!r})), imports=['pandas'])\n"
        "assert not report.causes, report\n"
        f"try: Path({str(site.root / 'x')!r}).write_text('')\n"
        "except OSError: pass\nelse: raise SystemExit('writable')\n"
    )
    script = tmp_path / "look.py"
    script.write_text(program)
    from tests.support.namespace import run_in_namespace

    done = run_in_namespace(f"{mount}exec {sys.executable} {script}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_numpy_is_not_imported_by_the_check() -> None:
    program = _PROGRAM.replace("import numpy, numpy.random, numpy.fft\n", "").replace(
        "print(json", "assert 'numpy' not in sys.modules\nprint(json"
    )
    done = pip_site().run("-c", program)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["causes"] == []


def test_an_identical_reinstallation_needs_no_restart(tmp_path: Path) -> None:
    """The files are others, the content is the same: memory and disk agree."""
    site = pip_site().copy(tmp_path / "env")
    again = (
        "import numpy, subprocess\n"
        "command = [sys.executable, '-m', 'pip', 'install', '-q', '--force-reinstall', '--no-deps', 'numpy']\n"
        "subprocess.run(command, check=True, capture_output=True)\n"
    )
    done = site.run("-c", _PROGRAM.replace("import numpy, numpy.random, numpy.fft\n", again))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["causes"] == []


def test_what_is_healthy_but_for_another_installers_name(tmp_path: Path) -> None:
    """pip has laid conda's own numpy over itself, byte for byte: doubtful at most, and nobody's version is wrong."""
    site = conda_site().copy(tmp_path / "env")
    site.pip("install", "-q", "--force-reinstall", "--no-deps", "numpy")
    report = site.examine()
    assert report.verdict != "broken", report
    assert "Another installer has" not in repr(report)


@pytest.mark.parametrize(
    "settings",
    one_of(
        "numpy.seterr(all='raise')", "numpy.set_printoptions(precision=3)", "numpy.ones(3).flags.writeable = False"
    ),
)
def test_settings_are_a_note_at_most(settings: str) -> None:
    done = pip_site().run("-c", _PROGRAM.replace("import bootstrap\n", f"{settings}\nimport bootstrap\n"))
    assert done.returncode == 0, done.stderr
    assert {cause["severity"] for cause in json.loads(done.stdout)["causes"]} <= {"note"}


@pytest.mark.parametrize("checker", one_of("the same", *OTHER_PYTHONS))
@pytest.mark.parametrize("place", ["off", "on"])
def test_the_users_site_folder_is_the_examined_interpreters(tmp_path: Path, checker: str, place: str) -> None:
    """A plain virtual environment reads none; whoever else checks may have one, and a path of its own."""
    program = sys.executable if checker == "the same" else find_python(checker)
    if program is None:
        pytest.skip(f"no Python {checker}")
    for version in ("3.10", "3.11", "3.12", "3.13"):
        stub = tmp_path / "lib" / f"python{version}" / "site-packages" / "numpy" / "__init__.py"
        stub.parent.mkdir(parents=True)
        stub.write_text("__version__ = '1.0'\n")
    site = pip_site()
    environment = {
        **site.environment,
        "PYTHONUSERBASE": str(tmp_path),
        "PYTHONNOUSERSITE": "" if place == "on" else "1",
    }
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])
    command = [program, "-m", "bootstrap", "check", "--python", site.python, "--quick", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_old_names_that_notebooks_put_back_are_no_fault() -> None:
    shims = "import numpy\nnumpy.float = float\nnumpy.int = int\nnumpy.bool_ = numpy.bool_\n"
    done = pip_site().run("-c", _PROGRAM.replace("import bootstrap\n", f"{shims}import bootstrap\n"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["causes"] == []
