"""Runs in the interpreter asked about: what it is, and what is installed there.

A script, not a module of ours: it uses the standard library alone, and imports pip to see where that is. It writes
one JSON document to stdout, and nothing else. Python 3.8 and later.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import re
import sys
from importlib import metadata
from typing import Any


def inventory() -> dict[str, Any]:
    """What is installed, in the order in which an import would find it, and the interpreter's own facts."""
    found: dict[str, Any] = {}
    for dist in metadata.distributions():
        headers = dist.metadata
        name, version = headers["Name"], headers["Version"]
        key = re.sub(r"[-_.]+", "-", name or "").lower()
        if not name or not version or key in found:
            continue
        place = getattr(dist, "_path", None)
        direct = dist.read_text("direct_url.json")
        found[key] = {
            "name": name,
            "version": version,
            "requires": list(dist.requires or []),
            "extras": headers.get_all("Provides-Extra") or [],
            "requires_python": headers["Requires-Python"],
            "path": str(place) if place else None,
            "installer": (dist.read_text("INSTALLER") or "").strip() or None,
            "requested": dist.read_text("REQUESTED") is not None,
            "direct_url": json.loads(direct) if direct else None,
        }
    try:
        pip = importlib.import_module("pip")
        pip_facts = {"version": pip.__version__, "path": os.path.dirname(str(pip.__file__))}  # noqa: PTH120 - as text
    except ImportError:
        pip_facts = None
    return {
        "python": platform.python_version(),
        "markers": list(markers().items()),
        "prefix": sys.prefix,
        "base": getattr(sys, "_base_executable", None) or sys.executable,
        "path": [entry for entry in sys.path if entry],
        "pip": pip_facts,
        "distributions": list(found.values()),
    }


def markers() -> dict[str, str]:
    """What requirements' markers may ask about, as PEP 508 defines it."""
    version = sys.implementation.version
    implementation = f"{version.major}.{version.minor}.{version.micro}"
    if version.releaselevel != "final":
        implementation += version.releaselevel[0] + str(version.serial)
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": implementation,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


if __name__ == "__main__":
    # The folder of this script is nowhere that a package of the examined interpreter would be found.
    sys.path[:] = sys.path[1:]
    json.dump(inventory(), sys.stdout)
