"""Colab's kernel class: ipykernel's with Colab's shell."""

from ipykernel import ipkernel
from traitlets import Type

from google.colab import _shell


class Kernel(ipkernel.IPythonKernel):
    """The class that the launcher starts."""

    shell_class = Type(_shell.Shell)
