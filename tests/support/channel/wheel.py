"""One wheel becomes one conda package, laid out as conda-forge lays it out."""

from __future__ import annotations

import base64
import configparser
import csv
import hashlib
import io
import posixpath
import re
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from packaging.utils import parse_wheel_filename

from .archive import PLACEHOLDER, Entry, write_package
from .names import conda_constraint, conda_name, conda_version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from email.message import Message
    from pathlib import Path

    from packaging.tags import Tag

    from .target import Target

_SCRIPT = """\
#!{placeholder}/bin/python{short}
# -*- coding: utf-8 -*-
import re
import sys

from {module} import {function}

if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])
    sys.exit({call}())
"""


@dataclass(frozen=True)
class Layout:
    """Where a wheel's parts go in the prefix.

    Attributes:
        site_packages: Its libraries.
        bin: Its own scripts.
        headers: Its headers.
    """

    site_packages: str
    bin: str
    headers: str


def is_pure(tags: Sequence[Tag] | frozenset[Tag]) -> bool:
    """Whether a wheel has no binaries, and so becomes ``noarch: python``."""
    return all(tag.platform == "any" for tag in tags)


def build_string(name: str, tags: frozenset[Tag], wheel_sha256: str, target: Target) -> str:
    """conda-forge-like: ``pyh0123456_0``, ``py311h0123456_0``, for pytorch with ``cpu_`` before it."""
    digest = hashlib.sha256(f"{wheel_sha256} {target.short}".encode()).hexdigest()[:7]
    if is_pure(tags):
        return f"pyh{wheel_sha256[:7]}_0"
    return f"{'cpu_' if name == 'pytorch' else ''}py{target.tag}h{digest}_0"


def package_index(
    wheel_name: str,
    wheel_sha256: str,
    requires_python: str,
    depends: Sequence[str],
    target: Target,
    license_name: str = "",
) -> dict[str, Any]:
    """``info/index.json`` of a wheel's conda package.

    Args:
        wheel_name: The wheel's file name.
        wheel_sha256: Goes into the build string.
        requires_python: The metadata's Requires-Python, may be empty.
        depends: The other requirements, as conda specs.
        target: The interpreter that binaries are for.
        license_name: Goes into the record.
    """
    project, version, _, tags = parse_wheel_filename(wheel_name)
    name = conda_name(project)
    generic = all(tag.interpreter in ("py3", "py2") for tag in tags)
    index: dict[str, Any] = {
        "name": name,
        "version": conda_version(str(version)),
        "build": build_string(name, tags, wheel_sha256, target),
        "build_number": 0,
        "license": license_name,
    }
    if is_pure(tags):
        python = f"python {conda_constraint(requires_python)}".strip() if generic else target.requirement
        needs = [*depends, python]
        index |= {"subdir": "noarch", "noarch": "python", "arch": None, "platform": None}
    else:
        # Also for abi3: the files lie in lib/python3.X, which only that Python reads.
        needs = [*depends, target.requirement, f"python_abi {target.short}.* *_cp{target.tag}"]
        if glibc := _glibc(tags):
            needs.append(f"__glibc >={glibc},<3.0.a0")
        index |= {"subdir": "linux-64", "arch": "x86_64", "platform": "linux"}
    return {**index, "depends": sorted(needs)}


def _glibc(tags: frozenset[Tag]) -> str:
    """The lowest glibc that the wheel's manylinux tags allow; empty for plain linux tags."""
    versions = [(2, 17) for tag in tags if tag.platform.startswith("manylinux2014")]
    matches = [re.match(r"manylinux_(\d+)_(\d+)_", tag.platform) for tag in tags]
    versions += [(int(match[1]), int(match[2])) for match in matches if match]
    return "{}.{}".format(*max(min(versions), (2, 17))) if versions else ""


def convert(wheel: Path, folder: Path, index: dict[str, Any], target: Target) -> dict[str, Any]:
    """Write a wheel's conda package.

    Args:
        wheel: The wheel.
        folder: Where the archive goes.
        index: From :func:`package_index`.
        target: The interpreter that binaries and scripts are for.

    Returns:
        The repodata record, with ``fn``.

    Raises:
        ValueError: The file is no wheel.
    """
    with zipfile.ZipFile(wheel) as archive:
        reader = _Reader(archive, index, target)
        return write_package(folder, index, reader.entries(), about=reader.about(wheel.name), link=reader.link())


