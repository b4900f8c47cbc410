"""condacolab used by itself, before the first cell and after it: each time it ends ready, and can be undone.

condacolab 0.1 is the real one; a small installer stands for Miniforge. What 0.2, which is not on PyPI, leaves on a
machine is written here; ``BOOTSTRAP_CONDACOLAB`` may name a checkout of github.com/conda-incubator/condacolab, which
does it itself. A script stands for pixi.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.colab import USUAL, ColabRoot

from .conftest import INSTALL, cell

if TYPE_CHECKING:
    from tests.support.colab import Kernel, Snapshot

    from .conftest import Material

_INSTALLER = """\
#!/bin/bash
set -e
while getopts "bfp:" option; do [[ $option != p ]] || prefix=$OPTARG; done
mkdir -p "$prefix"/conda-meta "$prefix"/bin "$prefix"/lib/python3.{11,12,13}/site-packages
for site in "$prefix"/lib/python3.*/site-packages; do echo 'import broken' > "$site/tqdm.py"; done
touch "$prefix/conda-meta/history"
printf '#!/bin/sh\\n' > "$prefix/bin/conda"; chmod +x "$prefix/bin/conda"
"""
_PIXI = """\
#!/bin/bash
set -e
env=/content/.pixi/envs/default
case $1 in
install)
    /usr/bin/PYTHON -m venv --without-pip --system-site-packages $env
    ln -sf /usr/bin/PYTHON $env/bin/PYTHON
    ln -sf PYTHON $env/bin/python
    mkdir $env/conda-meta
    touch $env/conda-meta/history;;
shell-hook)
    echo "export PATH=$env/bin:$PATH CONDA_PREFIX=$env CONDA_DEFAULT_ENV=colab-pixi-kernel"
    echo "export PIXI_PROJECT_ROOT=/content PIXI_ENVIRONMENT_NAME=default PIXI_IN_SHELL=1";;
esac
"""
_SHIM = """\
#!/bin/bash
eval "$(/usr/local/bin/pixi shell-hook --shell bash)"
exec "/content/.pixi/envs/default/bin/python" "$@"
"""
CONDACOLAB = "import condacolab; condacolab.install_from_url('file:///content/installer.sh')"
WHERE = "import json, os, sys; print(json.dumps([sys.executable, sys.path, os.environ['LD_LIBRARY_PATH']]))"


@pytest.fixture
def machine(colab: ColabRoot) -> ColabRoot:
    """A machine with an installer for condacolab."""
    colab.path("/content/installer.sh").write_text(_INSTALLER)
    return colab


def use_condacolab(kernel: Kernel) -> None:
    """Has condacolab install something; it restarts the kernel."""
    before = kernel.restarts
    kernel.send(CONDACOLAB)
    deadline = time.monotonic() + 120
    while kernel.restarts == before:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    kernel.ready(timeout=120)


def use_pixi(machine: ColabRoot) -> None:
    """Leaves what condacolab 0.2 does: an environment of pixi's, and a script that starts every kernel there."""
    pixi = machine.path("/usr/local/bin/pixi")
    pixi.write_text(_PIXI.replace("PYTHON", f"python{USUAL}"))
    pixi.chmod(0o755)
    script = "cd /content; pixi install; mv /usr/bin/python3 /usr/bin/python3.orig; cp python3 /usr/bin"
    shim = machine.path("/content/python3")
    shim.write_text(_SHIM)
    shim.chmod(0o755)
    if named := os.environ.get("BOOTSTRAP_CONDACOLAB"):
        machine.path("/content/condacolab.py").write_bytes(Path(named, "condacolab.py").read_bytes())
        script = "cd /content; python3 -c 'import condacolab; condacolab.install(restart_kernel=False)'"
        script += "; tail -n 2 /usr/bin/python3 | diff - <(tail -n 2 python3)"
    machine.run(["bash", "-ec", script], check=True)


def where(kernel: Kernel) -> str:
    """The executable that a kernel runs; in the environment it has nothing of any other."""
    executable, path, libraries = json.loads(kernel.execute(WHERE).require().stdout)
    if executable.startswith("/opt/conda/"):
        assert [entry for entry in path if entry.startswith(("/usr", "/content/"))] == []
        assert "/usr/local/lib" not in libraries.split(":")
    return str(executable)


def assert_ready(kernel: Kernel, machine: ColabRoot) -> None:
    """The one line works, and what starts afterwards: kernels, and the machine's Python."""
    assert "ready" in kernel.execute(cell(), timeout=300).require().text
    assert where(kernel) == "/opt/conda/bin/python"
    kernel.restart()
    assert where(kernel) == "/opt/conda/bin/python"
    assert "this kernel runs in" in kernel.execute(cell()).require().text
    assert machine.run(["/usr/bin/python3", "-V"], timeout=60).stdout.startswith("Python 3.")


