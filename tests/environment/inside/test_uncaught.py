"""An error that nobody catches, in the environment's own IPython."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

CELL = """
from bootstrap.errors import HashMismatchError
raise HashMismatchError("An archive differs.", evidence=["numpy: expected 1, got 2"], hint="Run again.")
"""


def test_a_notebook_shows_its_lines_and_no_traceback() -> None:
    shell = InteractiveShell.instance()
    with capture_output() as shown:
        result = shell.run_cell(CELL)
    assert type(result.error_in_exec).__name__ == "HashMismatchError", "the cell has failed all the same"
    lines = [line for line in (shown.stdout + shown.stderr).splitlines() if line.strip()]
    assert lines == [
        "error: An archive differs.",
        "  numpy: expected 1, got 2",
        "  next: Run again.",
        '  more: bootstrap.explain("hash-mismatch")',
    ]


def test_an_unforeseen_one_keeps_its_traceback() -> None:
    shell = InteractiveShell.instance()
    with capture_output() as shown:
        shell.run_cell("1 / 0")
    assert "Traceback" in shown.stdout + shown.stderr
