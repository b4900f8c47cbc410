"""A copy of an environment that holds metadata only: what resolvers look at, and nothing that runs.

It is the one way in which environments are asked here: a running interpreter's, another one's, a freeze file's,
and one that changes with every cell of a notebook. The environment itself is never given to a resolver.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap._util.names import canonical_name
from bootstrap.diagnosis.model import NUMPY_NAME, Dist, EnvironmentInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bootstrap.diagnosis.target import Target


class MetadataEnvironment:
    """A virtual environment of distributions that are only described. To be closed."""

    def __init__(self, target: Target, dists: Iterable[Dist], folder: Path | None = None) -> None:
        """Makes it.

        Args:
            target: Whose Python, markers and pip settings it has.
            dists: What should look installed.
            folder: Where it is made; the folder for temporary files unless given.
        """
        self.target = target
        self.root = Path(tempfile.mkdtemp(prefix="environment-", dir=folder))
        self.python, self._site = target.bare_environment(self.root)
        self._dists: dict[str, Dist] = {}
        with suppress(OSError):  # the settings of pip that belong to that environment alone
            shutil.copy(target.prefix / "pip.conf", self.root)
        for dist in dists:
            self._write(dist)

    def close(self) -> None:
        """Deletes it."""
        shutil.rmtree(self.root, ignore_errors=True)

    def __iter__(self) -> Iterator[Dist]:
        return iter(self._dists.values())

    def __len__(self) -> int:
        return len(self._dists)

    def info(self, title: str) -> EnvironmentInfo:
        """What it is a copy of, as it is now."""
        numpy = self.get(NUMPY_NAME)
        unknown = tuple(d.name for d in self if not d.known)
        return EnvironmentInfo(title, self.target.version, numpy.version if numpy else None, len(self), unknown)

    def get(self, name: str) -> Dist | None:
        """The distribution of that name."""
        return self._dists.get(canonical_name(name))

    def after(self, planned: Iterable[Dist]) -> list[Dist]:
        """What would be there with these installed; nothing is changed."""
        return list({**self._dists, **{dist.key: dist for dist in planned}}.values())

    def apply(self, planned: Iterable[Dist]) -> None:
        """Has these look installed, in place of what had their names."""
        for dist in planned:
            self.remove(dist.name)
            self._write(dist)

    def remove(self, name: str) -> Dist | None:
        """Has a distribution look uninstalled; None where it wasn't there."""
        dist = self._dists.pop(canonical_name(name), None)
        if dist is not None:
            shutil.rmtree(self._folder(dist))
        return dist

    def _folder(self, dist: Dist) -> Path:
        return self._site / f"{re.sub(r'[-_.]+', '_', dist.name)}-{dist.version}.dist-info"

    def _write(self, dist: Dist) -> None:
        folder = self._folder(dist)
        folder.mkdir()
        (folder / "METADATA").write_text(metadata_text(dist), encoding="utf-8")
        (folder / "INSTALLER").write_text(f"{dist.installer or 'pip'}\n", encoding="utf-8")
        (folder / "RECORD").write_text("", encoding="utf-8")
        if dist.direct_url is not None:
            (folder / "direct_url.json").write_text(json.dumps(dist.direct_url), encoding="utf-8")
        self._dists[dist.key] = dist


_NAMED_OTHERWISE = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Distributions that are imported under another name than their own."""


def importable(metadata_env: MetadataEnvironment, folder: Path | None = None) -> Callable[[str], bool | None]:
    """Tells of a module whether it can be imported, before anything is installed; None where nobody knows.

    Args:
        metadata_env: What is installed.
        folder: The working folder, where the environment is that of a Python that is here; else a module may come
            with anything, so that of none is told that it can't be imported.
    """
    there = {dist.key for dist in metadata_env}
    names: set[str] | None = None
    with suppress(OSError):
        if folder is not None and (places := metadata_env.target.packages):
            entries = [entry for place in (folder, *places) for entry in place.iterdir()]
            names = (
                None if any(map(_leads_elsewhere, entries)) else {entry.name.partition(".")[0] for entry in entries}
            )

    def ask(module: str) -> bool | None:
        top = module.partition(".")[0]
        if module.startswith("google."):
            return canonical_name(module.replace(".", "-")) in there or None
        if top in sys.stdlib_module_names or canonical_name(_NAMED_OTHERWISE.get(top, top)) in there:
            return True
        return None if names is None or not top or top in names else False

    return ask


def module_version(metadata_env: MetadataEnvironment, module: str) -> str | None:
    """What a module's ``__version__`` is, by what is installed; None where it isn't."""
    top = module.partition(".")[0]
    dist = metadata_env.get(_NAMED_OTHERWISE.get(top, top))
    return dist.version if dist else None


def _leads_elsewhere(entry: Path) -> bool:
    """Whether this has modules found in other folders: a .pth file with a path, an editable installation."""
    if entry.suffix != ".pth":
        return entry.name.startswith("__editable__") or entry.suffix == ".egg-link"
    lines = entry.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(line.strip() and not line.startswith(("import ", "import\t", "#")) for line in lines)


def metadata_text(dist: Dist) -> str:
    """A METADATA file that says what resolvers need; a requirement that was folded over lines stands on one."""
    lines = ["Metadata-Version: 2.1", f"Name: {dist.name}", f"Version: {dist.version}"]
    lines += [f"Requires-Python: {dist.requires_python}"] if dist.requires_python else []
    lines += [f"Requires-Dist: {' '.join(text.split())}" for text in dist.requires]
    lines += [f"Provides-Extra: {extra}" for extra in dist.extras]
    return "\n".join(lines) + "\n\n"
