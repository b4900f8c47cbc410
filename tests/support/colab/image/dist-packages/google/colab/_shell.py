"""Colab's shell class: ``!`` runs on a pseudo terminal, and pip's changes to loaded packages are told."""

import os

from ipykernel import zmqshell
from IPython.core import interactiveshell

from google.colab import _pip, _system_commands


class Shell(zmqshell.ZMQInteractiveShell):
    """The shell of Colab's kernel."""

    def getoutput(self, cmd, split=True, depth=0):
        """Behind ``x = !command``."""
        output = _system_commands.getoutput(self, cmd, split=split, depth=depth)
        self._warn(cmd, output if isinstance(output, str) else output.nlstr)
        return output

    def system(self, cmd):
        """Behind ``!command``."""
        self._warn(cmd, _system_commands.system(self, cmd))

    def _warn(self, cmd, output):
        if os.environ.get("SKIP_COLAB_PIP_WARNING", "0") == "0" and _pip.is_pip_install_command(cmd):
            _pip.print_previous_import_warning(output)


interactiveshell.InteractiveShellABC.register(Shell)
