"""The Colab stand-in: is it what it says, and does it leave nothing behind?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import ROOT
from tests.support.colab import UNTIL_THE_NEXT_HAS_COME, USUAL, VERSIONS, ColabRoot, each_version, numpy_of
from tests.support.colab.client import read_whole
from tests.support.colab.root import HOME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.colab import Kernel


@pytest.fixture(scope="module", params=each_version())
def colab(request: pytest.FixtureRequest) -> Iterator[ColabRoot]:
    """A machine with a server, for tests that leave it as it is; the oldest over TCP, the others as Colab's own."""
    with ColabRoot.start(request.param, transport="tcp" if request.param == VERSIONS[0] else "ipc") as machine:
        yield machine


@pytest.fixture(scope="module")
def kernel(colab: ColabRoot) -> Iterator[Kernel]:
    started = colab.kernel()
    yield started
    started.close()


@pytest.fixture
def machine() -> Iterator[ColabRoot]:
    """A machine to be changed."""
    with ColabRoot.start() as made:
        yield made


def python(colab: ColabRoot, program: str) -> str:
    return colab.run(["python3", "-c", program], check=True).stdout.strip()


class TestLayout:
    def test_interpreter_and_packages_lie_where_colab_has_them(self, colab: ColabRoot) -> None:
        program = "import sys, numpy; print(sys.executable, sys.prefix, numpy.__file__, numpy.__version__)"
        executable, prefix, numpy, version = python(colab, program).split()
        short = python(colab, "import sys; print('%d.%d' % sys.version_info[:2])")
        assert (executable, prefix) == ("/usr/bin/python3", "/usr")
        assert numpy == f"/usr/local/lib/python{short}/dist-packages/numpy/__init__.py"
        assert version == numpy_of(short)

    def test_nothing_of_this_machines_python_is_seen(self, colab: ColabRoot) -> None:
        found = python(colab, "import sys; print(*sys.path, sep='\\n')").splitlines()
        assert all(path in ("", "/env/python") or path.startswith("/usr/") for path in found)
        for path in (ROOT, sys.prefix, sys.base_prefix, Path.home() / ".pyenv"):
            if not str(path).startswith("/usr"):
                assert colab.run(["test", "-e", path]).returncode == 1, path
        commands = colab.run(
            ["bash", "-c", "compgen -c | grep -E '^(python|pip|conda|mamba|pyenv|uv)'"]
        ).stdout.split()
        assert commands
        for command in set(commands):
            where = colab.run(["bash", "-c", f"readlink -f $(command -v {command})"]).stdout.strip()
            assert where.startswith(("/usr/local/bin/", "/usr/bin/python3.")), command

    def test_the_packages_fit_each_other(self, colab: ColabRoot) -> None:
        """Colab leaves out jedi, and says so in every `pip check`."""
        checked = colab.run(["pip", "check"])
        assert checked.stdout.strip() == "ipython 7.34.0 requires jedi, which is not installed."

    def test_google_is_a_namespace_for_three(self, colab: ColabRoot) -> None:
        names = python(colab, "import google.colab, google.auth, google.protobuf; print(google.colab.__name__)")
        assert names == "google.colab"

    def test_a_virtual_environment_is_its_own(self, colab: ColabRoot) -> None:
        colab.run(["python3", "-m", "venv", "--without-pip", "/tmp/own"], check=True)
        asked = colab.run(["/tmp/own/bin/python", "-c", "import numpy"], env={"PYTHONPATH": None})
        assert "No module named 'numpy'" in asked.stderr


