"""Removes what pip laid over conda's packages.

pip replaces a conda package's files without conda's knowledge. Putting the package's own files back leaves those
that only pip's version had, and a second .dist-info by which every tool that asks for the version is misled. So
whenever a package's files are put back, other distributions of the same name are taken out, as pip itself would.
"""

from __future__ import annotations

import csv
import shutil
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bootstrap._util.names import canonical_name
from bootstrap.prefix.paths import fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bootstrap.prefix.manifest import Manifest


def find_overlays(prefix: Path, files: Mapping[str, Iterable[str]]) -> list[tuple[str, str]]:
    """Other distributions of the same name as a package brings.

    Args:
        prefix: The environment.
        files: ``name-version-build`` of packages to the paths that they own.

    Returns:
        The package and the other distribution's folder, relative to the environment.
    """
    owners = {dist: stem for stem, paths in files.items() for dist in _distributions(paths)}
    owned = {path for paths in files.values() for path in paths if path.endswith("/METADATA")}
    return [
        (owners[site, name], f"{site}{info.name}")
        for site in sorted({site for site, _ in owners})
        for info in sorted((prefix / site).glob("*.dist-info"))
        if (name := _normalized(info.name)) and (site, name) in owners and f"{site}{info.name}/METADATA" not in owned
    ]


def remove_overlays(stage: Path, packages: Iterable[str], state: Manifest) -> list[str]:
    """Takes out other distributions of the same name as these packages bring.

    Args:
        stage: The environment.
        packages: ``name-version-build`` of packages whose files were put back.
        state: What the environment's records own, which stays.

    Returns:
        The files removed, relative to the environment.
    """
    owned = state.owned
    removed: list[str] = []
    for _, folder in find_overlays(stage, {stem: state.files[stem] for stem in packages}):
        info = stage / folder
        for path in _recorded(stage, info.parent, info):
            if path not in owned:
                (stage / path).unlink(missing_ok=True)
                removed.append(path)
        if info.is_symlink():
            info.unlink()
        else:
            shutil.rmtree(info)
    for folder in sorted({str(PurePosixPath(path).parent) for path in removed}, key=lambda f: -f.count("/")):
        with suppress(OSError):
            (stage / folder).rmdir()
    return removed


def _distributions(files: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The site folder, with a slash at its end, and the normalized name of each distribution among the files."""
    for path in files:
        if path.endswith(".dist-info/METADATA"):
            site, slash, info = path.removesuffix("/METADATA").rpartition("/")
            yield site + slash, _normalized(info)


def _normalized(info: str) -> str:
    """A distribution's name by its .dist-info folder, as PyPI compares names."""
    return canonical_name(info.removesuffix(".dist-info").rpartition("-")[0])


def _recorded(stage: Path, site: Path, info: Path) -> Iterator[str]:
    """The files in a distribution's RECORD that lie in the environment, relative to it."""
    try:
        rows = list(csv.reader((info / "RECORD").read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return
    root = stage.resolve()
    for row in rows:
        if not row or "\0" in row[0]:
            continue
        # The folder is resolved, the file is not: a link is removed, never what it leads to.
        place = site / row[0]
        place = place.parent.resolve() / place.name
        if not place.is_relative_to(root) or not (place.is_file() or place.is_symlink()):
            continue
        path = place.relative_to(root).as_posix()
        if not fault(path):
            yield path
