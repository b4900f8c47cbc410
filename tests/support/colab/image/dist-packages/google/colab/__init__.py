"""Stands for Colab's ``google.colab``, which can't be had from PyPI.

It has the modules, names and ways of talking to the page that a moved kernel has to keep alive: the kernel and
shell classes, ``!`` on a pseudo terminal, ``%shell``, the warning after pip, requests over the input channel,
comms. What needs Google's servers says so in an error. Written for these tests; Google had no part in it.
"""

from google.colab import (
    _import_hooks,
    _installation_commands,
    _shell_customizations,
    _system_commands,
    auth,
    data_table,
    drive,
    files,
    output,
    runtime,
)

__all__ = ["auth", "data_table", "drive", "files", "output", "runtime"]
__version__ = "0.0.1a2"


def load_ipython_extension(ipython):
    """What /etc/ipython/ipython_config.py has IPython call in every kernel."""
    _shell_customizations.initialize(ipython)
    _system_commands.register_magics(ipython)
    _installation_commands.register_magics(ipython)
    _import_hooks.register_hooks()
