"""The ``python`` package: an installed CPython made relocatable and self-sufficient."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import debian
from .archive import PLACEHOLDER, Entry, write_package
from .elf import is_elf, libraries, set_rpath

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .target import Target

_SKIPPED_FOLDERS = {"__pycache__", "test", "tests", "site-packages", "dist-packages", "idlelib", "turtledemo"}
# Test helpers, static libraries, and tkinter's binary, which would bring all of X11.
_SKIPPED_FILES = re.compile(r"(_test|_ctypes_test|_xxtestfuzz|xxlimited|_tkinter|libpython).*|.*\.(pyc|a|o)")


def python_index(target: Target) -> dict[str, Any]:
    """``info/index.json`` of the ``python`` package."""
    digest = hashlib.sha256(json.dumps(target.identity(), sort_keys=True).encode()).hexdigest()[:7]
    return {
        "name": "python",
        "version": target.version,
        "build": f"h{digest}_0_cpython",
        "build_number": 0,
        # conda-forge's own bound, not the builder's glibc: the archive is made to run on the machine that
        # builds it, and must be solvable with the virtual packages that the project locks with.
        "depends": ["__glibc >=2.17,<3.0.a0"],
        "constrains": [f"python_abi {target.short}.* *_cp{target.tag}"],
        "license": "Python-2.0",
        "python_site_packages_path": target.site_packages,
        "subdir": "linux-64",
        "arch": "x86_64",
        "platform": "linux",
    }


def build_python(folder: Path, target: Target) -> dict[str, Any]:
    """Write the ``python`` package.

    Args:
        folder: Where the archive goes.
        target: The interpreter that it's made from.

    Returns:
        The repodata record, with ``fn``.

    Raises:
        ChannelError: A library or patchelf is missing, or Debian's Python has an unknown form.
    """
    about = {
        "summary": "Python, copied from an installed interpreter for tests",
        "description": f"Made from Python {target.version} of the building machine; conda-forge had no part in it.",
        "license": "Python-2.0",
    }
    with tempfile.TemporaryDirectory(prefix="python-package-", dir=folder) as stage:
        root = Path(stage)
        _copy_binaries(root, target)
        _copy_stdlib(root, target)
        _copy_headers(root, target)
        _bundle_libraries(root, target)
        _make_links(root, target)
        return write_package(folder, python_index(target), _entries(root, target), about=about)


def _copy_binaries(root: Path, target: Target) -> None:
    for name in ("bin", "lib", "lib/pkgconfig"):
        (root / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(target.executable, root / "bin" / f"python{target.short}")
    for name in (f"pydoc{target.short}", f"2to3-{target.short}", f"python{target.short}-config"):
        if (source := target.executable.parent / name).is_file():
            shutil.copy(source, root / "bin" / name)
    for source in target.libdir.glob("libpython3*.so*"):
        if re.fullmatch(rf"libpython3(\.{target.short.split('.')[1]})?\.so(\.[\d.]+)?", source.name):
            shutil.copy(source, root / "lib" / source.name)
    for pattern in (f"python-{target.short}*.pc", "python3.pc", "python3-embed.pc"):
        for source in (target.libdir / "pkgconfig").glob(pattern):
            shutil.copy(source, root / "lib/pkgconfig" / source.name)


def _copy_stdlib(root: Path, target: Target) -> None:
    def skipped(folder: str, names: list[str]) -> set[str]:
        found = {name for name in names if name in _SKIPPED_FOLDERS or _SKIPPED_FILES.fullmatch(name)}
        return found | (debian.DROPPED & set(names) if target.debian else set())

    goal = root / "lib" / f"python{target.short}"
    shutil.copytree(target.stdlib, goal, ignore=skipped, ignore_dangling_symlinks=True)
    (goal / "site-packages").mkdir()
    (goal / "site-packages/README.txt").write_text("Third-party packages go here.\n", encoding="utf-8")
    if target.debian:
        for name, patch in debian.PATCHES.items():
            if (goal / name).exists():
                text = (goal / name).read_text(encoding="utf-8")
                (goal / name).write_text(patch(text), encoding="utf-8")
        shutil.copy(Path(__file__).with_name("debian_sitecustomize.py"), goal / "sitecustomize.py")
    if target.wheels and (goal / "ensurepip").is_dir():
        for wheel in Path(target.wheels).glob("*.whl"):
            (goal / "ensurepip/_bundled").mkdir(exist_ok=True)
            shutil.copy(wheel, goal / "ensurepip/_bundled")


def _copy_headers(root: Path, target: Target) -> None:
    if not target.include.is_dir():
        return
    goal = root / "include" / f"python{target.short}"
    shutil.copytree(target.include, goal)
    # Debian's pyconfig.h only points to the real one, in another folder for each architecture.
    for real in target.include.parent.glob(f"*-linux-gnu*/python{target.short}/pyconfig.h"):
        shutil.copy(real, goal / "pyconfig.h")


def _bundle_libraries(root: Path, target: Target) -> None:
    dynload = root / "lib" / f"python{target.short}" / "lib-dynload"
    originals = [target.executable, *sorted((target.stdlib / "lib-dynload").glob("*.so"))]
    originals = [path for path in originals if not _SKIPPED_FILES.fullmatch(path.name)]
    for name, source in libraries(originals).items():
        if not (root / "lib" / name).exists():
            shutil.copy(source, root / "lib" / name)
    set_rpath("$ORIGIN/../lib", [root / "bin" / f"python{target.short}"])
    set_rpath("$ORIGIN/../..", sorted(path for path in dynload.glob("*.so") if is_elf(path)))
    set_rpath("$ORIGIN", sorted(path for path in (root / "lib").glob("*.so*") if is_elf(path)))


def _make_links(root: Path, target: Target) -> None:
    """The short names, as conda-forge's python has them."""
    short = target.short
    for name, goal in {
        "python": f"python{short}",
        "python3": f"python{short}",
        "python3.1": f"python{short}",
        "pydoc": f"pydoc{short}",
        "pydoc3": f"pydoc{short}",
        "2to3": f"2to3-{short}",
        "python-config": f"python{short}-config",
        "python3-config": f"python{short}-config",
    }.items():
        if (root / "bin" / goal).exists():
            (root / "bin" / name).symlink_to(goal)
    versioned = root / "lib" / f"libpython{short}.so.1.0"
    if versioned.exists():
        for name in (f"libpython{short}.so", f"libpython{short}.so.1"):
            (root / "lib" / name).unlink(missing_ok=True)
        (root / "lib" / f"libpython{short}.so").symlink_to(versioned.name)


