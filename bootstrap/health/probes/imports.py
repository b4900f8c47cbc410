"""Imports packages and keeps what their failure says."""

from __future__ import annotations

import importlib
import sys
import warnings
from typing import Any

from .state import floating_point_state

ABI_SIGNS = (
    "compiled using NumPy 1.x",
    "numpy.dtype size changed",
    "numpy.ufunc size changed",
    "numpy.ndarray size changed",
    "_ARRAY_API not found",
    "_multiarray_umath failed to import",
    "numpy.core.multiarray failed to import",
    "binary incompatib",
    "ABI version",
    "API version",
)
"""What compiled dependents say when they meet a numpy that they weren't built for."""


def load(modules: list[str], facts: dict[str, Any]) -> list[str]:
    """Import modules by name; return what is wrong in the process afterwards.

    Args:
        modules: Import names, in order.
        facts: Receives ``file`` and ``version`` of the first module, and what changed of the ``float_state``.

    Returns:
        One line for each change of the floating-point state that the import brought, and for each warning
        that tells of a numpy the package was not built for.
    """
    before = floating_point_state()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for name in modules:
            importlib.import_module(name)
    module = sys.modules[modules[0]]
    facts["file"] = getattr(module, "__file__", None)
    facts["version"] = str(getattr(module, "__version__", ""))
    told = [str(item.message) for item in caught]
    misfits = [line for line in told if any(sign in line for sign in ABI_SIGNS)]
    changed = [line for line in floating_point_state() if line not in before]
    facts["float_state"] = changed
    return [f"after import {modules[0]}: {line}" for line in changed] + misfits
