"""A process of the interpreter asked about, which answers one request after another.

It runs ``_child_interpreter_info.py``, which remembers what it has parsed: the same few thousand requirements come
with every request, and the ``packaging`` of an older pip takes milliseconds for each of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from bootstrap.children import tied
from bootstrap.errors import InterpreterError

if TYPE_CHECKING:
    from collections.abc import Sequence

INSIDE = Path(__file__).with_name("_child_interpreter_info.py")
_ASK_SECONDS = 120.0
_LEAVE_SECONDS = 5.0
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


class Interpreter:
    """An interpreter that answers requests; its process begins with the first and ends with this object."""

    def __init__(self, python: Path) -> None:
        """Remembers the executable; nothing runs yet."""
        self.python = python
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._errors: IO[str] | None = None

    def ask(self, request: dict[str, Any]) -> Any:
        """The answer to a request; see ``_child_interpreter_info.py``.

        Raises:
            InterpreterError: The interpreter doesn't start, or can't answer.
        """
        with self._lock:
            process = self._process or self._start()
            answer = self._answer(process, json.dumps(request))
        if not answer.endswith("\n"):
            self._fail(process)
        try:
            return json.loads(answer)
        except ValueError as error:
            # Startup code of the environment that prints.
            evidence = [f"{self.python}:", answer.strip()]
            raise InterpreterError(
                "The target Python printed unexpected output (from startup code?).", evidence=evidence
            ) from error

    def _start(self) -> subprocess.Popen[str]:
        errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - as long as the process
        try:
            process = subprocess.Popen(
                [str(self.python), "-B", str(INSIDE)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                encoding="utf-8",
                errors="replace",
                env=quiet_environment(),
            )
        except OSError as error:
            errors.close()
            evidence = [f"{self.python}: {error}"]
            raise InterpreterError("The target Python doesn't run.", evidence=evidence) from error
        self._process, self._errors = process, errors
        weakref.finalize(self, _stop, process, errors)
        return process

    def _answer(self, process: subprocess.Popen[str], line: str) -> str:
        """One line for one line; what there is of it where the process ends or takes too long."""
        if process.stdin is None or process.stdout is None:
            return ""
        limit = threading.Timer(_ASK_SECONDS, process.kill)
        limit.start()
        try:
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            return process.stdout.readline()
        except OSError:  # it has ended
            return ""
        finally:
            limit.cancel()

    def _fail(self, process: subprocess.Popen[str]) -> None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LEAVE_SECONDS)
        last: list[str] = []
        if self._errors is not None:
            self._errors.seek(0)
            last = self._errors.read().strip().splitlines()[-3:]
        raise InterpreterError("The target Python failed to answer.", evidence=[f"{self.python}:", *last])


def _stop(process: subprocess.Popen[str], errors: IO[str]) -> None:
    """Ends the process: it leaves when nothing more can be asked."""
    for stream in (process.stdin, process.stdout):
        with suppress(OSError):
            if stream is not None:
                stream.close()
    try:
        process.wait(_LEAVE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    errors.close()