def _entries(root: Path, target: Target) -> Iterator[Entry]:
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            yield Entry.symlink(name, str(path.readlink()))
        elif path.is_file():
            text = _relocated(name, path, target)
            if text is None:
                yield Entry.file(name, path)
            else:
                yield Entry.data(name, text, executable=bool(path.stat().st_mode & 0o111))


def _relocated(name: str, path: Path, target: Target) -> bytes | None:
    """A text file with the placeholder for the old prefix; None where the file stays as it is."""
    script = name.startswith("bin/") and not is_elf(path)
    config = re.search(r"/_sysconfigdata_[^/]*\.py$|/config-[^/]+/|\.pc$", name)
    if not script and not config:
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
    if script:
        text = re.sub(r"\A#!.*python.*\n", f"#!{PLACEHOLDER}/bin/python{target.short}\n", text)
    if target.wheels:
        bundled = f"{PLACEHOLDER}/lib/python{target.short}/ensurepip/_bundled"
        text = text.replace(target.wheels.rstrip("/"), bundled)
    return relocate(text, str(target.prefix), PLACEHOLDER).encode()


# How /usr may be led in: not as the tail of a longer path.
_LEAD = r"(?:(?<![\w./-])|(?<=-I)|(?<=-L))"


def relocate(text: str, prefix: str, placeholder: str) -> str:
    """Put a placeholder in the place of an interpreter's prefix.

    ``/usr`` is the prefix of much that isn't Python's (``/usr/bin/install``), so only Python's own folders and
    the bare prefix are replaced there.
    """
    if prefix != "/usr":
        return re.sub(re.escape(prefix) + r"(?![\w.-])", lambda _: placeholder, text)
    library = r"/usr/lib/[a-z0-9_]+-linux-gnu\w*(?=/pkgconfig|/python3|[\s\"':]|$)"
    text = re.sub(_LEAD + library, f"{placeholder}/lib", text)
    own = r"/lib/python3|/include/python3|/(?:bin|lib|include|share)?(?=[\s\"':]|$)|[\s\"':]|$"
    return re.sub(_LEAD + rf"/usr(?={own})", placeholder, text)
