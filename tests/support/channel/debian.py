"""Undoing what Debian changes in Python, so that it suits a conda prefix."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .target import ChannelError

if TYPE_CHECKING:
    from collections.abc import Callable

# Debian's own modules: site hooks, the marker against pip, setuptools' switch to Debian's scheme.
DROPPED = frozenset({"EXTERNALLY-MANAGED", "sitecustomize.py", "_distutils_system_mod.py"})


def plain_sysconfig(text: str) -> str:
    """sysconfig.py with ``posix_prefix`` as its scheme and Debian's two schemes gone."""
    text, gone = re.subn(r"    '(?:deb_system|posix_local)': \{\n(?:        .*\n)*?        \},\n", "", text)
    text = text.replace(", 'posix_local', 'deb_system')", ")")
    text, chosen = re.subn(r"'prefix': prefix_scheme,", "'prefix': 'posix_prefix',", text)
    # The block that chose between the schemes still names them, in code that nothing reads any more.
    text, block = re.subn(
        r"\n    if sys\.base_prefix != sys\.prefix or hasattr\(sys, \"real_prefix\"\):\n"
        r"        # virtual environments\n(?:        .*\n|    else:\n)+?(?=\n|    return)",
        "\n",
        text,
    )
    if (gone, chosen, block) != (2, 1, 1):
        raise _unknown("sysconfig.py")
    return text


def plain_site(text: str) -> str:
    """site.py with ``lib/python3.X/site-packages`` and no dist-packages."""
    extra = r"            sitepackages\.append\(os\.path\.join\(prefix, \"{}\",[^)]*?\"dist-packages\"\)\)\n"
    shared_lines = extra.format("lib").replace("[^)]*?", r"\s*\"python3\",\s*")
    text, local = re.subn(extra.format("local/lib"), "", text)
    text, shared = re.subn(shared_lines, "", text)
    text, own = re.subn(r'"dist-packages"\)', '"site-packages")', text)
    if not (local and shared and own):
        raise _unknown("site.py")
    return text


def plain_distutils(text: str) -> str:
    """distutils/sysconfig.py that takes a prefix for what it takes a virtual environment for: one scheme."""
    text, found = re.subn(
        r"(def is_virtual_environment\(\):\n    return) .*\n", r"\1 True  # as in a conda prefix\n", text
    )
    if not found:
        raise _unknown("distutils/sysconfig.py")
    return text


def _unknown(name: str) -> ChannelError:
    return ChannelError(
        f"This Debian's {name} has a form that the local channel doesn't know; "
        "name another interpreter in BOOTSTRAP_CHANNEL_PYTHON."
    )


# File in the standard library -> its patch; distutils is there up to Python 3.11.
PATCHES: dict[str, Callable[[str], str]] = {
    "sysconfig.py": plain_sysconfig,
    "site.py": plain_site,
    "distutils/sysconfig.py": plain_distutils,
}
