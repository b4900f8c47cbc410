"""What conda writes into a package's record, and the engine doesn't or in another way."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bootstrap.lock import Record

# What a lock doesn't state of a package and its own index.json does; conda reads these from conda-meta.
_FROM_INDEX = (
    "arch",
    "build_number",
    "constrains",
    "license",
    "license_family",
    "noarch",
    "platform",
    "python_site_packages_path",
    "timestamp",
    "track_features",
)


def completed(
    data: Mapping[str, Any],
    *,
    index: Mapping[str, Any],
    record: Record,
    spec: str | None,
    links: Mapping[str, str],
) -> str:
    """A conda-meta record with what conda would have written.

    Args:
        data: The record as it is; its entries for files are changed.
        index: The package's own index.json; empty where it isn't at hand.
        record: The locked package.
        spec: What was asked for, where the package was asked for by name.
        links: Where the package's soft links lead, by their paths in the prefix.
    """
    _add_hashes(data["paths_data"]["paths"], links)
    # On one line: indented, the tens of thousands of entries would take three times as long to write.
    return json.dumps(_fields(data, index, record, spec), ensure_ascii=False)


def _fields(known: Mapping[str, Any], index: Mapping[str, Any], record: Record, spec: str | None) -> dict[str, Any]:
    more = {key: index[key] for key in _FROM_INDEX if index.get(key) is not None}
    # The archive is the locked one, wherever an adopted package came from.
    fields = {"constrains": [], **more, **known, "url": record.url, "channel": record.url.rsplit("/", 1)[0]}
    # What the lock can't tell, the engine has guessed.
    fields["build_number"] = index.get("build_number", fields.get("build_number", 0))
    own = index.get("depends")
    if isinstance(own, list) and all(isinstance(line, str) for line in own):
        fields["depends"] = depends(own, record.depends)
    if (noarch := fields.get("noarch")) in ("python", "generic"):
        fields["package_type"] = f"noarch_{noarch}"
    fields.pop("requested_spec", None)
    if spec is not None:
        fields["requested_spec"] = spec
    fields["requested_specs"] = [] if spec is None else [spec]
    return fields


def depends(own: Sequence[str], locked: Mapping[str, str]) -> list[str]:
    """What a package depends on, with the build strings that only its own index.json has.

    A channel may correct the bounds of a package that it has published; then the lock's bound is the newer one.
    Virtual packages are in no lock.
    """
    bounds: dict[str, list[str]] = {}
    for line in own:
        name, _, bound = line.partition(" ")
        bounds.setdefault(name, []).append(bound.strip())
    kept = []
    for name, own_bounds in bounds.items():
        locked_bound = locked.get(name)
        # conda-lock writes 1.0 for ==1.0, too.
        same = {version.lstrip("=") for bound in own_bounds for version in (bound, bound.partition(" ")[0])}
        if name.startswith("__") or (locked_bound is not None and locked_bound.lstrip("=") in same):
            kept += [f"{name} {bound}".rstrip() for bound in own_bounds]
        elif locked_bound is not None:
            kept.append(f"{name} {locked_bound}".rstrip())
    return [*kept, *(f"{name} {bound}".rstrip() for name, bound in locked.items() if name not in bounds)]


def _add_hashes(entries: Sequence[dict[str, Any]], links: Mapping[str, str]) -> None:
    """Has a record's entries hold the hashes by which `conda doctor` knows files.

    Of a link it hashes what the link leads to. That is known where the package itself has it; what belongs to others
    may change, and conda states nothing of links.
    """
    contents = {e["_path"]: e.get("sha256_in_prefix") or e.get("sha256") for e in entries if e["_path"] not in links}
    for entry in entries:
        kind = entry.get("path_type")
        if kind == "softlink":
            entry.pop("sha256_in_prefix", None)
            if known := contents.get(_goal(entry["_path"], links)):
                entry["sha256_in_prefix"] = known
        elif kind == "hardlink" and "sha256" in entry and not entry.get("prefix_placeholder"):
            entry.setdefault("sha256_in_prefix", entry["sha256"])


def _goal(path: str, links: Mapping[str, str]) -> str:
    """Where a link leads in the end, as a path in the prefix; links that lead in a circle lead anywhere."""
    for _ in links:
        if path not in links:
            break
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), links[path]))
    return path