class _Reader:
    """What a wheel holds, seen as a conda package's files."""

    def __init__(self, archive: zipfile.ZipFile, index: dict[str, Any], target: Target) -> None:
        self._archive = archive
        self._target = target
        self._noarch = index.get("noarch") == "python"
        folders = {name.split("/")[0] for name in archive.namelist() if name.split("/")[0].endswith(".dist-info")}
        if len(folders) != 1:
            raise ValueError(f"{archive.filename}: not a wheel, {len(folders)} dist-info folders")
        self._dist_info = folders.pop()
        self._data = self._dist_info.removesuffix(".dist-info") + ".data"
        project = self._dist_info.split("-")[0]
        headers = f"include/python{target.short}/{project}"
        if self._noarch:
            # conda moves these two where the environment's Python wants them.
            self._layout = Layout("site-packages", "python-scripts", headers)
        else:
            self._layout = Layout(target.site_packages, "bin", headers)

    @property
    def metadata(self) -> Message:
        text = self._archive.read(f"{self._dist_info}/METADATA").decode("utf-8", "replace")
        return HeaderParser().parsestr(text)

    def entries(self) -> list[Entry]:
        """Every file of the package, RECORD and INSTALLER as an installer would write them."""
        members = [info for info in self._archive.infolist() if not info.is_dir()]
        found = [self._entry(info) for info in members if not self._is_record(info.filename)]
        scripts = [] if self._noarch else [self._script(*parts) for parts in self.entry_points()]
        own = {entry.path for entry in scripts}
        found = [entry for entry in found if entry.path not in own] + scripts
        installer = Entry.data(f"{self._layout.site_packages}/{self._dist_info}/INSTALLER", b"conda\n")
        found = [entry for entry in found if entry.path != installer.path] + [installer]
        return [*found, self._new_record(found)]

    @property
    def _record(self) -> str:
        return f"{self._dist_info}/RECORD"

    def _is_record(self, name: str) -> bool:
        return name in (self._record, f"{self._record}.jws", f"{self._record}.p7s")

    def place(self, name: str) -> str:
        """Where a member of the wheel goes in the package."""
        if not name.startswith(f"{self._data}/"):
            return f"{self._layout.site_packages}/{name}"
        _, scheme, rest = name.split("/", 2)
        folder = {
            "purelib": self._layout.site_packages,
            "platlib": self._layout.site_packages,
            "scripts": self._layout.bin,
            "headers": self._layout.headers,
            "data": "",
        }[scheme]
        return posixpath.join(folder, rest)

    def _entry(self, info: zipfile.ZipInfo) -> Entry:
        path = self.place(info.filename)
        script = info.filename.startswith(f"{self._data}/scripts/")
        if script and (first := self._archive.open(info).readline()).startswith(b"#!python"):
            rest = self._archive.read(info)[len(first) :]
            return Entry.data(path, f"#!{PLACEHOLDER}/bin/python\n".encode() + rest, executable=True)
        return Entry(
            path,
            info.file_size,
            lambda: cast("BinaryIO", self._archive.open(info)),
            executable=script or bool((info.external_attr >> 16) & 0o111),
        )

    def entry_points(self) -> list[tuple[str, str, str]]:
        """Console and GUI scripts as (name, module, function)."""
        name = f"{self._dist_info}/entry_points.txt"
        if name not in self._archive.namelist():
            return []
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        parser.read_string(self._archive.read(name).decode())
        found = []
        for section in ("console_scripts", "gui_scripts"):
            for script, value in parser.items(section) if parser.has_section(section) else ():
                module, _, function = value.split("[")[0].strip().partition(":")
                found.append((script.strip(), module.strip(), function.strip()))
        return sorted(found)

    def _script(self, name: str, module: str, function: str) -> Entry:
        text = _SCRIPT.format(
            placeholder=PLACEHOLDER,
            short=self._target.short,
            module=module,
            function=function.split(".")[0],
            call=function,
        )
        return Entry.data(f"bin/{name}", text.encode(), executable=True)

    def _new_record(self, entries: Sequence[Entry]) -> Entry:
        """RECORD over what is installed, not over what the wheel held.

        Files that conda rewrites (shebangs) stand there without a hash, as they change on the way.
        """
        stated = {row[0]: row for row in csv.reader(io.StringIO(self._archive.read(self._record).decode())) if row}
        replaced = f"{self._dist_info}/INSTALLER"
        hashes = {self.place(name): row for name, row in stated.items() if name != replaced}
        rows = []
        for entry in entries:
            relative = self._relative(entry.path)
            row = hashes.get(entry.path)
            if entry.placeholder or (entry.path.startswith("bin/") and row is None):
                rows.append((relative, "", ""))
            elif row is not None and len(row) == 3 and row[1]:
                rows.append((relative, row[1], row[2]))
            else:
                with entry.open() as stream:
                    digest = base64.urlsafe_b64encode(hashlib.sha256(stream.read()).digest()).rstrip(b"=").decode()
                rows.append((relative, f"sha256={digest}", str(entry.size)))
        if self._noarch:
            rows += [(f"../../../bin/{name}", "", "") for name, _, _ in self.entry_points()]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([*sorted(rows), (self._record, "", "")])
        return Entry.data(f"{self._layout.site_packages}/{self._record}", text.getvalue().encode())

    def _relative(self, path: str) -> str:
        """An installed path as RECORD has it: relative to site-packages (three levels deep)."""
        inside = f"{self._layout.site_packages}/"
        if path.startswith(inside):
            return path[len(inside) :]
        return "../../../" + re.sub(r"^python-scripts/", "bin/", path)

    def link(self) -> dict[str, Any] | None:
        """``info/link.json``, for noarch packages."""
        if not self._noarch:
            return None
        points = [f"{name} = {module}:{function}" for name, module, function in self.entry_points()]
        return {"noarch": {"type": "python", "entry_points": points}, "package_metadata_version": 1}

    def about(self, wheel: str) -> dict[str, Any]:
        """``info/about.json``, which says where this package really comes from."""
        metadata = self.metadata
        return {
            "summary": metadata.get("Summary", ""),
            "home": metadata.get("Home-page", ""),
            "description": f"Converted from the PyPI wheel {wheel} for tests; conda-forge had no part in it.",
            "extra": {"converted_from": wheel},
        }


def license_of(metadata: Mapping[str, Any]) -> str:
    """The licence in one line from pip's report of the metadata, empty where it pastes a whole text."""
    stated = str(metadata.get("license_expression") or metadata.get("license") or "")
    return stated if "\n" not in stated and len(stated) < 100 else ""
