"""Dataclasses as JSON-ready data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any


def as_data(value: Any) -> Any:
    """A value as JSON has it; of a dataclass all fields, unless its own ``to_dict`` says otherwise."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if is_dataclass(value):
        return fields_of(value)
    if isinstance(value, Mapping):
        return {key: as_data(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return list(map(as_data, value))
    return str(value) if isinstance(value, Path) else value


def fields_of(result: Any, *without: str) -> dict[str, Any]:
    """The fields of a dataclass as JSON-ready data, but for those named."""
    return {each.name: as_data(getattr(result, each.name)) for each in fields(result) if each.name not in without}