class TestKernel:
    def test_it_is_colabs(self, kernel: Kernel) -> None:
        program = "import sys, os\nprint('numpy' in sys.modules, os.getcwd(), os.getpid())\nget_ipython().__class__"
        result = kernel.execute(program).require()
        loaded, folder, pid = result.stdout.split()
        assert (loaded, folder, int(pid)) == ("True", "/content", kernel.pid)
        assert result.text == "google.colab._shell.Shell"
        assert kernel.execute("type(get_ipython().kernel)").text == "google.colab._kernel.Kernel"

    def test_it_is_reached_as_the_server_was_told(self, colab: ColabRoot, kernel: Kernel) -> None:
        connection = read_whole(colab.path(kernel.connection_file))
        assert connection["transport"] == colab.transport
        assert kernel.execute("import os; os.environ['COLAB_JUPYTER_TRANSPORT']").text == repr(colab.transport)

    def test_its_tooltips_carry_fields_for_the_page(self, kernel: Kernel) -> None:
        reply = kernel.reply(kernel.request("inspect_request", {"code": "print", "cursor_pos": 3, "detail_level": 0}))
        assert reply.content["data"]["application/json"]["type_name"] == "builtin_function_or_method"

    def test_thirty_queued_cells_answer_in_order(self, kernel: Kernel) -> None:
        ids = [kernel.send(f"print({n}); {n} * 2") for n in range(30)]
        results = kernel.collect(ids)
        assert [(r.status, r.replies, r.stdout, r.text) for r in results] == [
            ("ok", 1, f"{n}\n", str(n * 2)) for n in range(30)
        ]
        answered = [m.time for r in results for m in r.messages if m.type == "execute_reply"]
        assert answered == sorted(answered)
        counts = [r.execution_count or 0 for r in results]
        assert counts == list(range(counts[0], counts[0] + 30))

    def test_cells_behind_an_error_are_aborted(self, kernel: Kernel) -> None:
        results = kernel.collect([kernel.send(f"{UNTIL_THE_NEXT_HAS_COME}1 / 0"), kernel.send("2")])
        assert [r.status for r in results] == ["error", "aborted"]
        assert results[0].error is not None and results[0].error.name == "ZeroDivisionError"

    def test_two_clients_hear_each_others_cells(self, kernel: Kernel) -> None:
        second = kernel.client()
        sent = kernel.send("print('for both')")
        kernel.collect([sent])
        assert second.wait(lambda: second.result(sent).stdout == "for both\n", 10)
        assert second.execute("6 * 7").text == "42"
        second.close()

    def test_shell_commands_run_on_a_terminal_and_can_be_interrupted(self, kernel: Kernel) -> None:
        assert kernel.execute("!test -t 1 && echo terminal; pwd").require().stdout == "terminal\n/content\n"
        assert kernel.execute("!exit 3\n_exit_code").text == "3"
        sent = kernel.send("!echo begun; sleep 100")
        assert kernel.wait(lambda: "begun" in kernel.result(sent).stdout, 30)
        kernel.interrupt()
        assert kernel.collect([sent], 30)[0].stdout == "begun\n^C\n"
        assert kernel.execute("get_ipython().getoutput('echo taken')").text == "['taken']"

    def test_input_and_secrets_come_from_the_page(self, kernel: Kernel) -> None:
        assert kernel.execute("input('name? ')", inputs=["Ada"]).text == "'Ada'"
        kernel.answers["GetSecret"] = lambda request: {"exists": True, "access": True, "payload": request["key"] * 2}
        assert kernel.execute("from google.colab import userdata; userdata.get('ab')").text == "'abab'"

    def test_a_file_reaches_the_page_over_a_comm(self, kernel: Kernel) -> None:
        program = "from google.colab import files; open('big', 'wb').write(b'x' * 1500000); files.download('big')"
        shown = kernel.execute(program).require().displays
        target = shown[-1]["application/javascript"].split('"')[1]
        kernel.request("comm_open", {"comm_id": "c1", "target_name": target, "data": {}})
        for _ in range(3):
            kernel.request("comm_msg", {"comm_id": "c1", "data": {}})
        assert kernel.wait(lambda: any(m.type == "comm_close" for m in kernel.messages), 10)
        pieces = [m.buffers[0] for m in kernel.messages if m.type == "comm_msg" and m.buffers]
        assert b"".join(pieces) == b"x" * 1500000

    def test_data_frames_become_tables(self, kernel: Kernel) -> None:
        shown = kernel.execute(
            "from google.colab import data_table\nimport pandas\n"
            "data_table.enable_dataframe_formatter()\npandas.read_csv('sample_data/words.csv')"
        ).require()
        assert "locked" in shown.displays[-1]["application/vnd.google.colaboratory.module+javascript"]
        kernel.execute("data_table.disable_dataframe_formatter()").require()

    def test_the_server_restarts_a_dead_kernel(self, kernel: Kernel) -> None:
        before, restarts = kernel.pid, kernel.restarts
        kernel.execute("left = 1").require()
        kernel.kill()
        lost = kernel.collect([kernel.send("left")], 0.5)[0]
        assert (lost.status, lost.replies) == ("lost", 0)
        kernel.ready()
        assert kernel.alive and kernel.pid != before and kernel.restarts == restarts + 1
        assert kernel.execute("'left' in globals()").text == "False"
        kernel.restart()
        assert kernel.execute("1").text == "1"
        assert kernel.restarts == restarts + 1, "a restart by the user is none by the server"


