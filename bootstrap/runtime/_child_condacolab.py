"""condacolab at work: ``python -m bootstrap.runtime._child_condacolab REQUEST``, the one importer of condacolab.

The request is a JSON object: ``installer`` (URL), ``sha256``, ``prefix``, ``scratch`` (a folder for what condacolab
would change on the machine) and ``python`` (the interpreter it would replace).
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import sys
import types
from pathlib import Path
from typing import Any

from bootstrap import profile


def main(text: str) -> None:
    """Runs condacolab's `install_from_url`."""
    request = json.loads(text)
    scratch = Path(request["scratch"])
    scratch.mkdir()
    os.chdir(scratch)
    with profile.span("load condacolab"):
        condacolab = _load()
    # It renames this file and writes a wrapper in its place; the machine's own gets ours later, in one step.
    stand_in = scratch / "python3"
    stand_in.symlink_to(request["python"])
    sys.executable = str(stand_in)

    def open_in_scratch(path: Any, *args: Any, **options: Any) -> Any:
        inside = Path(request["prefix"]) in Path(path).parents
        target = path if inside or not Path(path).is_absolute() else scratch / Path(path).name
        return open(target, *args, **options)  # noqa: PTH123 - what condacolab itself calls

    condacolab.open = open_in_scratch
    # Without a kernel here there is nothing to shut down: older versions know no other way than this.
    shell = types.SimpleNamespace(kernel=types.SimpleNamespace(do_shutdown=lambda _restart: None))
    condacolab.get_ipython = lambda: shell
    accepted = inspect.signature(condacolab.install_from_url).parameters
    options = {"restart_kernel": False} if "restart_kernel" in accepted else {}
    with profile.span("install_from_url"):
        condacolab.install_from_url(
            request["installer"], prefix=request["prefix"], run_checks=False, sha256=request["sha256"], **options
        )


def _load() -> Any:
    """Imports condacolab. It only wants to know that `google.colab` is there, which costs a second to import."""
    try:
        there = importlib.util.find_spec("google.colab") is not None
    except ModuleNotFoundError:
        there = False
    if there:
        sys.modules.setdefault("google.colab", types.ModuleType("google.colab"))
    import condacolab

    return condacolab


if __name__ == "__main__":
    main(sys.argv[1])
