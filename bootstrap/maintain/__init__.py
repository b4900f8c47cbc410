"""Refreshing, checking and comparing the locks: what maintainers do, never a user's runtime.

`bootstrap lock` drives conda-lock as a command, with `_child_conda` as the conda that it asks to solve; `solver` is
the one module here that imports rattler, and `content_hash` the one that imports conda_lock.
"""
