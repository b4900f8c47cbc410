"""``%pip``: the pip that PATH finds."""

from IPython import get_ipython


def _pip(line):
    return get_ipython().system(f"pip {line}")


def register_magics(ipython):
    """Replaces IPython's own ``%pip``."""
    ipython.register_magic_function(_pip, magic_kind="line", magic_name="pip")
