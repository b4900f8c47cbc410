"""One real installation, or several in order, in a throw-away copy: run by `prove`, in the copy's namespace.

Reads a job as JSON on stdin: the copy's interpreter, commands for its pip, modules to import afterwards. Answers
with one JSON document on stdout: after each command what the process that had numpy loaded can still do.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

LIVE = Path(__file__).with_name("_child_imports.py")
_INSTALL_SECONDS = 1800.0
_KEPT = 8


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Runs the commands and asks the live process after each."""
    python = job["python"]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    with subprocess.Popen(
        [python, "-B", str(LIVE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as live:
        assert live.stdin is not None and live.stdout is not None  # noqa: S101 - both are pipes
        start = _answer(live.stdout.readline())
        steps = []
        for command in job["commands"]:
            began = time.monotonic()
            done = subprocess.run(
                [python, *command],
                capture_output=True,
                text=True,
                check=False,
                errors="replace",
                cwd=job["folder"],
                env=environment,
                timeout=_INSTALL_SECONDS,
                preexec_fn=_tie,
                stdin=subprocess.DEVNULL,
            )
            told = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
            modules = [*job["modules"], *_new_modules(python, job["names"])]
            live.stdin.write(json.dumps({"modules": modules}) + "\n")
            live.stdin.flush()
            steps.append(
                {
                    "installed": done.returncode == 0,
                    "log": told[-_KEPT:],
                    "seconds": time.monotonic() - began,
                    **_answer(live.stdout.readline()),
                }
            )
        live.stdin.close()
    return {"start": start, "steps": steps}


def _tie() -> None:
    """Has an installation end with this process, which ends with the one that asked for it."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _answer(line: str) -> dict[str, Any]:
    """The live process's answer; what it means where there is none."""
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return {"live": ["the process that had numpy loaded died"], "memory": None, "disk": None}
    return found


_MODULES = """
import json, sys
from importlib import metadata
from pathlib import PurePosixPath
found = []
for name in json.loads(sys.argv[1]):
    try:
        dist = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        continue
    tops = {}
    for path in dist.files or ():
        parts = PurePosixPath(path).parts
        if len(parts) > 1 and parts[1] == "__init__.py":
            tops[parts[0]] = True
        elif len(parts) == 1 and parts[0].endswith(".py"):
            tops[parts[0][:-3]] = True
    plain = name.replace("-", "_").lower()
    public = [t for t in tops if t.isidentifier() and not t.startswith("_")]
    exact = [t for t in public if t.lower() == plain]
    found += exact or public[:1]
print(json.dumps(found))
"""


def _new_modules(python: str, names: list[str]) -> list[str]:
    """What to import of these distributions, as they are installed now."""
    if not names:
        return []
    command = [python, "-I", "-B", "-c", _MODULES, json.dumps(names)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found: list[str] = json.loads(done.stdout)
    except ValueError:
        return []
    return found


if __name__ == "__main__":
    json.dump(run(json.load(sys.stdin)), sys.stdout)
