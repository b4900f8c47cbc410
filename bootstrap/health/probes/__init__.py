"""Probes: small questions that the examined Python answers in a process of its own.

The modules of this folder run in the examined interpreter, which may be older than ours and whose numpy may
be broken in any way. They use the standard library only, keep to the syntax and library of Python 3.9, and
receive numpy and its dependents as arguments: only `_child_probes` imports those, in that other process. Loading
this package loads all of them, and fills the registry.

A probe is a function that yields one line for each thing that is wrong. Its docstring says what it does;
the registry adds what it catches and what it costs.
"""

from __future__ import annotations

from . import answers, layout, linear, origin, sharing, state

__all__ = ["answers", "layout", "linear", "origin", "sharing", "state"]
