"""A stand-in for a Colab machine: a disposable root with Colab's layout, packages and kernel, seen by nobody else.

    with ColabRoot.start() as colab:
        colab.run(["python3", "-c", "import numpy"])
        kernel = colab.kernel()
        assert kernel.execute("1 + 1").text == "2"

What is real: the interpreter, pip, numpy and all of dist-packages (PyPI's, at Colab's versions), ipykernel over
ZeroMQ, the Jupyter server that restarts kernels. What stands for Colab's own: ``google.colab`` and the launcher,
which PyPI doesn't have (see ``image/``). What is missing: Google, a GPU, Ubuntu (libraries and commands are this
machine's), and torch with the rest of Colab's several hundred packages.
"""

from __future__ import annotations

from .client import UNTIL_THE_NEXT_HAS_COME, Client, Failure, Message, Result
from .machine import ColabRoot
from .pythons import USUAL, VERSIONS, each_version, find_python, numpy_of
from .root import RootError, skip_without, why_not
from .server import Kernel, Server
from .snapshot import Difference, Entry, Snapshot

__all__ = [
    "UNTIL_THE_NEXT_HAS_COME",
    "USUAL",
    "VERSIONS",
    "Client",
    "ColabRoot",
    "Difference",
    "Entry",
    "Failure",
    "Kernel",
    "Message",
    "Result",
    "RootError",
    "Server",
    "Snapshot",
    "each_version",
    "find_python",
    "numpy_of",
    "skip_without",
    "why_not",
]
