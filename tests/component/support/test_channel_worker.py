from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.channel.standins import standin_indexes
from tests.support.channel.target import ChannelError, choose_target
from tests.support.channel.worker import Job, make_all

# As users write scripts: no main guard, the work at module level.
_UNGUARDED = """
import sys
from pathlib import Path
from tests.support.channel.standins import standin_indexes
from tests.support.channel.target import choose_target
from tests.support.channel.worker import Job, make_all
target = choose_target()
[index] = standin_indexes([], {}, target)
with open("lock", "w") as lock:
    for job, record in make_all([Job("standin", "key", index, None, 0)], target, Path.cwd(), lock=lock.fileno()):
        print(job.key, record["name"])
"""


def test_an_unguarded_script_may_build(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_UNGUARDED, encoding="utf-8")
    environment = {
        "PYTHONPATH": str(ROOT),
        "PATH": "/usr/bin:/bin",
        "BOOTSTRAP_CHANNEL_PYTHON": sys.executable,
    }
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("key python_abi\n", "")
    assert (tmp_path / "key/record.json").exists()


def test_a_package_that_fails_is_named(tmp_path: Path) -> None:
    target = choose_target()
    [index] = standin_indexes([], {}, target)
    wheel = tmp_path / "broken-1.0-py3-none-any.whl"
    wheel.write_bytes(b"no zip")
    job = Job("wheel", "key", {**index, "name": "broken"}, wheel, 0)
    with (tmp_path / "lock").open("w") as lock, pytest.raises(ChannelError, match="broken: BadZipFile"):
        list(make_all([job], target, tmp_path, lock=lock.fileno()))
    assert not (tmp_path / "key").exists()
