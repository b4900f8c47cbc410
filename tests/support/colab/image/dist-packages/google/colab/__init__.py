"""Stands for Colab's ``google.colab``, which can't be had from PyPI.

It has the modules, names and ways of talking to the page that a moved kernel has to keep alive: the kernel, shell,
inspector and history classes, formatters that are registered by a module's name, ``!`` on a pseudo terminal,
``%shell``, the warning after pip, requests over the input channel, comms, widgets. It imports what the real one
imports, at import time and later. What needs Google's servers says so in an error. Written for these tests; Google
had no part in it.
"""

from google.colab import (
    _import_hooks,
    _installation_commands,
    _interactive_table_hint_button,
    _reprs,
    _serverextension,
    _shell_customizations,
    _system_commands,
    auth,
    autoviz,
    data_table,
    drive,
    files,
    output,
    runtime,
    snippets,
    widgets,
)

__all__ = [
    "auth",
    "autoviz",
    "data_table",
    "drive",
    "files",
    "output",
    "runtime",
    "snippets",
    "widgets",
]
__version__ = "0.0.1a2"


def load_jupyter_server_extension(server):
    """What jupyter_server would call; the stand-in's page asks the server for nothing of Colab's own."""
    _serverextension.load(server)


def load_ipython_extension(ipython):
    """What /etc/ipython/ipython_config.py has IPython call in every kernel."""
    _shell_customizations.initialize(ipython)
    _system_commands.register_magics(ipython)
    _installation_commands.register_magics(ipython)
    _import_hooks.register_hooks()
    _reprs.register(ipython)
    _interactive_table_hint_button.register(ipython)
