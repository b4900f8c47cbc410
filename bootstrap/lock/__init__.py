"""conda-lock.yml as data: its records, how it is read, and what it must satisfy."""

from __future__ import annotations

from bootstrap.lock.model import PLATFORM, Lock, Record
from bootstrap.lock.policy import validate
from bootstrap.lock.reader import parse_lock, read_lock

__all__ = ["PLATFORM", "Lock", "Record", "parse_lock", "read_lock", "validate"]
