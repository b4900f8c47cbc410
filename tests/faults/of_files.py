"""Faults of files, of metadata, and of what installers leave: each kind in several variants."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import shutil
from pathlib import Path

from tests.faults.environments import OLD, OTHER_PYTHONS, Site, foreign_wheel, wheel
from tests.faults.registry import Expected, kind, one, owner_of


@kind("file missing", variants=("numpy/__init__.py", "numpy/_core/_exceptions.py", "numpy/random/_generator.*.so"))
def missing(site: Site, pattern: str) -> Expected:
    path = one(site, pattern)
    path.unlink()
    return Expected(("files-altered",), files=(path,))


@kind(
    "file missing in a dependent",
    variants=("pandas/core/frame.py", "scipy/linalg/_basic.py"),
    sample=1,
    imports=("pandas", "scipy"),
)
def missing_elsewhere(site: Site, pattern: str) -> Expected:
    path = one(site, pattern)
    path.unlink()
    return Expected(("files-altered",), owner=owner_of(path, site), files=(path,))


@kind("file truncated", variants=("numpy/_core/_multiarray_umath.*.so", "numpy/fft/_pocketfft.py"))
def truncated(site: Site, pattern: str) -> Expected:
    path = site.edit(one(site, pattern), lambda data: data[: len(data) // 2])
    return Expected(("files-altered",), files=(path,))


@kind("file zeroed", variants=("numpy/linalg/_umath_linalg.*.so", "numpy/ma/core.py"))
def zeroed(site: Site, pattern: str) -> Expected:
    path = site.edit(one(site, pattern), lambda data: bytes(len(data)))
    return Expected(("files-altered",), files=(path,))


@kind(
    "one byte flipped",
    variants=(
        ("numpy.libs/*openblas*", 0.4),
        ("numpy.libs/*gfortran*", 0.6),
        ("numpy/_core/_multiarray_umath.*.so", 0.97),
    ),
)
def flipped(site: Site, variant: tuple[str, float]) -> Expected:
    def change(data: bytes) -> bytes:
        at = int(len(data) * variant[1])
        return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]

    path = site.edit(one(site, variant[0]), change)
    return Expected(("files-altered",), files=(path,))


@kind(
    "code altered without a trace",
    variants=("numpy/_core/fromnumeric.py", "numpy/lib/_function_base_impl.py", "numpy/polynomial/hermite.py"),
    where=("conda",),
)
def altered(site: Site, pattern: str) -> Expected:
    path = site.edit(one(site, pattern), lambda data: data.replace(b"axis", b"axes", 1))
    return Expected(("files-altered",), files=(path,))


@kind(
    "same size, same time, other content",
    variants=("pandas/core/series.py", "scipy/special/_basic.py"),
    sample=1,
    full=True,
)
def disguised(site: Site, pattern: str) -> Expected:
    path = one(site, pattern)
    info = path.stat()
    site.edit(path, lambda data: data[:-1] + b" ")
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    return Expected(("files-altered",), owner=owner_of(path, site), files=(path,))


@kind("file emptied", variants=("numpy/_globals.py", "numpy/char/__init__.py"), where=("conda",))
def emptied(site: Site, pattern: str) -> Expected:
    path = site.edit(one(site, pattern), lambda _: b"")
    return Expected(("files-altered",), files=(path,))


@kind(
    "file replaced by a folder or a dangling link",
    variants=(
        ("numpy/version.py", "folder"),
        ("numpy/_core/numeric.py", "link"),
        ("numpy/polynomial/chebyshev.py", "link"),
        ("numpy/polynomial", "folder's link"),
    ),
)
def other_type(site: Site, variant: tuple[str, str]) -> Expected:
    path = one(site, variant[0])
    if variant[1] == "folder's link":
        shutil.rmtree(path)
    else:
        path.unlink()
    path.mkdir() if variant[1] == "folder" else path.symlink_to("nowhere")
    files = (path / "chebyshev.py",) if variant[1] == "folder's link" else (path,)
    return Expected(("files-altered", "numpy-version-mismatch"), files=files)


@kind("link leads elsewhere", variants=("bin/python3", "lib/libpython3.*.so"), where=("conda",))
def link_retargeted(site: Site, pattern: str) -> Expected:
    (path,) = (found for found in site.root.glob(pattern) if found.is_symlink())
    path.unlink()
    path.symlink_to("elsewhere")
    return Expected(("files-altered",), owner="python", files=(path,))


@kind("package's folder deleted, metadata left", variants=("numpy", "numpy.libs"))
def folder_deleted(site: Site, name: str) -> Expected:
    shutil.rmtree(site.site / name)
    return Expected(("files-altered",))


# Metadata


@kind("metadata tells another version", variants=("1.99.0", "2.99.0"))
def metadata_version(site: Site, version: str) -> Expected:
    info = site.find("numpy-*.dist-info")
    path = site.edit(
        info / "METADATA", lambda data: data.replace(site.version_line(info), f"Version: {version}".encode())
    )
    causes = ("numpy-version-mismatch", "numpy-replaced", "files-altered")
    return Expected(causes, evidence=version if site.conda else "", files=() if site.conda else (path.parent,))


@kind("list of files lost", variants=("deleted", "emptied"), where=("pip",))
def record_lost(site: Site, variant: str) -> Expected:
    record = site.find("numpy-*.dist-info/RECORD")
    record.unlink()
    if variant == "emptied":
        record.touch()
    return Expected(("numpy-unrecorded",), files=(record,))


@kind("metadata deleted, package left", variants=("whole", "METADATA"), where=("conda",))
def info_deleted(site: Site, variant: str) -> Expected:
    info = site.find("numpy-*.dist-info")
    shutil.rmtree(info) if variant == "whole" else (info / "METADATA").unlink()
    return Expected(("files-altered",), files=(info / "METADATA",))


@kind("two metadata folders", variants=("1.0.0", "9.9.9"))
def two_infos(site: Site, version: str) -> Expected:
    info = site.find("numpy-*.dist-info")
    other = site.site / f"numpy-{version}.dist-info"
    shutil.copytree(info, other)
    site.edit(other / "METADATA", lambda data: data.replace(site.version_line(info), f"Version: {version}".encode()))
    return Expected(("numpy-two-dist-infos", "numpy-replaced"), evidence=version)


@kind("file and its checksum forged together", variants=("wrong answers", "breaks the import"), where=("pip",))
def forged(site: Site, variant: str) -> Expected:
    code = {
        "wrong answers": "_right = sum\ndef sum(*a, **k):\n    return _right(*a, **k) + 1\n",
        "breaks the import": "raise RuntimeError('no reason on disk')\n",
    }[variant]
    path = site.append("numpy/_core/fromnumeric.py", code)
    _rewrite_record(site, path)
    return Expected(("numpy-wrong-answers", "numpy-import-fails", "numpy-crashes"))


def _rewrite_record(site: Site, path: Path) -> None:
    record = site.find("numpy-*.dist-info/RECORD")
    rows = list(csv.reader(record.read_text().splitlines()))
    name = path.relative_to(site.site).as_posix()
    digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
    rows = [[name, f"sha256={digest}", str(path.stat().st_size)] if row[0] == name else row for row in rows]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    site.write(record, text.getvalue())


# Installers


@kind("another numpy by pip", variants=(OLD["1.26"], OLD["2.0"]), sample=1)
def by_pip(site: Site, version: str) -> Expected:
    wheel(f"numpy=={version}")
    if site.conda:
        site.pip("install", "-q", "--no-deps", f"numpy=={version}")
        return Expected(("numpy-replaced",))
    # In a plain environment another version is as good as the first, if it is one version: two half ones are not.
    keep = site.find("numpy-*.dist-info")
    kept = {path.name: path.read_bytes() for path in keep.iterdir() if path.is_file()}
    site.pip("install", "-q", "--no-deps", f"numpy=={version}")
    for name, data in kept.items():
        site.write(keep / name, data)
    return Expected(("numpy-two-dist-infos",))


@kind("numpy uninstalled", variants=("pip",))
def uninstalled(site: Site, _variant: str) -> Expected:
    site.pip("uninstall", "-q", "-y", "numpy")
    return Expected(("files-altered",) if site.conda else ("numpy-not-installed",))


@kind("another numpy unpacked over it", variants=("2.0.2", "2.3.4"))
def unpacked(site: Site, version: str) -> Expected:
    site.unzip(wheel(f"numpy=={version}"), metadata=False)
    return Expected(("numpy-version-mismatch", "numpy-replaced", "files-altered"))


@kind("installation of numpy interrupted", variants=("~umpy", "~-mpy"))
def interrupted(site: Site, name: str) -> Expected:
    info = site.find("numpy-*.dist-info")
    left = site.site / name
    shutil.copytree(site.site / "numpy" / "fft", left / "fft")
    shutil.copytree(info, site.site / f"{name}{info.name.removeprefix('numpy')}")
    return Expected(("interrupted-install",), files=(left,))


@kind("wheel for another Python", variants=OTHER_PYTHONS, where=("pip",))
def other_python(site: Site, version: str) -> Expected:
    site.pip("uninstall", "-q", "-y", "numpy")
    site.unzip(foreign_wheel("numpy==2.2.6", version))
    return Expected(("built-for-another-python",))


@kind(
    "code that no package has put there",
    variants=("numpy/_core/left_over.py", "numpy/core/_old.py", "numpy/lib/extra.py"),
)
def left_over(site: Site, name: str) -> Expected:
    path = site.write(name, "value = 1\n")
    return Expected(("extra-files",), files=(path,))


@kind("code in the place of numpy's own", variants=("numpy/version/__init__.py", "numpy/matlib/__init__.py"))
def in_place(site: Site, name: str) -> Expected:
    path = site.write(name, "version = '9'\n__version__ = '9'\n")
    return Expected(("extra-files", "numpy-version-mismatch"), files=() if "version" in name else (path,))


@kind("locked package missing", variants=("python-dateutil", "scipy"), where=("conda",), imports=("pandas",))
def record_gone(site: Site, name: str) -> Expected:
    meta = next((site.root / "conda-meta").glob(f"{name}-*.json"))
    meta.unlink()
    return Expected(("not-as-locked",), owner=name)
