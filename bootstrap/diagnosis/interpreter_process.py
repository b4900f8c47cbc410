"""What an interpreter is and has, as it says itself, and the variables for every child of a diagnosis."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from bootstrap.children import captured
from bootstrap.errors import InterpreterError

_INVENTORY = Path(__file__).with_name("_child_interpreter_info.py")
_ASK_SECONDS = 120.0
# Settings of a user's shell that would send pip elsewhere, or have it write to the user's files.
_DROPPED = ("PIP_LOG", "PIP_PREFIX", "PIP_PYTHON", "PIP_REQUIRE_VIRTUALENV", "PIP_ROOT", "PIP_TARGET", "PIP_USER")


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
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        # Startup code of the environment that prints.
        evidence = [f"{python}:", done.stdout.strip().splitlines()[0]]
        raise InterpreterError(
            "The target Python printed unexpected output (from startup code?).", evidence=evidence
        ) from error
    return answer
