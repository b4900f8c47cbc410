"""Runs in the interpreter asked about: what is installed there, and what requirements mean there.

A script, not a module of ours: it may use the standard library and the ``packaging`` that pip brings, so that
markers, extras and versions are read exactly as that pip reads them. It reads JSON requests on stdin, one a line,
and writes one line with a JSON answer to each on stdout. It imports nothing else and writes nothing. Python 3.8 and
later.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import platform
import re
import sys
import sysconfig
from collections import deque
from importlib import metadata
from typing import Any, Callable  # noqa: UP035 - Python 3.8

_ONE_EXTRA = re.compile(r"""\bextra\s*==\s*["']([^"']+)["']""")
ROOT = ""
"""The name under which the command itself stands in a graph."""


def _packaging(part: str) -> Any:
    """A module of ``packaging``, pip's own copy first."""
    for package in ("pip._vendor.packaging", "packaging", "setuptools._vendor.packaging"):
        try:
            return importlib.import_module(package + "." + part)
        except ImportError:
            continue
    raise ImportError("neither pip nor packaging is installed")


@functools.lru_cache(maxsize=None)  # noqa: UP033 - Python 3.8
def _parsed(text: str) -> Any:
    """A requirement; None for what is none."""
    module = _packaging("requirements")
    try:
        return module.Requirement(text)
    except module.InvalidRequirement:
        return None


@functools.lru_cache(maxsize=None)  # noqa: UP033 - Python 3.8
def _holds(text: str, extra: str) -> bool:
    """Whether a requirement counts with an extra ('' for none), and would not without."""
    # Four in five requirements belong to an extra that nobody asked for; to see that, they need no parsing.
    marker = text.partition(";")[2]
    named = None if " or " in marker else _ONE_EXTRA.search(marker)
    if named and normalized(named.group(1)) != normalized(extra):
        return False
    parsed = _parsed(text)
    if parsed is None or parsed.marker is None:
        return parsed is not None and not extra
    try:
        plain = parsed.marker.evaluate({"extra": ""})
        return bool(plain) if not extra else bool(parsed.marker.evaluate({"extra": extra}) and not plain)
    except (ValueError, KeyError):
        return False


@functools.lru_cache(maxsize=None)  # noqa: UP033 - Python 3.8
def _within(specifier: str, version: str) -> bool:
    """Whether a version is within bounds (of an installed distribution: pre-releases count)."""
    try:
        return bool(_packaging("specifiers").SpecifierSet(specifier).contains(version, prereleases=True))
    except _packaging("version").InvalidVersion:
        return True


