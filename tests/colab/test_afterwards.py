"""The moved kernel is a whole one: shell commands, pip, conda, input, widgets' comms, interrupts, google.colab."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.colab import ColabRoot, numpy_of
from tests.support.colab.root import HOME

from .conftest import INSTALL, cell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.colab import Kernel

    from .conftest import Material


@pytest.fixture(scope="module")
def moved(material: Material, settled: Path) -> Iterator[Kernel]:
    """A kernel that was moved in place: on a machine whose environment is restored, from its original kernel."""
    with ColabRoot.start(binds=material.binds, layers=[settled]) as colab:
        colab.run(["bootstrap", "undo"], check=True)
        kernel = colab.kernel()
        kernel.execute(cell(), timeout=300).require()
        yield kernel


OWN = "/opt/conda/share/condacolab-bootstrap"


def test_the_environment_and_what_lies_around_it_are_on_the_path(moved: Kernel) -> None:
    found = json.loads(moved.execute("import json, sys; print(json.dumps(sys.path))").stdout)
    own = [f"{OWN}/{name}" for name in ("front", "bridge", "behind")]
    environment = [path for path in found if path.startswith("/opt/conda/lib/")]
    around = [path for path in found if path in own or path in environment]
    assert around == [own[0], *environment, *own[1:]]
    # IPython 7 puts the last two behind, wherever it runs.
    assert set(found) - set(around) <= {"", f"{own[0]}/IPython/extensions", f"{HOME}/.ipython"}


@pytest.mark.parametrize("module", ["numpy", "pandas", "zmq", "traitlets", "google.auth", "yaml", "rich", "psygnal"])
def test_packages_are_the_environments(module: str, moved: Kernel) -> None:
    result = moved.execute(f"import {module}; print({module}.__file__)").require()
    assert result.stdout.startswith("/opt/conda/lib/")


@pytest.mark.parametrize(
    ("module", "version"), [("IPython", "7.34.0"), ("ipykernel", "6.17.1"), ("ipywidgets", "7.7.1")]
)
def test_what_lies_between_the_page_and_python_is_the_machines(module: str, version: str, moved: Kernel) -> None:
    told = f"import {module}, importlib.metadata as m; print({module}.__file__, m.version('{module}'))"
    assert moved.execute(told).require().stdout.split() == [f"{OWN}/front/{module}/__init__.py", version]
    own = moved.execute(f"!python -c '{told.replace(chr(39), chr(34))}'").require().stdout.split()
    assert own[0].startswith("/opt/conda/lib/")
    assert own[1] != version


def test_the_environment_by_itself_is_sound_for_pip(moved: Kernel) -> None:
    assert moved.execute("!pip check").require().stdout == "No broken requirements found.\n"


def test_what_google_colab_imports_later_is_there(moved: Kernel) -> None:
    told = moved.execute(
        "import portpicker, importlib.metadata as m; print(portpicker.__file__, m.version('portpicker'))"
    )
    assert told.require().stdout.split()[0] == f"{OWN}/behind/portpicker.py"
    moved.execute("from google.colab import html, sheets").require()


def test_commands_are_captured_and_modules_reloaded_on_any_python(moved: Kernel) -> None:
    """IPython 7 does neither from Python 3.12 on; this environment's kernel does."""
    # The real google.colab also shows what is captured, and then clears it.
    assert moved.execute("x = !echo 'a b'; echo \"it's\"\nlist(x)").require().text == "['a b', \"it's\"]"
    assert moved.execute("y, z = !echo 1; echo 2\n(y, z, 1 != 2)").require().text == "('1', '2', True)"
    moved.execute("%load_ext autoreload\n%autoreload 2\nopen('mine.py', 'w').write('x = 1')\nimport mine").require()
    changed = "import os; open('mine.py', 'w').write('x = 22'); os.utime('mine.py', (2e9, 2e9))"
    moved.execute(changed).require()
    assert moved.execute("mine.x").text == "22"


@pytest.mark.parametrize(
    "command",
    ["!python -c 'import sys; print(sys.prefix)'", "!pip --version", "%pip --version", "!conda info --json"],
)
def test_commands_act_on_the_environment(command: str, moved: Kernel) -> None:
    result = moved.execute(command).require()
    assert "/opt/conda" in result.stdout
    assert "/usr/lib" not in result.stdout


