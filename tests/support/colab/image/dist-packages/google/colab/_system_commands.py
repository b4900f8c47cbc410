"""``!command``, ``x = !command`` and ``%shell`` on a pseudo terminal, under bash."""

import codecs
import os
import pty
import select
import signal
import subprocess
import sys
import termios

from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.utils.text import LSString, SList

from google.colab import _message


class ShellResult:
    """What ``%shell`` returns: both streams in one, as the terminal had them."""

    def __init__(self, args, returncode, output):
        self.args = args
        self.returncode = returncode
        self.output = output

    def check_returncode(self):
        """Raises CalledProcessError where the command failed."""
        if self.returncode:
            raise subprocess.CalledProcessError(self.returncode, self.args, self.output)

    def _repr_pretty_(self, printer, cycle):
        """Nothing: the output was shown while it came."""


def run_command(command, *, show=True):
    """Runs a command in bash on a terminal of its own; an interrupt of the cell goes on to the command."""
    ours, theirs = pty.openpty()
    settings = termios.tcgetattr(theirs)
    settings[1] &= ~termios.ONLCR
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    process = subprocess.Popen(
        command, shell=True, executable="/bin/bash", stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    said = []
    interrupts = 0
    try:
        while True:
            try:
                _type(ours)
                if not _forward(ours, decoder, said, show) and process.poll() is not None:
                    break
            except KeyboardInterrupt:
                interrupts += 1
                process.send_signal(signal.SIGINT if interrupts == 1 else signal.SIGKILL)
    finally:
        os.close(ours)
        sys.stdout.flush()
    return ShellResult(command, process.wait(), "".join(said))


def _type(terminal):
    """Passes on what the page sent of the user's typing meanwhile."""
    if typed := _message.typed():
        os.write(terminal, typed.encode())


def _forward(terminal, decoder, said, show):
    """Passes on what is there within a moment; False where nothing was or will be."""
    if not select.select([terminal], [], [], 0.1)[0]:
        return False
    try:
        text = decoder.decode(os.read(terminal, 1 << 20))
    except OSError:  # nobody has the other end any more
        return False
    said.append(text)
    if show:
        sys.stdout.write(text)
    return True


def system(shell, command):
    """Runs and shows; sets ``_exit_code``; returns what was shown."""
    result = run_command(shell.var_expand(command, depth=2))
    shell.user_ns["_exit_code"] = result.returncode
    if -result.returncode in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        print("^C")
    return LSString(result.output)


def getoutput(shell, command, *, split, depth):
    """Runs without showing; returns the lines."""
    result = run_command(shell.var_expand(command, depth=depth + 2), show=False)
    return SList(result.output.splitlines()) if split else LSString(result.output)


def _shell_line(line):
    result = run_command(line)
    result.check_returncode()
    return result


@magic_arguments()
@argument("--ignore-errors", action="store_true")
def _shell_cell(line, cell):
    options = parse_argstring(_shell_cell, line)
    result = run_command(cell)
    if not options.ignore_errors:
        result.check_returncode()
    return result


def register_magics(ipython):
    """``%shell`` and ``%%shell``."""
    ipython.register_magic_function(_shell_line, magic_kind="line", magic_name="shell")
    ipython.register_magic_function(_shell_cell, magic_kind="cell", magic_name="shell")
