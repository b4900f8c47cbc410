"""Do the files of a Python distribution have the content that its RECORD says?

This is the ground truth where no conda record owns a package: in a virtual environment, in Colab's own Python,
and for what pip has put into a prefix. Where conda does own it, conda-meta is asked instead: conda-forge edits
binaries after their RECORD was written.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from bootstrap._util.names import canonical_name
from bootstrap.health.model import FileFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bootstrap.health.model import FileReason

_INFO = re.compile(r"^(?P<name>[A-Za-z0-9._]+?)-(?P<version>[^-]+)(?:-py\d[\d.]*)?\.(?:dist|egg)-info$")
_INSTALLERS_OWN = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json", "uv_build.json")
"""Files of a .dist-info folder that installers write and rewrite as they like."""
_CHUNK = 2**20
_THREADS = 2
_SLACK_S = 2.0
"""Seconds between RECORD and the files of one installation that are no sign of a later change."""


@dataclass(frozen=True)
class RecordEntry:
    """One line of a RECORD file."""

    path: str
    """Relative to the site folder, with forward slashes."""
    sha256: str | None
    """In hexadecimal; None where RECORD has none, as for bytecode, or another algorithm."""
    size: int | None
    """Bytes."""


@dataclass(frozen=True)
class Distribution:
    """One installed distribution: a ``.dist-info`` or ``.egg-info`` folder (or file)."""

    name: str
    """Normalized."""
    version: str
    """From METADATA; from the folder's name where there is none."""
    info: Path
    labelled_version: str
    """From the folder's name."""

    @property
    def site(self) -> Path:
        """The site folder it lies in."""
        return self.info.parent

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def by_system(self) -> bool:
        """Whether the operating system's package manager owns it; that one edits files and leaves RECORD stale."""
        if self.site.parts[-2:] == ("python3", "dist-packages"):
            return True  # Debian's folder has no minor version in its name
        return self.installer in ("debian", "rpm")

    @property
    def installer(self) -> str | None:
        """What INSTALLER names; None where it can't be read."""
        try:
            return (self.info / "INSTALLER").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return None

    def record(self) -> list[RecordEntry]:
        """The lines of its RECORD; empty where it has none, or an unreadable one."""
        try:
            with (self.info / "RECORD").open(encoding="utf-8", errors="replace", newline="") as file:
                rows = [row for row in csv.reader(file) if len(row) >= 3]
        except (OSError, csv.Error):
            return []
        if any("\0" in row[0] for row in rows):  # what a power cut leaves, and no path
            return []
        return [
            RecordEntry(path, _hexadecimal(digest), int(size) if size.isdecimal() and len(size) < 20 else None)
            for path, digest, size in (row[:3] for row in rows)
        ]

    def extensions(self) -> list[RecordEntry]:
        """Its compiled modules, the smallest first; libraries that a wheel brings along know nothing of numpy."""
        entries = [entry for entry in self.record() if ".so" in entry.path and ".libs/" not in entry.path]
        return sorted(entries, key=lambda entry: entry.size or 0)

    def requirements(self) -> list[str]:
        """What it asks for in every case, extras left out, as its metadata words it."""
        lines = (line.partition(":") for line in _metadata(self.info))
        asked = (value.strip() for key, _, value in lines if key == "Requires-Dist")
        return [value for value in asked if "extra ==" not in value.replace("extra==", "extra ==")]

    def applying(self, version: Sequence[int]) -> Iterator[tuple[str, Any]]:
        """Each line of Requires-Dist that applies without extras, and what packaging makes of it.

        Nothing without that library or pip's copy of it; lines that it can't read are left out.

        Args:
            version: Of the examined Python, whose markers count.
        """
        short, full = ".".join(map(str, version[:2])), ".".join(map(str, version[:3]))
        environment = {"extra": "", "python_version": short, "python_full_version": full}
        for home in ("packaging", "pip._vendor.packaging"):
            with suppress(ImportError):
                requirement = import_module(f"{home}.requirements").Requirement
                break
        else:
            return
        for line in self.requirements():
            with suppress(ValueError):  # what packaging raises for a line that it can't read
                wanted = requirement(line)
                if wanted.marker is None or wanted.marker.evaluate(environment):
                    yield line, wanted

    def requires(self) -> list[str]:
        """Normalized names of the distributions that it needs in every case."""
        names = (re.match(r"[A-Za-z0-9._-]+", value) for value in self.requirements())
        return [canonical_name(name[0]) for name in names if name]


def _hexadecimal(text: str) -> str | None:
    algorithm, _, value = text.partition("=")
    if algorithm != "sha256":
        return None
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()
    except ValueError:
        return None


def _metadata(info: Path) -> list[str]:
    """The header lines of a distribution's metadata."""
    for name in ("METADATA", "PKG-INFO", ""):
        try:
            text = (info / name).read_text(encoding="utf-8", errors="replace") if name or info.is_file() else ""
        except OSError:
            continue
        if text:
            return text.split("\n\n", 1)[0].splitlines()
    return []


