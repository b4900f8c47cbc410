"""Registry of probes, shared by parent and child: the child runs them, the parent reads what they are for."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from typing import Any

Function = Callable[[Any, dict[str, Any]], Iterator[str]]
"""Takes the module under test and a dictionary for facts; yields one line for each thing that is wrong."""


@dataclasses.dataclass(frozen=True)
class Probe:
    """One question to the examined Python, or to the running process."""

    function: Function
    catches: str
    """Which damage it notices."""
    cost_ms: int
    """What it costs on a healthy environment, in milliseconds, beyond the import of what it tests."""
    needs: str
    """Import name of the module without which it can't be asked, and that it is given; empty for none."""
    also: str
    """Import name of another module without which the probe is skipped; empty for none."""
    routine: bool
    """Whether every check asks it; others are asked when something has failed."""

    @property
    def explanation(self) -> str:
        """What the probe does, from its docstring."""
        return inspect.cleandoc(self.function.__doc__ or "")


PROBES: dict[str, Probe] = {}
"""All probes by name, in the order in which they run."""


def probe(
    name: str,
    *,
    catches: str,
    cost_ms: int,
    needs: str = "numpy",
    also: str = "",
    routine: bool = True,
    catalogue: dict[str, Probe] = PROBES,
) -> Callable[[Function], Function]:
    """Enter a function in a catalogue."""

    def enter(function: Function) -> Function:
        if name in catalogue:
            raise ValueError(f"two probes are named {name}")
        catalogue[name] = Probe(function, catches, cost_ms, needs, also, routine)
        return function

    return enter
