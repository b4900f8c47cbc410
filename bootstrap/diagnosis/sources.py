"""Packages that exist as source only, without building them: a wheel that holds what a source says of itself.

Building runs the package's code. A source archive has a record of its own, and resolvers need no more than that: with
such a wheel beside the index they answer as if there were one.
"""

from __future__ import annotations

import re
import zipfile
from contextlib import suppress
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from bootstrap._util.names import canonical_name
from bootstrap.diagnosis.metadata_env import metadata_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bootstrap.diagnosis.index import Archive, Index
    from bootstrap.diagnosis.model import Dist

_NOT_FOUND = re.compile(r"No matching distribution found for (?P<wanted>[^\n(]+)")
_NO_WHEEL = re.compile(
    r"Wheels are required for `(?P<wanted>[\w.-]+)`"
    r"|(?P<named>[\w.-]+)(?:\[[^]]*\])?(?:\{[^}]*\})?(?P<bound>[=<>!~]\S*)? ha(?:s|ve) no usable wheels"
)


def wanted_sources(text: str, named: Sequence[str]) -> list[str]:
    """The requirements for which a resolver found no wheel, in its own words; as they were asked for, if they were.

    Args:
        text: What the resolver says.
        named: The requirements that it was asked about.
    """
    requirements = [m["wanted"].strip() for m in _NOT_FOUND.finditer(text)]
    for match in _NO_WHEEL.finditer(text):
        name = canonical_name(match["wanted"] or match["named"])
        own = [r for r in named if canonical_name(re.split(r"[^\w.-]", r, maxsplit=1)[0]) == name]
        requirements += own or [f"{name}{match['bound'] or ''}"]
    return list(dict.fromkeys(requirements))


def describe_source(wanted: str, index: Index, folder: Path, as_of: str | None) -> str | None:
    """Puts a wheel for the newest fitting source into a folder; the source's name and version, None without one.

    Raises:
        IndexUnreachableError: An index doesn't answer.
    """
    try:
        requirement = Requirement(wanted)
    except InvalidRequirement:
        return None
    archives = index.archives(requirement.name)
    wheels = {a.version for a in archives if a.wheel and index.runs_here(a)}
    fitting: list[tuple[Version, Archive]] = []
    for archive in archives:
        late = as_of and archive.uploaded and archive.uploaded > as_of
        with suppress(InvalidVersion):
            version = Version(archive.version)
            without = not archive.wheel and archive.version not in wheels
            if without and not late and requirement.specifier.contains(version):
                fitting.append((version, archive))
    newest = max(fitting, key=lambda candidate: candidate[0], default=None)
    dist = index.dist_of(newest[1]) if newest else None
    if dist is not None and canonical_name(dist.name) == canonical_name(requirement.name):
        _write_wheel(dist, folder)
        return f"{dist.name} {dist.version}"
    return None


def _write_wheel(dist: Dist, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    stem = f"{re.sub(r'[-_.]+', '_', dist.name)}-{dist.version.replace('-', '_')}"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{stem}.dist-info/METADATA", metadata_text(dist))
        wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{stem}.dist-info/RECORD", "")
