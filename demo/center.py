"""Replays the `_center` error, step by step, in a real kernel: ``python -m demo.center``.

A virtual environment gets the numpy and the kernel that Colab had in November 2025. Then the cells of the notebook
that reported the error are run, with real pip: a package that requires numpy below 2.0 (captum 0.8.0), the
notebook's own repair by force, and the first import that goes wrong. Last comes what ``bootstrap.check()`` says in
that very kernel, and what a fresh process and the well-known `_center` probe say.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
LOADED, NEWEST = "2.0.2", "2.3.4"
KERNEL = ("ipykernel>=6.17,<7", "ipython<8.12", "pyyaml", "rich", "pip")

_INTERPRETERS = ("python3.12", "python3.11", "python3.10")  # for which numpy 1.26, 2.0 and 2.3 all have wheels

_SETUP = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})"


@dataclass(frozen=True)
class Cell:
    """One cell of the replay."""

    title: str
    code: str


CELLS = (
    Cell("Colab loads numpy before the first cell", "import numpy\nprint('numpy', numpy.__version__)"),
    Cell(
        "So far the notebook; with us a tripwire is armed at the kernel's start",
        "from bootstrap.guard import tripwire\nwire = tripwire.arm(get_ipython(), sys.prefix)",
    ),
    Cell(
        "A list of requirements holds captum 0.8.0, which requires numpy<2.0",
        # Its other needs (torch) would not change what happens to numpy.
        '!{sys.executable} -m pip install -q --no-deps captum==0.8.0 "numpy<2.0"',
    ),
    Cell("First symptom", "import numpy.rec"),
    Cell(
        "The notebook's own repair",
        f'!{{sys.executable}} -m pip install -q --no-deps --force-reinstall "numpy>=2.0,<={NEWEST}"',
    ),
    Cell("The error", "import numpy._core.strings"),
    Cell(
        "In a fresh process nothing is wrong",
        "!{sys.executable} -c \"import numpy, numpy._core.strings; print('numpy', numpy.__version__, 'works')\"",
    ),
    Cell(
        "The well-known probe, in a fresh process: it fails on healthy 1.26 and 2.0, and passes here",
        "!{sys.executable} -c \"from numpy._core.umath import _center; print('_center is there')\"",
    ),
    Cell("What bootstrap.check() says in this kernel", "import bootstrap\nreport = bootstrap.check()\nprint(report)"),
)


def make_environment(folder: Path) -> Path:
    """A virtual environment with the old numpy and a kernel; returns its interpreter.

    Raises:
        SystemExit: No interpreter of a fitting version is there.
    """
    for name in _INTERPRETERS:
        found = shutil.which(name)
        # A shim may be there for a version that isn't.
        if (
            found
            and subprocess.run([found, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode
            == 0
        ):
            break
    else:
        raise SystemExit(f"one of {', '.join(_INTERPRETERS)} is needed: later ones have no wheel of numpy {LOADED}")
    python = folder / "bin" / "python"
    for command in ([found, "-m", "venv", folder], [python, "-m", "pip", "install", f"numpy=={LOADED}", *KERNEL]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"the environment can't be made:\n{done.stderr}")
    return python


def replay(python: Path, cells: tuple[Cell, ...] = CELLS) -> list[str]:
    """Runs the cells in one kernel of an interpreter, and returns what each printed."""
    job = json.dumps([_SETUP, *(cell.code for cell in cells)])
    # The client runs in the environment too: it has jupyter_client, and imports no numpy.
    # Kernels that the user has registered are none of its business.
    own = {"JUPYTER_PREFER_ENV_PATH": "1", "JUPYTER_DATA_DIR": str(python.parents[1] / "jupyter")}
    command = [python, "-I", __file__, "--client"]
    done = subprocess.run(command, input=job, capture_output=True, text=True, check=False, env={**os.environ, **own})
    if done.returncode != 0:
        raise SystemExit(f"the kernel could not be driven:\n{done.stderr}")
    outputs: list[str] = json.loads(done.stdout)
    return outputs[1:]


def _client() -> None:
    """Reads cells as JSON, runs them in a kernel, writes their outputs as JSON."""
    import re

    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    try:
        outputs = []
        for code in json.load(sys.stdin):
            parts: list[str] = []

            def collect(message: dict, parts: list[str] = parts) -> None:
                content = message["content"]
                if message["msg_type"] == "stream":
                    parts.append(content["text"])
                elif message["msg_type"] == "error":
                    parts.append(f"{content['ename']}: {content['evalue']}\n")
                elif message["msg_type"] in ("execute_result", "display_data"):
                    parts.append(content["data"]["text/plain"] + "\n")

            client.execute_interactive(code, timeout=300, output_hook=collect, stop_on_error=False)
            outputs.append(re.sub(r"\x1b\[[0-9;]*m", "", "".join(parts)).replace("\r", ""))
        json.dump(outputs, sys.stdout)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def main() -> int:
    """Makes the environment, replays, prints."""
    parser = argparse.ArgumentParser(prog="python -m demo.center", description=__doc__)
    parser.add_argument("--client", action="store_true", help=argparse.SUPPRESS)
    if parser.parse_args().client:
        _client()
        return 0
    folder = Path(tempfile.mkdtemp(prefix="center-"))
    try:
        print(f"a virtual environment with numpy {LOADED} and ipykernel ...", flush=True)
        python = make_environment(folder / "env")
        for number, (cell, output) in enumerate(zip(CELLS, replay(python), strict=True), 1):
            print(f"\n[{number}] {cell.title}")
            print("".join(f"    > {line}\n" for line in cell.code.splitlines()), end="")
            print("".join(f"      {line}\n" for line in output.strip().splitlines()), end="", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