def test_what_pip_installs_goes_into_the_environment(moved: Kernel) -> None:
    moved.execute("%pip install -q --no-deps condacolab-bootstrap").require()  # satisfied already
    told = moved.execute("!pip show -f condacolab-bootstrap").require().stdout
    assert f"Location: {OWN}/bridge" in told


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("bootstrap.check()", "ok: numpy "),
        ("bootstrap.guard.status()", "guarded: `/opt/conda`: "),
        ("bootstrap.diagnose()", "ok: numpy "),
    ],
)
def test_a_result_is_shown_once_as_a_card_and_as_text(expression: str, shown: str, moved: Kernel) -> None:
    result = moved.execute(f"import bootstrap, numpy; {expression}").require()
    displayed = [m for m in result.messages if m.type in ("execute_result", "display_data", "stream")]
    assert len(displayed) == 1
    assert set(displayed[0].content["data"]) == {"text/plain", "text/html"}
    assert displayed[0].content["data"]["text/plain"].startswith(shown)
    assert "\x1b" not in result.text


def test_damage_is_laid_to_the_cell_that_did_it(moved: Kernel) -> None:
    moved.execute("!pip install --quiet numpy==2.0.0")  # refused, and harmless
    where = moved.execute("import numpy.version; print(numpy.version.__file__)").require().stdout.strip()
    moved.execute("kept = open(numpy.version.__file__).read()").require()
    count = int(moved.execute("print(get_ipython().execution_count)").require().stdout)
    moved.execute(f"print('# damaged', file=open({where!r}, 'a'))").require()
    moved.execute("1 + 1").require()
    (by,) = json.loads(
        moved.execute("import json; print(json.dumps([c.by for c in bootstrap.check().causes]))").stdout
    )
    moved.execute("print(kept, end='', file=open(numpy.version.__file__, 'w'))").require()
    assert by == f"likely by cell {count + 1}: `print('# damaged', file=open({where!r}, 'a'))`"


def test_the_systems_python_is_what_it_was(moved: Kernel) -> None:
    program = (
        "import json, os, sys, numpy; print(json.dumps([sys.executable, sys.prefix, sys.argv, numpy.__version__]))"
    )
    arguments = ["/usr/bin/python3", "-c", program, "a b", "", "*", '"', "-x"]
    told = moved.execute(
        f"import subprocess; print(subprocess.run({arguments!r}, capture_output=True).stdout.decode())"
    )
    executable, prefix, argv, numpy = json.loads(told.require().stdout)
    assert (executable, prefix, numpy) == ("/usr/bin/python3", "/usr", numpy_of())
    assert argv == ["-c", *arguments[3:]]


def test_no_library_of_the_environment_leaks_into_other_programs(moved: Kernel) -> None:
    told = moved.execute("import os; print(os.environ['LD_LIBRARY_PATH'])").require().stdout.strip()
    for folder in told.split(":"):
        listed = moved.execute(
            f"import os; print(os.path.isdir({folder!r}) and os.listdir({folder!r}))"
        ).stdout.strip()
        assert listed in ("[]", "False"), (folder, listed)
    maps = moved.execute("!cat /proc/self/maps").require().stdout
    assert "/opt/conda" not in maps


def test_input(moved: Kernel) -> None:
    result = moved.execute("print('hello', input('name? '))", inputs=["you"]).require()
    assert result.stdout == "hello you\n"


def test_comms(moved: Kernel) -> None:
    """What widgets are made of: a target in the kernel answers what the page opens and sends."""
    moved.execute(
        "def opened(comm, message):\n"
        "    comm.on_msg(lambda m: comm.send({'echo': m['content']['data']}))\n"
        "get_ipython().kernel.comm_manager.register_target('echo', opened)"
    ).require()
    moved.request("comm_open", {"comm_id": "c1", "target_name": "echo", "data": {}})
    sent = moved.request("comm_msg", {"comm_id": "c1", "data": {"n": 1}})
    assert moved.wait(lambda: any(m.type == "comm_msg" and m.parent == sent for m in moved.messages), 20)
    answer = next(m for m in moved.messages if m.type == "comm_msg" and m.parent == sent)
    assert answer.content["data"] == {"echo": {"n": 1}}


def test_interrupt(moved: Kernel) -> None:
    request = moved.send("import time; print('now', flush=True); time.sleep(60)")
    assert moved.wait(lambda: any(m.parent == request and m.type == "stream" for m in moved.messages), 20)
    moved.interrupt()
    result = moved.collect([request], 20)[0]
    assert result.error is not None
    assert result.error.name == "KeyboardInterrupt"
    assert moved.execute("1 + 1").text == "2"


def test_google_colab(moved: Kernel) -> None:
    moved.execute("from google.colab import auth, data_table, drive, files, output, userdata").require()
    names = moved.execute(
        "import google.colab, google.auth; shell = get_ipython()\n"
        "print(google.colab.__file__, type(shell), type(shell.kernel))"
    ).require()
    assert "/bridge/google/colab/" in names.stdout
    assert "google.colab._shell" in names.stdout
    assert "google.colab._kernel.Kernel" in names.stdout
    moved.answers["GetSecret"] = lambda request: {"exists": True, "access": True, "payload": "s3cret"}
    told = moved.execute("from google.colab import userdata; print(userdata.get('KEY'))")
    assert told.require().stdout == "s3cret\n"


