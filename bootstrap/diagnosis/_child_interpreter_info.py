"""Runs in the interpreter asked about: what it is, and what is installed there.

A script, not a module of ours: it uses the standard library alone, and asks pip where it is and what markers mean
here. It writes one JSON document to stdout, and nothing else. Python 3.8 and later.
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
    distributions: dict[str, Any] = {}
    for dist in metadata.distributions():
        headers = dist.metadata
        name, version = headers["Name"], headers["Version"]
        key = re.sub(r"[-_.]+", "-", name or "").lower()
        if not name or not version or key in distributions:
            continue
        place = getattr(dist, "_path", None)
        direct = dist.read_text("direct_url.json")
        distributions[key] = {
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
        markers = importlib.import_module("pip._vendor.packaging.markers").default_environment()
    except ImportError:
        pip_facts, markers = None, {}
    return {
        "python": platform.python_version(),
        "markers": list(markers.items()),
        "prefix": sys.prefix,
        "base": getattr(sys, "_base_executable", None) or sys.executable,
        "path": [entry for entry in sys.path if entry],
        "pip": pip_facts,
        "distributions": list(distributions.values()),
    }


if __name__ == "__main__":
    # The folder of this script is nowhere that a package of the examined interpreter would be found.
    sys.path[:] = sys.path[1:]
    json.dump(inventory(), sys.stdout)
