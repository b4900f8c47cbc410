"""Debian's binary has a site module frozen in that knows dist-packages only; use the site.py beside this file."""

import importlib.util
import pathlib
import site
import sys

_spec = importlib.util.spec_from_file_location("_plain_site", pathlib.Path(__file__).with_name("site.py"))
_plain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_plain)
site.getsitepackages = _plain.getsitepackages
# In a virtual environment Debian's own code has added site-packages already.
if sys.prefix == sys.base_prefix:
    site.addsitepackages(None)
