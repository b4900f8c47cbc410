"""Probes: small questions that the examined Python answers in a process of its own.

The modules of this folder run in the examined interpreter, which may be older than ours and whose numpy may
be broken in any way. They use the standard library only, keep to the syntax and library of Python 3.9, and
receive numpy and its dependents as arguments: only `child` imports those, and only in that other process.

A probe is a function that yields one line for each thing that is wrong. Its docstring says what it does;
the registry adds what it catches and what it costs.
"""

from __future__ import annotations