def normalized(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def inventory() -> dict[str, Any]:
    """What is installed, in the order in which an import would find it, and the interpreter's own facts."""
    found: dict[str, Any] = {}
    for dist in metadata.distributions():
        headers = dist.metadata
        name, version = headers["Name"], headers["Version"]
        if not name or not version or normalized(name) in found:
            continue
        place = getattr(dist, "_path", None)
        direct = dist.read_text("direct_url.json")
        found[normalized(name)] = {
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
        "implementation": platform.python_implementation(),
        "prefix": sys.prefix,
        "base": getattr(sys, "_base_executable", None) or sys.executable,
        "sites": [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")],
        "scripts": sysconfig.get_path("scripts"),
        "path": [entry for entry in sys.path if entry],
        "pip": pip_facts,
        "distributions": list(found.values()),
    }


def read(lines: list[str]) -> list[dict[str, Any]]:
    """Each requirement's parts, or what is wrong with it, in the order given."""
    requirements = _packaging("requirements")
    answers: list[dict[str, Any]] = []
    for line in lines:
        try:
            parsed = requirements.Requirement(line)
        except requirements.InvalidRequirement as error:
            answers.append({"error": str(error).splitlines()[0]})
            continue
        answers.append(
            {
                "name": parsed.name,
                "extras": sorted(parsed.extras),
                "specifier": str(parsed.specifier),
                "url": parsed.url,
                "applies": parsed.marker is None or parsed.marker.evaluate({"extra": ""}),
            }
        )
    return answers


def fits(specifiers: list[str]) -> list[bool]:
    """Whether each ``Requires-Python`` admits this interpreter; one that can't be read does."""
    module = _packaging("specifiers")
    answers = []
    for text in specifiers:
        try:
            answers.append(module.SpecifierSet(text).contains(platform.python_version(), prereleases=True))
        except module.InvalidSpecifier:
            answers.append(True)
    return answers


def meets(requirements: list[str], version: str) -> bool:
    """Whether a version is within the bounds of all these requirements."""
    module = _packaging("requirements")
    return all(module.Requirement(text).specifier.contains(version, prereleases=True) for text in requirements)


class Graph:
    """Distributions and what each needs here, markers evaluated."""

    def __init__(self, distributions: list[dict[str, Any]]) -> None:
        self.nodes = {normalized(d["name"]): d for d in distributions}

    def edges(self, name: str, extra: str) -> list[Any]:
        """The requirements of one distribution that apply with one extra ('' for none)."""
        return [_parsed(text) for text in self.nodes[name].get("requires", []) if _holds(text, extra)]

    def allows(self, parsed: Any, version: str) -> bool:
        """Whether a requirement is content with an installed version."""
        return bool(parsed.url) or _within(str(parsed.specifier), version)

    def faults(self) -> list[dict[str, Any]]:
        """What pip's check would say: requirements that nothing installed meets."""
        found = []
        for name in self.nodes:
            node = self.nodes[name]
            for parsed in self.edges(name, ""):
                needed = normalized(parsed.name)
                other = self.nodes.get(needed)
                if other is None or not self.allows(parsed, other["version"]):
                    found.append(
                        {
                            "name": name,
                            "version": node["version"],
                            "needs": _bare(parsed),
                            "subject": needed,
                            "has": other["version"] if other else None,
                        }
                    )
        return found

    def reach(self, roots: list[str]) -> dict[str, list[Any]]:
        """Every distribution that the roots need, with the shortest way to it."""
        ways: dict[str, list[Any]] = {}
        waiting: deque[Any] = deque()
        for root in roots:
            parsed = _parsed(root)
            if parsed is not None:
                waiting.append((parsed, ROOT, []))
        seen: set[tuple[str, str]] = set()
        while waiting:
            parsed, owner, way = waiting.popleft()
            name = normalized(parsed.name)
            step = [*way, {"owner": owner, "needs": _bare(parsed), "name": name}]
            ways.setdefault(name, []).append((parsed, step))
            if name not in self.nodes:
                continue
            for extra in ["", *sorted(parsed.extras)]:
                if (name, extra) in seen:
                    continue
                seen.add((name, extra))
                waiting.extend((edge, name, step) for edge in self.edges(name, extra))
        return ways

    def chains(self, roots: list[str], subject: str, version: str) -> list[Any]:
        """The ways from the roots to requirements on the subject that shut out a version, shortest first."""
        found = [way for parsed, way in self.reach(roots).get(subject, []) if not self.allows(parsed, version)]
        return sorted(found, key=len)


def _bare(parsed: Any) -> str:
    """A requirement without its marker."""
    extras = "[" + ",".join(sorted(parsed.extras)) + "]" if parsed.extras else ""
    return str(parsed.name) + extras + (" @ " + parsed.url if parsed.url else str(parsed.specifier))


def analyse(request: dict[str, Any]) -> dict[str, Any]:
    """Compare two sets of distributions: what no longer fits, what the roots reach, what forces the subject away."""
    before, after = Graph(request["before"]), Graph(request["after"])
    known = {(f["name"], f["needs"], f["subject"]) for f in before.faults()}
    subject = request["subject"]
    installed = before.nodes.get(subject)
    return {
        "faults": [f for f in after.faults() if (f["name"], f["needs"], f["subject"]) not in known],
        "before": len(known),
        "closure": sorted(name for name in after.reach(request["roots"]) if name in after.nodes),
        "chains": after.chains(request["roots"], subject, installed["version"])[:8] if installed else [],
    }


def main() -> None:
    """Answers the requests on stdin until there are no more."""
    # The folder of this script is nowhere that a package of the examined interpreter would be found.
    sys.path[:] = sys.path[1:]
    actions: dict[str, Callable[[Any], Any]] = {
        "inventory": lambda _: inventory(),
        "read": lambda request: read(request["lines"]),
        "meets": lambda request: meets(request["lines"], request["version"]),
        "fits": lambda request: fits(request["specifiers"]),
        "analyse": lambda request: [analyse(item) for item in request["items"]],
    }
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(actions[request["do"]](request)), flush=True)


if __name__ == "__main__":
    main()
