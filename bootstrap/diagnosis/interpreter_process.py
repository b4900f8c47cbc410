"""Child processes of a diagnosis, and the one that says what an interpreter is and has."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.children import tied
from bootstrap.errors import InterpreterError

if TYPE_CHECKING:
    from collections.abc import Sequence

_INVENTORY = Path(__file__).with_name("_child_interpreter_info.py")
_ASK_SECONDS = 120.0
# Settings of a user's shell that would send pip elsewhere, or have it write to the user's files.
_DROPPED = ("PIP_LOG", "PIP_PREFIX", "PIP_PYTHON", "PIP_REQUIRE_VIRTUALENV", "PIP_ROOT", "PIP_TARGET", "PIP_USER")


def captured(command: Sequence[str], seconds: float, **more: Any) -> subprocess.CompletedProcess[str]:
    """A child's output as text; ``more`` goes to `subprocess.run`.

    Raises:
        OSError, subprocess.TimeoutExpired: It can't be started, or takes too long.
    """
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=seconds, preexec_fn=tied(), **more
    )


def quiet_environment(**more: str) -> dict[str, str]:
    """Variables for every child: nothing may be written beside what it reads."""
    variables = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    variables.update(
        PYTHONDONTWRITEBYTECODE="1", PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", PYTHONUTF8="1", **more
    )
    return variables


def inventory(python: Path) -> dict[str, Any]:
    """What an interpreter says of itself; see ``_child_interpreter_info.py``.

    Raises:
        InterpreterError: It doesn't start, or can't answer.
    """
    command = [str(python), "-B", str(_INVENTORY)]
    try:
        done = captured(command, _ASK_SECONDS, stdin=subprocess.DEVNULL, errors="replace", env=quiet_environment())
    except OSError as error:
        raise InterpreterError("The target Python doesn't run.", evidence=[f"{python}: {error}"]) from error
    except subprocess.TimeoutExpired as error:
        raise InterpreterError("The target Python failed to answer.", evidence=[f"{python}: {error}"]) from error
    if not done.stdout.strip():
        last = done.stderr.strip().splitlines()[-3:]
        raise InterpreterError("The target Python failed to answer.", evidence=[f"{python}:", *last])
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        # Startup code of the environment that prints.
        evidence = [f"{python}:", done.stdout.strip().splitlines()[0]]
        raise InterpreterError(
            "The target Python printed unexpected output (from startup code?).", evidence=evidence
        ) from error
    return found
