"""The note that Colab adds below a failed import."""

NOTE = "NOTE: If your import is failing due to a missing package, you can manually install it with !pip or !apt."


def initialize(ipython):
    """Handles ImportError in the shell."""

    def explain(shell, etype, value, traceback, tb_offset=None):
        lines = shell.InteractiveTB.structured_traceback(etype, value, traceback, tb_offset=tb_offset)
        shell._showtraceback(etype, value, [*lines, "", NOTE])
        return lines

    ipython.set_custom_exc((ImportError,), explain)