def test_matplotlib_draws_inline(moved: Kernel) -> None:
    result = moved.execute("%matplotlib inline\nimport matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()", 120)
    assert any("image/png" in shown for shown in result.require().displays)


def test_a_subprocess_of_this_python_is_the_environments(moved: Kernel) -> None:
    program = (
        "import multiprocessing, sys\n"
        "with multiprocessing.get_context('spawn').Pool(2) as pool: print(pool.map(abs, [-1, 2]))"
    )
    assert moved.execute(program, 120).require().stdout == "[1, 2]\n"


def test_nothing_runs_a_restart(moved: Kernel) -> None:
    assert moved.restarts == 0


@pytest.mark.exhaustive
def test_condacolabs_own_check_passes(material: Material) -> None:
    """On a machine whose Python is the environment's: condacolab compares the two."""
    with ColabRoot.start("3.11", binds=material.binds) as colab:
        kernel = colab.kernel()
        kernel.execute(cell(), timeout=300).require()
        told = kernel.execute(
            "import condacolab; condacolab.check('/opt/conda'); print(condacolab.__version__)"
        ).require()
        assert "Everything looks OK" in told.stdout
        assert "0.1.10" in told.stdout
        # Its own installer then has nothing to do.
        kernel.execute("condacolab.install_from_url('file:///nowhere', prefix='/opt/conda')").require()
        assert kernel.restarts == 0


@pytest.mark.exhaustive
def test_training_with_workers_in_the_whole_environment(material: Material) -> None:
    with ColabRoot.start(binds=material.binds, size="12g") as colab:
        kernel = colab.kernel()
        kernel.execute(cell("full"), timeout=400).require()
        result = kernel.execute(
            "import torch, numpy\n"
            "from torch.utils.data import DataLoader, TensorDataset\n"
            "data = TensorDataset(torch.arange(64))\n"
            "print(sum(int(batch[0].sum()) for batch in DataLoader(data, batch_size=8, num_workers=2)))\n"
            "print(torch.__file__, numpy.__file__)",
            timeout=120,
        ).require()
        total, torch, numpy = result.stdout.split()
        assert total == str(sum(range(64)))
        assert torch.startswith("/opt/conda/lib/")
        assert numpy.startswith("/opt/conda/lib/")


@pytest.mark.exhaustive
def test_where_the_move_is_not_possible_the_kernel_restarts_once(material: Material, settled: Path) -> None:
    with ColabRoot.start(binds=material.binds, layers=[settled]) as colab:
        colab.run(["bootstrap", "undo"], check=True)
        kernel = colab.kernel()
        kernel.execute(f"{INSTALL}; import bootstrap.runtime.kernel.move as move").require()
        kernel.execute("move.obstacle = lambda kernel: 'the test says so'").require()
        first, behind = kernel.collect([kernel.send(cell()), kernel.send("1")], timeout=300)
        assert first.error is not None
        assert "restarts once" in first.error.value
        assert "the test says so" in first.error.traceback
        assert "ignore it" in first.error.traceback
        assert behind.status == "aborted"
        assert kernel.wait(lambda: kernel.restarts == 1, 60)
        kernel.ready(timeout=120)
        assert kernel.execute("import sys; print(sys.prefix)").stdout == "/opt/conda\n"
        assert "this kernel runs in" in kernel.execute(cell()).require().text


FROM_A_TERMINAL = """
import json, os, subprocess, time
open("random.py", "w").close()
check = "bootstrap check --prefix /opt/conda --quick --json -q"
subprocess.run(["setsid", "-f", "sh", "-c", f"cd /tmp; touch numpy.py; {check} > told; mv told told.json"])
while not os.path.exists("/tmp/told.json"):
    time.sleep(0.2)
os.remove("random.py")
causes = json.load(open("/tmp/told.json"))["causes"]
told = [cause for cause in causes if cause["severity"] != "note"]
print(json.dumps([[cause["id"], cause["files"], cause["evidence"]] for cause in told]))
"""


@pytest.mark.exhaustive
def test_a_check_in_a_terminal_looks_from_where_the_kernel_is(moved: Kernel) -> None:
    """A process that the kernel hasn't started, in another folder: the moved kernel is found, not the relay."""
    [[name, files, evidence]] = json.loads(moved.execute(FROM_A_TERMINAL, timeout=120).require().stdout)
    assert (name, files) == ("stdlib-shadowed", ["/content/random.py"])
    pid = moved.execute("import os; print(os.getpid())").require().stdout.strip()
    assert f"the working folder of the running kernel, process {pid}" in evidence
