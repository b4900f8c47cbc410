"""Runs a script in a mount namespace of its own: what it mounts or hides is seen by nobody else."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess

import pytest


@functools.cache
def _unshare() -> list[str] | None:
    """The command that gives a private mount namespace here: as root, or by a user namespace."""
    tool = shutil.which("unshare")
    choices = [[tool, "--mount"], [tool, "--user", "--map-root-user", "--mount"]] if tool else []
    for command in choices[0 if os.geteuid() == 0 else 1 :]:
        probe = subprocess.run([*command, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
        if probe.returncode == 0:
            return command
    return None


def run_in_namespace(script: str, **variables: object) -> subprocess.CompletedProcess[str]:
    """Runs a shell script in a private mount namespace, and stops at its first failing command.

    Args:
        script: For ``sh -eu``.
        variables: Passed to it by name, in the environment.
    """
    command = _unshare()
    if command is None:
        pytest.skip("this machine allows no mount namespace (unshare needs root or user namespaces)")
    environment = {**os.environ, **{name: str(value) for name, value in variables.items()}}
    return subprocess.run(
        [*command, "sh", "-euc", script], capture_output=True, text=True, check=False, env=environment
    )