class TestPip:
    def test_the_reported_failure(self, colab: ColabRoot) -> None:
        """numpy 2.3.4 over a loaded 2.0.2 (2.1.3 on Python 3.13), as the report's notebook did it."""
        short = python(colab, "import sys; print('%d.%d' % sys.version_info[:2])")
        colab.stop_server()
        with colab.copy() as machine:
            kernel = machine.kernel()
            kernel.execute("!pip install --force-reinstall 'numpy>=2.0,<3.0' -q").require()
            broken = kernel.execute("import numpy; print(numpy.__version__)\nimport numpy._core.strings")
            assert broken.stdout.strip() == numpy_of(short)
            assert broken.error is not None and broken.error.name == "ImportError"
            missing = "_slice" if short == "3.13" else "_center"
            assert broken.error.value.startswith(f"cannot import name '{missing}' from 'numpy._core.umath'")
            assert python(machine, "import numpy, numpy._core.strings; print(numpy.__version__)") == "2.3.4"
        assert python(colab, "import numpy; print(numpy.__version__)") != "2.3.4"

    def test_loud_installs_warn_of_loaded_packages(self, machine: ColabRoot) -> None:
        shown = machine.kernel().execute("%pip install --force-reinstall numpy").require().displays
        assert [d["application/vnd.colab-display-data+json"]["pip_warning"] for d in shown] == [
            {"packages": ["numpy"]}
        ]

    def test_this_project_is_found_and_installed(self, machine: ColabRoot) -> None:
        installed = machine.run(["pip", "install", "-q", "condacolab-bootstrap"])
        assert installed.returncode == 0, installed.stderr
        assert machine.run(["bootstrap", "--version"]).stdout.startswith("condacolab-bootstrap ")
        where = python(
            machine, "import bootstrap, importlib.metadata as m; print(m.version('condacolab'), bootstrap.__file__)"
        )
        assert where.split()[1].startswith(f"/usr/local/lib/python{USUAL}/dist-packages/")


