"""In a real kernel of a guarded environment: whoever tells of one state names one next step, in a cell's words."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from bootstrap import guard
from bootstrap.health import check
from tests.faults.environments import Site, conda_site, wheel
from tests.support import ROOT
from tests.support.kernels import LATER, LoneKernel, kernel_python

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.colab.client import Result

STEP = "bootstrap.check(repair=True)"
START = "import sys, bootstrap\nfrom bootstrap.guard import tripwire\n_ = tripwire.arm(get_ipython(), sys.prefix)"
UNGUARDED = "!PIP_CONFIG_FILE=/dev/null PIP_CONSTRAINT= {python} -m pip install -q --no-deps {wheel}"
WARNS = re.compile("bootstrap (warning|note)")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A guarded prefix with a kernel: ipykernel and what the product needs are reached by their folders."""
    copy = conda_site().copy(tmp_path / "env")
    kernels = kernel_python(LATER).parents[1]
    needed = [next(folder.glob("lib/python3.11/site-packages")) for folder in (kernels, ROOT / ".venv")]
    copy.write("kernel.pth", "\n".join(map(str, needed)))
    guard.on(copy.root)
    return copy


@contextmanager
def kernel_of(site: Site) -> Iterator[LoneKernel]:
    """A kernel that watches its environment, as a moved one does."""
    with site.active():
        kernel = LoneKernel(site.python, "ipc")
    try:
        kernel.execute(START).require()
        yield kernel
    finally:
        kernel.stop()


def said(result: Result) -> str:
    """All that a cell showed."""
    return "\n".join([result.stdout, *(shown.get("text/plain", "") for shown in result.displays)])


def test_from_the_harm_to_the_repair(site: Site) -> None:
    other = wheel("numpy==2.0.2")
    locked = site.version("numpy")
    with kernel_of(site) as kernel:
        assert "Held here: numpy" in said(kernel.execute(f"!{site.python} -m pip install numpy==2.0.2"))
        # What failed for reasons of its own is none of the guard's.
        assert not WARNS.search(said(kernel.execute(f"!{site.python} -m pip install nowhere-to-be-found")))
        assert not WARNS.search(said(kernel.execute("import numpy")))
        told = {"tripwire": said(kernel.execute(UNGUARDED.format(python=site.python, wheel=other)))}
        told["check"] = said(kernel.execute("print(bootstrap.check(imports=[]))"))
        told["diagnose"] = said(kernel.execute("print(bootstrap.diagnose())"))
        # Cell 2 asked for that version and was refused; cell 5 named a file.
        assert {
            name
            for name in ("check", "diagnose")
            if "by cell 5: `" not in told[name] and "it was cell 5: `" not in told[name]
        } == set()
        assert not re.search(r"(?:by|was) cell [^5]", told["check"] + told["diagnose"])
        assert {name for name, text in told.items() if STEP not in text} == set()
        # Memory holds the locked numpy: a restart would load the other.
        assert {name for name, text in told.items() if re.search("restart the runtime", text, re.IGNORECASE)} == set()
        repaired = said(kernel.execute("print(bootstrap.check(imports=[], repair=True))").require())
        assert f"ok: numpy {locked}" in repaired
        assert not WARNS.search(repaired + said(kernel.execute("import numpy._core.strings").require()))


@pytest.mark.exhaustive
def test_a_kernel_that_starts_on_another_numpy_says_so_at_its_first_cell(site: Site) -> None:
    site.run("-m", "pip", "install", "-q", "--no-deps", str(wheel("numpy==2.0.2")), PIP_CONFIG_FILE="/dev/null")
    with kernel_of(site) as kernel:
        first = said(kernel.execute("1 + 1"))
        assert "numpy 2.0.2 is on disk, where numpy" in first
        assert STEP in first
        assert not WARNS.search(said(kernel.execute("1 + 1")))


def test_a_check_from_elsewhere_looks_from_where_the_kernel_is(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").touch()
    monkeypatch.chdir(tmp_path)
    with kernel_of(site) as kernel:
        (kernel.folder / "random.py").touch()
        found = {cause.id: cause for cause in check(site.root, imports=[]).causes if cause.severity != "note"}
        assert list(found) == ["stdlib-shadowed"], "the checker's folder is not the kernel's"
        assert found["stdlib-shadowed"].files == (str(kernel.folder / "random.py"),)
        told = f"the working folder of the running kernel, process {kernel.process.pid}"
        assert told in found["stdlib-shadowed"].evidence
    assert [cause.id for cause in check(site.root, imports=[]).causes if cause.severity != "note"] == [
        "numpy-elsewhere"
    ]
