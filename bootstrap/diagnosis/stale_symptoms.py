"""What one sees first when numpy in memory and numpy on disk are of different versions.

What is told here was seen in a live kernel with one release of each pair of minors (2.0.2, 2.3.4, 1.26.4 ...);
other releases of the same minors are taken to be alike.
"""

from __future__ import annotations

from bootstrap.diagnosis.target import release


def first_symptom(memory: str, disk: str) -> str:
    """The first thing that fails in a process that has one version loaded and finds another on disk.

    Only modules that were not imported before can fail: with everything imported nothing is seen at first.
    """
    old, new = release(memory), release(disk)
    if old == new:
        return ""
    if old[:2] == (2, 0) and new >= (2, 1):
        return "ImportError: cannot import name '_center' from 'numpy._core.umath' (numpy.strings, numpy.char)"
    if old >= (2, 0) and new < (2, 0):
        return (
            "ModuleNotFoundError: No module named 'numpy.rec' or 'numpy.char'; "
            "then 'numpy.dtype size changed, may indicate binary incompatibility'"
        )
    if old < (2, 0) and new >= (2, 0):
        return (
            "RecursionError in numpy.char; "
            '"Cannot convert numpy.ndarray to numpy.ndarray" from packages compiled for the other'
        )
    if (2, 1) <= old < (2, 3) and new >= (2, 3):
        return "ImportError: cannot import name '_slice' from 'numpy._core.umath'"
    if old[:2] == new[:2]:
        return "little: within one minor only seldom used modules differ (numpy.testing)"
    return "ImportError or AttributeError at the first import of a part of numpy that is not loaded yet"
