"""Debian's and Ubuntu's folders for packages, for a Python that wasn't built by them.

Their own Python knows these folders in its frozen ``site`` module; this does the same from the outside.
"""

import os
import site
import sys


def _folders(prefixes=None):
    short = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    found = []
    for prefix in prefixes or site.PREFIXES:
        if prefix == sys.prefix != sys.base_prefix:  # a virtual environment
            found.append(f"{prefix}/lib/{short}/site-packages")
        else:
            found += [f"{prefix}/local/lib/{short}/dist-packages", f"{prefix}/lib/python3/dist-packages"]
    return list(dict.fromkeys(found))


site.getsitepackages = _folders
for _folder in _folders():
    if os.path.isdir(_folder) and _folder not in sys.path:
        site.addsitedir(_folder)
