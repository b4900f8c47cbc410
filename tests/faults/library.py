"""All faults of an environment, in the order in which they are run."""

from __future__ import annotations

from tests.faults import of_files, of_surroundings
from tests.faults.registry import FAULTS, Expected, Fault

_MODULES = (of_files, of_surroundings)  # importing them fills the list

__all__ = ["FAULTS", "Expected", "Fault"]
