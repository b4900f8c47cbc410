"""Colab's shell class: ``!`` runs on a pseudo terminal, pip's changes to loaded packages are told, and IPython 7's
inspector, history and tracebacks are its own."""

import os
import sys

from ipykernel import jsonutil, zmqshell
from IPython.core import interactiveshell, oinspect
from IPython.utils import PyColorize
from ipython_genutils import py3compat

from google.colab import _history, _inspector, _pip, _system_commands


class Shell(zmqshell.ZMQInteractiveShell):
    """The shell of Colab's kernel."""

    def init_inspector(self):
        """The tooltips' own."""
        self.inspector = _inspector.ColabInspector(
            oinspect.InspectColors, PyColorize.ANSICodeColors, "NoColor", self.object_info_string_level
        )

    def init_history(self):
        """The one that knows the page's cells."""
        self.history_manager = _history.ColabHistoryManager(shell=self, parent=self)
        self.configurables.append(self.history_manager)

    def object_inspect(self, oname, detail_level=0):
        """By what IPython 7's look-up of names returns."""
        if not self._ofind(oname)["found"]:
            return super().object_inspect(oname, detail_level=detail_level)
        found = self._object_find(oname)
        return self.inspector.info(found.obj, oname, info=found, detail_level=detail_level)

    def _showtraceback(self, etype, evalue, stb):
        sys.stdout.flush()
        sys.stderr.flush()
        content = {
            "traceback": stb,
            "ename": py3compat.unicode_type(etype.__name__),
            "evalue": py3compat.safe_unicode(evalue),
        }
        hook = self.displayhook
        topic = hook.topic.replace(b"execute_result", b"error") if hook.topic else None
        hook.session.send(hook.pub_socket, "error", jsonutil.json_clean(content), hook.parent_header, ident=topic)
        self._last_traceback = stb

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
