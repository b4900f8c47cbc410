"""conda-lock.yml as data: its records, how it is read, and what it must satisfy."""

from __future__ import annotations

from bootstrap.lock.model import PLATFORM, Channel, Lock, Record
from bootstrap.lock.policy import REQUIRED_PACKAGES, validate
from bootstrap.lock.reader import parse_lock, read_lock

__all__ = ["PLATFORM", "REQUIRED_PACKAGES", "Channel", "Lock", "Record", "parse_lock", "read_lock", "validate"]
