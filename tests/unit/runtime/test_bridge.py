"""What is taken from the machine's own Python, and in which folder it comes to lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap.runtime import bridge, kernel_packages
from bootstrap.runtime.environment_paths import EnvironmentPaths


def distribution(folder: Path, name: str, *files: str, requires: tuple[str, ...] = ()) -> None:
    """Installs a distribution as pip does."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {r}" for r in requires)]
    (info / "METADATA").write_text("\n".join([*lines, ""]))
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in [*files, f"{info.name}/METADATA"]))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's packages: a Colab whose ipywidgets is compiled, and that has no jedi."""
    packages = tmp_path / "dist-packages"
    needed = ("backcall", "jedi>=0.16", "traitlets", 'pywin; extra == "win"')
    files = ("IPython/__init__.py", "IPython/extensions/autoreload.py", "../../bin/ipython")
    distribution(packages, "ipython", *files, requires=needed)
    distribution(packages, "backcall", "backcall.py")
    distribution(packages, "traitlets", "traitlets.py")
    distribution(packages, "ipykernel", "ipykernel.py", requires=("ipython",))
    distribution(packages, "ipywidgets", "ipywidgets/__init__.py", "ipywidgets/fast.so")
    distribution(packages, "anywidget", "anywidget.py", requires=("psygnal",))
    distribution(packages, "psygnal", "psygnal/_core.cpython-313-x86_64-linux-gnu.so")
    distribution(packages, "gspread", "gspread.py", requires=("google-auth-oauthlib",))
    distribution(packages, "google-auth-oauthlib", "google_auth_oauthlib.py")
    distribution(packages, "openai", "openai.py", requires=("jiter",))
    distribution(packages, "jiter", "jiter.abi3.so")
    distribution(packages, "google-colab", "google/colab/__init__.py", requires=("ipython==1.0",))
    (packages / "google/colab/sheets.py").write_text("def f():\n  import gspread\nTEXT = '''\nimport openai\n'''\n")
    (packages / "colab_kernel_launcher.py").touch()
    monkeypatch.syspath_prepend(packages)
    monkeypatch.delitem(__import__("sys").modules, "google", raising=False)
    return packages


def environment(tmp_path: Path, *names: str) -> EnvironmentPaths:
    """An environment with these packages."""
    layout = EnvironmentPaths(tmp_path / "env")
    packages = tmp_path / "env/lib/python3.13/site-packages"
    for name in names:
        distribution(packages, name, f"{name}.py")
    return layout


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.usefixtures("machine")
def test_each_part_lies_where_those_see_it_who_need_it(tmp_path: Path) -> None:
    layout = environment(tmp_path, "jedi", "traitlets", "psygnal")
    bridge.build(layout, colab=True)
    assert names(layout.front) == {
        "IPython",
        "ipython-1.0.dist-info",
        "ipykernel.py",
        "ipykernel-1.0.dist-info",
        "anywidget.py",
        "anywidget-1.0.dist-info",
        kernel_packages.ABSENT_NAME,
    }
    assert (layout.front / kernel_packages.ABSENT_NAME).read_text() == "jedi\n"
    assert {name for name in names(layout.behind) if not name.endswith("-info")} == {
        "backcall.py",
        "gspread.py",
        "google_auth_oauthlib.py",
    }
    assert "google_colab-1.0.dist-info" in names(layout.behind)
    assert names(layout.bridge) >= {"google", "colab_kernel_launcher.py", "bootstrap", "workbench"}
    assert (layout.bridge / "bootstrap/__init__.py").is_file()
    assert "google_colab-1.0.dist-info" not in names(layout.bridge)
    linked = (layout.site_packages() / bridge.PTH_NAME).read_text().strip()
    assert (layout.site_packages() / linked).resolve() == layout.bridge


def test_autoreload_of_ipython_7_needs_no_imp_and_the_machines_own_stays(machine: Path, tmp_path: Path) -> None:
    own = machine / "IPython/extensions/autoreload.py"
    own.write_text("from imp import reload\n")
    layout = environment(tmp_path, "jedi", "traitlets", "psygnal")
    bridge.build(layout, colab=True)
    copy = layout.front / "IPython/extensions/autoreload.py"
    assert copy.read_text() == "from importlib import reload\n"
    assert own.read_text() == "from imp import reload\n"


@pytest.mark.usefixtures("machine")
def test_what_needs_something_compiled_that_the_lock_lacks_stays_out(tmp_path: Path) -> None:
    layout = environment(tmp_path, "jedi", "traitlets")
    bridge.build(layout, colab=True)
    assert "anywidget.py" not in names(layout.front)
    assert "psygnal" not in names(layout.behind)


@pytest.mark.usefixtures("machine")
def test_what_an_import_writes_meanwhile_is_no_change(tmp_path: Path) -> None:
    layout = environment(tmp_path, "traitlets")
    bridge.build(layout, colab=False)
    compiled = layout.bridge / "bootstrap/__pycache__/api.cpython-313.pyc.140234"
    compiled.parent.mkdir()
    compiled.touch()
    assert bridge.is_current(layout, colab=False)
    (layout.bridge / "bootstrap/new.py").touch()
    assert not bridge.is_current(layout, colab=False)


@pytest.mark.usefixtures("machine")
def test_off_colab_only_this_distribution_comes(tmp_path: Path) -> None:
    layout = environment(tmp_path, "traitlets")
    bridge.build(layout, colab=False)
    assert not layout.front.exists()
    assert not layout.behind.exists()
    assert "google" not in names(layout.bridge)