class TestRoot:
    def test_changes_are_told_and_undoing_them_leaves_none(self, machine: ColabRoot) -> None:
        def steps(script: str) -> None:
            machine.run(["bash", "-ec", script], check=True)

        before = machine.snapshot()
        steps("""
            mv /usr/bin/python3 /usr/bin/python3.real; echo '#!/bin/bash' > /usr/bin/python3
            echo 'c.x = 1' >> /etc/ipython/ipython_config.py; chmod 600 /etc/hosts; mkdir -p /opt/conda/bin
            rm /usr/bin/git; mv /content/sample_data /content/moved; rm -r ~/.ipython; mkdir ~/.ipython
        """)
        found = {
            difference.path: str(difference)[:8].strip() for difference in before.differences(machine.snapshot())
        }
        config = f"{HOME}/.ipython/profile_default"
        assert found == {
            "/usr/bin/python3": "changed",
            "/usr/bin/python3.real": "new",
            "/etc/ipython/ipython_config.py": "changed",
            "/etc/hosts": "changed",
            "/opt/conda": "new",
            "/opt/conda/bin": "new",
            "/usr/bin/git": "gone",
            **{f"/content/sample_data{name}": "gone" for name in ("", "/README.md", "/words.csv")},
            **{f"/content/moved{name}": "new" for name in ("", "/README.md", "/words.csv")},
            **dict.fromkeys((config, f"{config}/ipython_config.py"), "gone"),
        }
        git, hosts = (Path(path).stat().st_mode & 0o777 for path in ("/usr/bin/git", "/etc/hosts"))
        machine.path("/usr/bin/git").write_bytes(Path("/usr/bin/git").read_bytes())
        steps(f"""
            mv /usr/bin/python3.real /usr/bin/python3; sed -i '$d' /etc/ipython/ipython_config.py
            chmod {hosts:o} /etc/hosts; rm -r /opt/conda; chmod {git:o} /usr/bin/git
            mv /content/moved /content/sample_data
        """)
        left = before.differences(machine.snapshot(), but={f"{config}*": "not brought back here"})
        assert left == []
        with pytest.raises(AssertionError, match="nothing to leave out"):
            before.differences(machine.snapshot(), but={"/nowhere/*": "hides nothing"})

    def test_what_happens_inside_stays_inside(self, machine: ColabRoot) -> None:
        machine.run(["bash", "-c", "echo mine > /etc/standin; rm /usr/bin/env; echo > /content/x"], check=True)
        assert Path("/usr/bin/env").exists() and not Path("/etc/standin").exists()
        assert machine.path("/etc/standin").read_text() == "mine\n"

    def test_what_is_bound_can_only_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("outside")
        with ColabRoot.start(binds={"/channel": tmp_path}, env={"COLAB_GPU": "1"}) as machine:
            assert machine.run(["cat", "/channel/file"]).stdout == "outside"
            assert "Read-only" in machine.run(["touch", "/channel/other"]).stderr
            assert machine.run(["bash", "-c", "echo $COLAB_GPU $PATH"]).stdout.startswith("1 /opt/bin:")
            assert machine.snapshot().changed == {}

    def test_copies_and_saved_layers_have_what_was_there(self, machine: ColabRoot, tmp_path: Path) -> None:
        machine.run(["bash", "-c", "echo first > /content/x; rm -r /content/sample_data"], check=True)
        copy = machine.copy()
        machine.close()
        second = copy.copy()
        for root in (copy, second):
            assert root.run(["bash", "-c", "cat /content/*"]).stdout == "first\n"
            assert root.snapshot().changed == {}
        second.run(["bash", "-c", "echo second > /content/x"])
        assert copy.run(["cat", "/content/x"]).stdout == "first\n"
        saved = second.save(tmp_path / "layer")
        copy.close()
        second.close()
        with ColabRoot.start(layers=[saved]) as later:
            assert later.run(["bash", "-c", "cat /content/*"]).stdout == "second\n"

    def test_orphans_are_reaped_and_everything_ends_with_the_root(self, machine: ColabRoot) -> None:
        machine.run(["bash", "-c", "(sleep 0.1 &) ; setsid sleep 1000 > /dev/null 2>&1 &"], check=True)
        deadline = time.monotonic() + 20
        while len(machine.processes()) > 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert list(machine.processes().values()) == [["sleep", "1000"]]
        pids = [machine.pid, *machine.processes()]
        machine.close()
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]

    def test_a_killed_test_leaves_nothing_behind(self) -> None:
        program = (
            "import sys, time; from tests.support.colab import ColabRoot\n"
            "colab = ColabRoot.start(); kernel = colab.kernel()\n"
            "print(colab.pid, *colab.processes(), flush=True); time.sleep(1000)"
        )
        mounts = Path("/proc/self/mountinfo").read_text()
        test = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert test.stdout is not None
        pids = test.stdout.readline().split()
        assert len(pids) == 3, "init, server, kernel"
        os.kill(test.pid, signal.SIGKILL)
        test.wait()
        deadline = time.monotonic() + 20
        while (alive := [pid for pid in pids if Path(f"/proc/{pid}").exists()]) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not alive
        assert Path("/proc/self/mountinfo").read_text() == mounts
