"""The running process: what of numpy is loaded in it, and whether that is what lies on disk.

A kernel keeps what it has loaded. When an installer replaces the files, the process holds one version, the disk
another, and whatever is imported next comes from the wrong one. Only the process itself can tell. Nothing here
imports numpy, or any part of it that isn't loaded already: `gather` looks, and runs known answers only once a
fresh process has shown that this numpy survives them.
"""

from __future__ import annotations

from bootstrap.health.live.checks import CHECKS, Live, examine_process

__all__ = ["CHECKS", "Live", "examine_process"]