def assert_undone(
    kernel: Kernel, machine: ColabRoot, before: Snapshot, executable: str, *, but: tuple[str, ...] = ()
) -> None:
    """Interpreter, configuration and journal are as they were."""
    kernel.execute("import bootstrap; bootstrap.undo()").require()
    kernel.execute("1").require()
    kernel.restart()
    assert where(kernel) == executable
    assert machine.run(["/usr/bin/python3", "-V"], timeout=60).stdout.startswith("Python 3.")
    rest = [d.path for d in before.differences(machine.snapshot()) if "__pycache__" not in d.path]
    ours = [path for path in rest if not path.endswith("history.sqlite") and not path.startswith(but)]
    assert ours == []
    assert "nothing to undo" in kernel.execute("import bootstrap; bootstrap.undo()").require().text


def test_condacolab_first(machine: ColabRoot) -> None:
    kernel = machine.kernel()
    kernel.execute(INSTALL).require()
    use_condacolab(kernel)
    assert where(kernel) == "/usr/bin/python3.real"
    before = machine.snapshot()
    assert_ready(kernel, machine)
    assert_undone(kernel, machine, before, "/usr/bin/python3.real")


@pytest.mark.exhaustive
def test_condacolab_afterwards_in_a_kernel_of_the_machine(machine: ColabRoot) -> None:
    kernel = machine.kernel()
    kernel.execute(INSTALL).require()
    before = machine.snapshot()
    machine.run(["bootstrap", "run", "--lock", "/var/locks/small.yml"], check=True)
    use_condacolab(kernel)
    assert where(kernel) == "/opt/conda/bin/python"
    assert_ready(kernel, machine)
    # What it installed stays: that is not ours.
    installed = ("/usr/local/", "/content/condacolab_install.log")
    assert_undone(kernel, machine, before, "/usr/bin/python3", but=installed)


@pytest.mark.exhaustive
def test_condacolab_afterwards_in_the_moved_kernel(material: Material) -> None:
    """It replaces the environment's own interpreter; it does so only where its Python is the one that it is for."""
    with ColabRoot.start("3.11", binds=material.binds) as machine:
        machine.path("/content/installer.sh").write_text(_INSTALLER)
        kernel = machine.kernel()
        kernel.execute(INSTALL).require()
        before = machine.snapshot()
        kernel.execute(cell(), timeout=300).require()
        assert where(kernel) == "/opt/conda/bin/python"
        use_condacolab(kernel)
        assert_ready(kernel, machine)
        installed = ("/usr/local/", "/content/condacolab_install.log")
        assert_undone(kernel, machine, before, "/usr/bin/python3", but=installed)


@pytest.mark.exhaustive
def test_condacolab_on_pixi_first(machine: ColabRoot) -> None:
    machine.run(["/usr/bin/python3", "-m", "pip", "install", "-q", "condacolab-bootstrap"], check=True)
    assert machine.server
    use_pixi(machine)
    kernel = machine.kernel()
    before = machine.snapshot()
    assert_ready(kernel, machine)
    assert_undone(kernel, machine, before, "/content/.pixi/envs/default/bin/python")


@pytest.mark.exhaustive
def test_condacolab_on_pixi_afterwards(machine: ColabRoot) -> None:
    kernel = machine.kernel()
    kernel.execute(INSTALL).require()
    before = machine.snapshot()
    kernel.execute(cell(), timeout=300).require()
    use_pixi(machine)
    kernel.restart()
    assert where(kernel) == "/content/.pixi/envs/default/bin/python"
    assert_ready(kernel, machine)
    installed = (
        "/content/.pixi",
        "/content/pixi.toml",
        "/usr/local/bin/pixi",
        "/content/python3",
        "/content/condacolab.py",
    )
    assert_undone(kernel, machine, before, "/usr/bin/python3", but=installed)


@pytest.mark.exhaustive
def test_a_condacolab_that_is_not_known_is_done_without(machine: ColabRoot) -> None:
    kernel = machine.kernel()
    kernel.execute(INSTALL).require()
    rename = (
        f"cd /usr/local/lib/python{USUAL}/dist-packages; mv condacolab-0.1.*.dist-info condacolab-0.2.0.dist-info"
    )
    machine.run(
        ["bash", "-ec", f"{rename}; sed -i 's/^Version: .*/Version: 0.2.0/' condacolab-*/METADATA"], check=True
    )
    result = kernel.execute(cell().removeprefix(f"{INSTALL}\n"), timeout=300).require()
    assert "condacolab 0.2.0 is not supported; restoring the lock without it." in str(
        [m.content for m in result.messages]
    )
    assert where(kernel) == "/opt/conda/bin/python"