def find_distributions(sites: Iterable[Path]) -> list[Distribution]:
    """Every distribution in these site folders, in the order of the folders, then of names."""
    distributions = []
    for site in sites:
        try:
            names = sorted(path.name for path in site.iterdir())
        except OSError:
            continue
        for entry in names:
            match = _INFO.match(entry)
            if not match or entry.startswith("~"):
                continue
            version = match["version"]
            for line in _metadata(site / entry):
                if line.startswith("Version:"):
                    version = line.partition(":")[2].strip()
                    break
            distributions.append(Distribution(canonical_name(match["name"]), version, site / entry, match["version"]))
    return distributions


@dataclass(frozen=True)
class RecordCheck:
    """What the files of one distribution look like."""

    faults: tuple[FileFault, ...]
    checked: int
    """How many files were looked at."""


def verify_distribution(
    distribution: Distribution,
    *,
    hash_content: bool = True,
    extra: bool = False,
    record: Sequence[RecordEntry] | None = None,
) -> RecordCheck:
    """Compare the files of a distribution with its RECORD.

    Args:
        distribution: What to look at.
        hash_content: Read every file; otherwise presence, type and size are compared, and those files are read
            that changed after RECORD was written, which installers write last.
        extra: Also report code inside the distribution's own packages that RECORD doesn't list.
        record: The lines of RECORD, where they were read already.
    """
    entries = [e for e in (distribution.record() if record is None else record) if not _installers_own(e.path)]
    owner = str(distribution)
    site = str(distribution.site)
    since = 0.0 if hash_content else _changed_at(distribution.info / "RECORD") + _SLACK_S

    def look(entry: RecordEntry) -> FileFault | None:
        path = f"{site}/{entry.path}"
        fault = _fault(path, entry, since)
        return FileFault(os.path.normpath(path), owner, *fault) if fault else None

    with ThreadPoolExecutor(_THREADS) as pool:
        # Without hashing, handing a file to a thread costs more than looking at it.
        faults = [fault for fault in (pool.map if hash_content else map)(look, entries) if fault]
    if extra and entries:
        listed = {os.path.normpath(e.path) for e in entries}
        faults += extra_files(distribution.site, listed, packages_of(e.path for e in entries), owner)
    return RecordCheck(tuple(faults), len(entries))


def _changed_at(path: Path) -> float:
    """When a file's content or status last changed; no installer can set that back."""
    try:
        return path.stat().st_ctime
    except OSError:
        return 0.0


def _installers_own(path: str) -> bool:
    if path.endswith(".pyc"):
        return True  # compiled at installation, rewritten at will
    folder, _, name = path.rpartition("/")
    return folder.endswith(".dist-info") and name in _INSTALLERS_OWN


def _fault(path: str, entry: RecordEntry, since: float) -> tuple[FileReason, str] | None:
    """What is wrong with a file; its content is read where it changed after a moment."""
    try:
        info = os.stat(path)  # noqa: PTH116 (for each of some ten thousand files)
    except FileNotFoundError:
        return "missing", ""
    except OSError as error:
        return "unreadable", error.strerror or str(error)
    if not stat.S_ISREG(info.st_mode):
        return "type", "is not a regular file"
    if entry.size is not None and info.st_size != entry.size:
        return "size", f"{info.st_size} bytes instead of {entry.size}"
    if entry.sha256 is None or info.st_ctime <= since:
        return None
    try:
        actual = file_sha256(Path(path))
    except OSError as error:
        return "unreadable", error.strerror or str(error)
    return None if actual == entry.sha256 else ("sha256", f"{actual[:12]} instead of {entry.sha256[:12]}")


def file_sha256(path: Path) -> str:
    """The sha256 of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def packages_of(paths: Iterable[str]) -> list[str]:
    """Top-level packages (folders with ``__init__.py``) and library folders (``NAME.libs``) of a file list."""
    packages = set()
    for path in paths:
        parts = PurePosixPath(path).parts
        if (len(parts) == 2 and parts[1] == "__init__.py") or (len(parts) > 1 and parts[0].endswith(".libs")):
            packages.add(parts[0])
    return sorted(packages)


def extra_files(site: Path, listed: set[str], packages: Sequence[str], owner: str) -> list[FileFault]:
    """Python code and libraries in these packages that no list holds; bytecode and data are not looked at."""
    faults = []
    for package in packages:
        for folder, folders, files in os.walk(site / package):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for name in files:
                path = Path(folder) / name
                # ".so" may be followed by a version, and bytecode outside __pycache__ can be imported.
                code = name.endswith((".py", ".pyc", ".pth")) or ".so" in name
                if code and os.path.normpath(path.relative_to(site)) not in listed:
                    faults.append(FileFault(str(path), owner, "extra"))
    return faults


def written_version(root: Path) -> str:
    """The version in the version.py of a folder ``numpy``, read as text; '' where it has none."""
    try:
        text = (root / "version.py").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    written = re.search(r"""^\s*(?:short_)?version\s*=\s*["']([^"']+)["']""", text, re.MULTILINE)
    return written[1] if written else ""
