"""What the process that had numpy loaded tells after each command: a numpy of three lines, moved by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bootstrap.diagnosis import _child_install

MOVE = """
import pathlib, sys
site = pathlib.Path(sys.argv[1])
(site / "numpy/rec.py").unlink()
(site / "numpy-1.0.dist-info").rename(site / "numpy-2.0.dist-info")
(site / "numpy-2.0.dist-info/METADATA").write_text("Name: numpy\\nVersion: 2.0\\n")
sys.exit("WARNING: old\\nmoved")
"""


def run(site: Path, *commands: list[str]) -> list[dict[str, Any]]:
    names = ["uses-it", "gone"]
    job = {"python": sys.executable, "commands": commands, "names": names, "folder": str(site)}
    command = [sys.executable, "-B", str(_child_install.__file__)]
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout)["steps"]


def test_after_each_command(tmp_path: Path) -> None:
    files = {
        "numpy/__init__.py": "__version__ = '1.0'\nprint('welcome')\n",
        "numpy/rec.py": "",
        "numpy-1.0.dist-info/METADATA": "Name: numpy\nVersion: 1.0\n",
        "uses_it/__init__.py": "import numpy.rec\n",
        "_hidden/__init__.py": "raise SystemError\n",
        "uses_it-1.0.dist-info/METADATA": "Name: uses-it\nVersion: 1.0\n",
        "uses_it-1.0.dist-info/RECORD": "uses_it/__init__.py,,\n_hidden/__init__.py,,\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    nothing, moved = run(tmp_path, ["-c", "pass"], ["-c", MOVE, str(tmp_path)])
    assert nothing == {"installed": True, "log": [], "memory": "1.0", "disk": "1.0", "live": []}
    assert (moved["installed"], moved["log"], moved["memory"], moved["disk"]) == (False, ["moved"], "1.0", "2.0")
    told = "ModuleNotFoundError: No module named 'numpy.rec'"
    assert moved["live"] == [f"numpy.rec: {told}", f"uses_it: {told}"]
