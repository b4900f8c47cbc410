"""Whatever is brought: what is in place goes on working until the new environment is proven to start a kernel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.colab import USUAL
from tests.support.colab.snapshot import take
from tests.support.locks_reduced import reduce_lock

from .conftest import SMALL, cell
from .test_run import reached

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.colab import ColabRoot, Kernel

    from .conftest import Material

LOADED = "import sys, numpy, pandas; print(sys.executable, numpy.arange(3).sum(), pandas.Series([1]).sum())"
WORKS = "/opt/conda/bin/python 3 1\n"


@pytest.fixture
def locks(ready: ColabRoot, material: Material, tmp_path: Path) -> ColabRoot:
    """A machine that is ready, with two other locks in its working folder."""
    for name, packages in {"bare": ("python", "numpy", "pandas"), "more": (*SMALL, "scipy")}.items():
        made = reduce_lock(material.locks / "full.yml", tmp_path / f"{name}.yml", packages)
        ready.path(f"/content/{name}.yml").write_text(made.read_text())
    return ready


def run(lock: str, **options: object) -> str:
    """The first cell, with a lock of the working folder."""
    return cell(**options).replace("/var/locks/small.yml", f"/content/{lock}.yml")


def assert_as_before(machine: ColabRoot, kernel: Kernel) -> None:
    """The environment is the first lock's, and kernels run in it: this one, and the next."""
    assert kernel.execute(LOADED).require().stdout == WORKS
    kernel.restart()
    assert kernel.execute(LOADED).require().stdout == WORKS
    told = json.loads(machine.run(["bootstrap", "status", "--lock", "/var/locks/small.yml", "--json"]).stdout)
    assert told["agrees"]
    assert [path.name for path in machine.path("/opt").iterdir() if path.name.startswith(".")] == []


def test_a_lock_without_a_kernel_is_refused_at_once(locks: ColabRoot) -> None:
    kernel = locks.kernel()
    before = take(locks)
    failed = kernel.execute(run("bare"))
    assert failed.error is not None
    assert "This lock lacks packages that a notebook's kernel needs" in failed.error.value
    lines = failed.error.traceback.splitlines()
    assert {"    - ipykernel 6.*", "    - httplib2"} <= set(lines)
    assert not any("numpy" in line for line in lines)
    done = locks.run(["bootstrap", "restore", "--lock", "bare.yml", "--prefix", "/opt/conda", "--json"])
    assert json.loads(done.stdout)["error"] == "kernel-not-locked"
    changed = [d.path for d in before.differences(take(locks)) if d.path.startswith("/opt/")]
    assert [path for path in changed if "__pycache__" not in path] == []
    assert_as_before(locks, kernel)


def test_an_environment_in_which_no_kernel_starts_is_never_in_place(locks: ColabRoot) -> None:
    kernel = locks.kernel()
    # The lock has all that it needs; what it is completed with on this machine doesn't run.
    broken = locks.path(f"/usr/local/lib/python{USUAL}/dist-packages/google/colab/_kernel.py")
    text = broken.read_text()
    broken.write_text(f"{text}\nraise OSError('out of order')\n")
    done = locks.run(["bootstrap", "run", "--lock", "/content/more.yml", "--json"])
    told = json.loads(done.stdout)
    assert told["error"] == "kernel-proof"
    assert any("OSError: out of order" in line for line in told["evidence"]), told
    assert_as_before(locks, kernel)
    broken.write_text(text)
    locks.run(["bootstrap", "run", "--lock", "/content/more.yml"], check=True)
    kernel.restart()
    assert kernel.execute("import scipy, sys; print(sys.prefix)").require().stdout == "/opt/conda\n"


@pytest.mark.exhaustive
@pytest.mark.parametrize("stage", ["comparing", "verifying", "connecting", "proving"])
def test_killed_while_another_environment_is_made(stage: str, locks: ColabRoot) -> None:
    kernel = locks.kernel()
    request = kernel.send(run("more"))
    assert kernel.wait(lambda: reached(kernel, request, stage), 120)
    kernel.kill()
    kernel.ready(timeout=120)
    told = kernel.execute("import sys; print(sys.prefix)").require()
    assert told.stdout == "/opt/conda\n"
    # Either the one or the other, whole.
    agreed = [
        name
        for name in ("/var/locks/small.yml", "more.yml")
        if json.loads(locks.run(["bootstrap", "status", "--lock", name, "--json"]).stdout)["agrees"]
    ]
    assert len(agreed) == 1
    assert "ready" in kernel.execute(run("more"), timeout=300).require().text
    assert kernel.execute("import scipy, sys; print(sys.prefix)").require().stdout == "/opt/conda\n"
    assert [path.name for path in locks.path("/opt").iterdir() if path.name.startswith(".")] == []


@pytest.mark.exhaustive
def test_a_restore_of_the_kernels_environment_is_proven_as_well(locks: ColabRoot) -> None:
    kernel = locks.kernel()
    done = locks.run(["bootstrap", "restore", "--lock", "more.yml", "--prefix", "/opt/conda", "--json"], check=True)
    assert "prove" in json.loads(done.stdout)["seconds"]
    kernel.restart()
    assert kernel.execute("import scipy, sys; print(sys.prefix)").require().stdout == "/opt/conda\n"
    assert "this kernel runs in" in kernel.execute(run("more")).require().text
