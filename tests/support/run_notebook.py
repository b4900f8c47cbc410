"""Runs a notebook from its first cell to its last: ``python run_notebook.py NOTEBOOK [OUTPUT]``.

For the interpreter that a Colab machine starts its kernels with: nothing but nbclient and what it brings is needed.
The kernel may move into another interpreter on the way: it stays the same process.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def main(source: str, target: str = "build/template.ipynb") -> None:
    """Runs it, and keeps what came out, also when a cell fails."""
    book = nbformat.read(source, nbformat.NO_CONVERT)
    client = NotebookClient(book, timeout=1800, kernel_name="python3")
    try:
        client.execute()
    finally:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(book, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
