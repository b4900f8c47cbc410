"""Faults of an environment: each kind in several variants, parametrised over packages and files.

A fault damages a copy and says what a check has to find: the cause, the package and the files to blame. Where the
repair is the user's alone (a variable, a file outside the environment), ``undo`` does what the repair says.
"""

from __future__ import annotations

import csv
import io
import marshal
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.environments import OLD, Site, wheel, wheels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True)
class Expected:
    """What has to be found."""

    causes: tuple[str, ...]
    """One of these ids."""
    owner: str = "numpy"
    """Name at the start of the owner; empty where no package is to blame."""
    files: tuple[Path, ...] = ()
    """At least these."""
    site: Site | None = None
    """The environment afterwards, where its variables changed."""
    undo: Callable[[], Any] | None = None
    """Carries out by hand a repair that only the user can make."""
    evidence: str = ""
    """Found somewhere in the evidence."""
    healthy: bool = False
    """Whether a note is all that is due."""


@dataclass(frozen=True)
class Fault:
    """One variant of one kind."""

    kind: str
    variant: str
    where: str
    """``conda`` or ``pip``."""
    inject: Callable[[Site], Expected]
    imports: tuple[str, ...] = ()
    """What the check is asked to import besides numpy."""
    full: bool = False
    """Whether it takes the full check."""
    timeout: float = 60.0
    dependents: bool = True
    """Whether it needs an environment with scipy and pandas."""

    def __str__(self) -> str:
        return f"{self.where}-{self.kind}-{self.variant}".replace("/", ".").replace("*", "")


FAULTS: list[Fault] = []
_BOTH = ("conda", "pip")
Change = "Callable[[bytes], bytes]"


def kind(name: str, *, variants: Iterable[Any], where: Iterable[str] = _BOTH, **options: Any) -> Callable[[Any], Any]:
    """Registers a kind: the function takes the site and a variant, and returns what is expected.

    Variants take turns in the two environments, a single one is put to both.
    """

    def enter(function: Any) -> Any:
        homes, listed, begin = list(where), list(variants), len(FAULTS)
        for number, variant in enumerate(listed if len(listed) > 1 else listed * len(homes)):
            label = variant if isinstance(variant, str) else "-".join(map(str, variant))
            needed = bool(options.get("imports")) or "dependent" in name or "scipy" in label or "pandas" in label
            home = homes[(number + begin) % len(homes)] if len(listed) > 1 else homes[number]
            FAULTS.append(Fault(name, label, home, lambda s, v=variant: function(s, v), **options, dependents=needed))
        return function

    return enter


def _one(site: Site, pattern: str) -> Path:
    found = sorted(site.site.glob(pattern))
    assert found, f"{pattern} matches nothing in {site.site}"
    return found[0]


def _owner(path: Path, site: Site) -> str:
    return path.relative_to(site.site).parts[0].split(".")[0].split("-")[0]


# Files

_PARTS = (
    "numpy/__init__.py",
    "numpy/_core/_exceptions.py",
    "numpy/random/_generator.*.so",
    "numpy.libs/*gfortran*",
)


@kind("file missing", variants=(*_PARTS, "numpy/linalg/_linalg.py"))
def missing(site: Site, pattern: str) -> Expected:
    path = _one(site, pattern)
    path.unlink()
    return Expected(("files-altered",), files=(path,))


@kind(
    "file missing in a dependent",
    variants=("pandas/core/frame.py", "scipy/linalg/_basic.py"),
    imports=("pandas", "scipy"),
)
def missing_elsewhere(site: Site, pattern: str) -> Expected:
    path = _one(site, pattern)
    path.unlink()
    return Expected(("files-altered",), owner=_owner(path, site), files=(path,))


@kind("file truncated", variants=("numpy/_core/_multiarray_umath.*.so", "numpy/fft/_pocketfft.py"))
def truncated(site: Site, pattern: str) -> Expected:
    path = site.edit(_one(site, pattern), lambda data: data[: len(data) // 2])
    return Expected(("files-altered",), files=(path,))


@kind("file zeroed", variants=("numpy/linalg/_umath_linalg.*.so", "numpy/ma/core.py"))
def zeroed(site: Site, pattern: str) -> Expected:
    path = site.edit(_one(site, pattern), lambda data: bytes(len(data)))
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

    path = site.edit(_one(site, variant[0]), change)
    return Expected(("files-altered",), files=(path,))


@kind(
    "code altered without a trace",
    variants=("numpy/_core/fromnumeric.py", "numpy/lib/_function_base_impl.py", "numpy/polynomial/hermite.py"),
    where=("conda",),
)
def altered(site: Site, pattern: str) -> Expected:
    path = site.edit(_one(site, pattern), lambda data: data.replace(b"axis", b"axes", 1))
    return Expected(("files-altered",), files=(path,))


@kind("same size, same time, other content", variants=("pandas/core/series.py", "scipy/special/_basic.py"), full=True)
def disguised(site: Site, pattern: str) -> Expected:
    path = _one(site, pattern)
    info = path.stat()
    site.edit(path, lambda data: data[:-1] + b" ")
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    return Expected(("files-altered",), owner=_owner(path, site), files=(path,))


@kind("file emptied", variants=("numpy/_globals.py", "numpy/char/__init__.py"), where=("conda",))
def emptied(site: Site, pattern: str) -> Expected:
    path = site.edit(_one(site, pattern), lambda _: b"")
    return Expected(("files-altered",), files=(path,))


@kind(
    "file replaced by a folder or a dangling link",
    variants=(("numpy/version.py", "folder"), ("numpy/_core/numeric.py", "link")),
)
def other_type(site: Site, variant: tuple[str, str]) -> Expected:
    path = _one(site, variant[0])
    path.unlink()
    path.mkdir() if variant[1] == "folder" else path.symlink_to("nowhere")
    return Expected(("files-altered", "numpy-version-mismatch"), files=(path,))


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
    import base64
    import hashlib

    record = site.find("numpy-*.dist-info/RECORD")
    rows = list(csv.reader(record.read_text().splitlines()))
    name = path.relative_to(site.site).as_posix()
    digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
    rows = [[name, f"sha256={digest}", str(path.stat().st_size)] if row[0] == name else row for row in rows]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    site.write(record, text.getvalue())


# Installers


@kind("another numpy by pip", variants=tuple(OLD.values()))
def by_pip(site: Site, version: str) -> Expected:
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
    site.unzip(wheel(f"numpy-{version}-*.whl"), metadata=False)
    return Expected(("numpy-version-mismatch", "numpy-replaced", "files-altered"))


@kind("installation of numpy interrupted", variants=("~umpy", "~-mpy"))
def interrupted(site: Site, name: str) -> Expected:
    info = site.find("numpy-*.dist-info")
    left = site.site / name
    shutil.copytree(site.site / "numpy" / "fft", left / "fft")
    shutil.copytree(info, site.site / f"{name}{info.name.removeprefix('numpy')}")
    return Expected(("interrupted-install",), files=(left,))


@kind("wheel for another Python", variants=("numpy",), where=("pip",))
def other_python(site: Site, _variant: str) -> Expected:
    site.pip("uninstall", "-q", "-y", "numpy")
    (found,) = (wheels() / "other-python").glob("numpy-*.whl")
    site.unzip(found)
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


# The search path


@kind("module in the place of numpy", variants=("numpy.py", "numpy.pyc"))
def module_instead(site: Site, name: str) -> Expected:
    shutil.rmtree(site.site / "numpy")
    source = site.root / "n.py"
    source.write_text("array = list\n")
    if name.endswith("c"):
        import py_compile

        with site.active():
            subprocess.run([site.python, "-m", "py_compile", source], check=True)
        compiled = next((site.root / "__pycache__").glob("n.*.pyc"))
        path = site.write(name, compiled.read_bytes())
        del py_compile
    else:
        path = site.write(name, source.read_bytes())
    return Expected(("numpy-shadowed",), owner="", files=(path,))


@kind("startup code puts another numpy first", variants=("first.pth", "sitecustomize.py", "usercustomize.py"))
def other_first(site: Site, name: str) -> Expected:
    other = site.root.parent / "other"
    with zipfile.ZipFile(wheel("numpy-2.0.2-*.whl")) as archive:
        archive.extractall(other)
    code = f"import sys; sys.path.insert(0, {str(other)!r})\n"
    if name == "usercustomize.py":
        site.write("hook_customize.py", code)
        name, code = "hook.pth", "import hook_customize\n"
        # The folder is named in the module that the .pth imports.
        path = site.write(name, code)
        return Expected(("numpy-shadowed",), owner="", files=(other / "numpy" / "__init__.py",), undo=path.unlink)
    path = site.write(name, code)
    return Expected(("numpy-shadowed",), owner="", files=(path,))


@kind("another numpy on PYTHONPATH", variants=("numpy.py", "numpy/__init__.py"))
def on_pythonpath(site: Site, name: str) -> Expected:
    folder = site.root.parent / "mine"
    path = folder / name
    path.parent.mkdir(parents=True)
    path.write_text("array = list\n")
    changed = replace(site, variables={**site.variables, "PYTHONPATH": str(folder)})
    return Expected(("numpy-elsewhere",), owner="", files=(path,), site=changed, undo=path.unlink)


@kind("file that hides a module of the standard library", variants=("secrets.py", "numbers.py", "ast.py"))
def hides_stdlib(site: Site, name: str) -> Expected:
    folder = site.root.parent / "mine"
    folder.mkdir()
    path = folder / name
    path.write_text("# my notes\n")
    changed = replace(site, variables={**site.variables, "PYTHONPATH": str(folder)})
    return Expected(("stdlib-shadowed",), owner="", files=(path,), site=changed, undo=path.unlink)


# Startup code, bytecode, the loader

_PATCH = """
import numpy
right = numpy.{name}
def {name}(*a, **k):
    return right(*a, **k) * (1 + 1e-9)
numpy.{name} = {name}
"""


@kind("startup code falsifies numpy", variants=(("sitecustomize.py", "dot"), ("zz.pth", "sqrt"), ("zz.pth", "sum")))
def startup(site: Site, variant: tuple[str, str]) -> Expected:
    name, function = variant
    code = _PATCH.format(name=function)
    if name.endswith(".pth"):
        site.write("zz_patch.py", code)
        path = site.write(name, "import zz_patch\n")
    else:
        path = site.write(name, code)
    return Expected(("startup-code",), owner="", files=(path,))


@kind("startup code that does not end", variants=("hangs", "exits"), timeout=6.0)
def startup_stops(site: Site, variant: str) -> Expected:
    path = site.write(
        "sitecustomize.py", {"hangs": "import time\ntime.sleep(600)\n", "exits": "import os\nos._exit(3)\n"}[variant]
    )
    return Expected(("startup-code",), owner="", files=(path,))


@kind("bytecode that is not its source's", variants=("_core/numeric.py", "lib/_function_base_impl.py"))
def bytecode(site: Site, name: str) -> Expected:
    source = site.site / "numpy" / name
    function = {"_core/numeric.py": "ones", "lib/_function_base_impl.py": "median"}[name]
    poison = source.read_text() + f"\n_f = {function}\ndef {function}(*a, **k):\n    return _f(*a, **k) * 2\n"
    cached = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
    site.edit(cached, lambda data: data[:16] + marshal.dumps(compile(poison, str(source), "exec")))
    return Expected(("stale-bytecode",), files=(cached,))


FLUSH = "#include <xmmintrin.h>\n__attribute__((constructor)) void set(void) { _mm_setcsr(_mm_getcsr() | 0x8040); }\n"
ROUND = "#include <fenv.h>\n__attribute__((constructor)) void set(void) { fesetround(FE_UPWARD); }\n"


def compiled(folder: Path, source: str, name: str = "library.so") -> Path:
    """A shared library; skips the test where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    folder.mkdir(parents=True, exist_ok=True)
    code, library = folder / "code.c", folder / name
    code.write_text(source)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, code, "-lm"], check=True)
    return library


@kind("preloaded library changes arithmetic", variants=("flush to zero", "round upwards"))
def preloaded(site: Site, variant: str) -> Expected:
    library = compiled(site.root.parent / "lib", FLUSH if variant == "flush to zero" else ROUND)
    changed = replace(site, variables={**site.variables, "LD_PRELOAD": str(library)})
    return Expected(("loader-variables",), owner="", files=(library,), site=changed, undo=lambda: _empty(library))


def _empty(library: Path) -> None:
    compiled(library.parent, "int nothing;", library.name)


@kind("library path leads to a broken library", variants=("libstdc++.so.6", "libgcc_s.so.1"))
def library_path(site: Site, name: str) -> Expected:
    # Wheels find the libraries that they bring by a path of their own, those of the system by this one.
    library = compiled(site.root.parent / "lib", "int nothing;", name)
    changed = replace(site, variables={**site.variables, "LD_LIBRARY_PATH": str(library.parent)})
    return Expected(("loader-variables",), owner="", site=changed, undo=library.unlink, evidence="LD_LIBRARY_PATH")


# Dependents


def _lay_over(site: Site, name: str, pattern: str) -> None:
    """Replaces a distribution by a wheel, whatever that asks for."""
    site.pip("install", "-q", "--no-deps", str(wheel(pattern)))
    assert site.find(f"{name}-*.dist-info")


@kind("dependent built for numpy 1", variants=("imported", "not imported"), where=("pip",))
def for_numpy_1(site: Site, variant: str) -> Expected:
    if variant == "imported":
        _lay_over(site, "pandas", "pandas-2.2.1-*.whl")
        _lay_over(site, "pytz", "pytz-*.whl")
        # The wheels at hand hold no pandas for numpy 2 that is newer than what was there before.
        return Expected(("built-for-another-numpy",), owner="pandas")
    _lay_over(site, "bottleneck", "[bB]ottleneck-1.3.8-*.whl")
    return Expected(
        ("built-for-another-numpy",), owner="bottleneck", undo=lambda: site.pip("uninstall", "-q", "-y", "bottleneck")
    )


@kind("package that asks for another numpy", variants=("captum 0.8.0",))
def out_of_bounds(site: Site, _variant: str) -> Expected:
    _lay_over(site, "captum", "captum-0.8.0-*.whl")
    return Expected(
        ("numpy-out-of-bounds",), owner="captum", undo=lambda: site.pip("uninstall", "-q", "-y", "captum")
    )


@kind("dependent's dependency uninstalled", variants=("python-dateutil",), where=("pip",), imports=("pandas",))
def dependency_gone(site: Site, name: str) -> Expected:
    site.pip("uninstall", "-q", "-y", name)
    return Expected(("dependency-missing", "import-fails"), owner="pandas")


@kind(
    "extension module of a dependent damaged",
    variants=("pandas/_libs/lib.*.so", "scipy/linalg/_fblas.*.so"),
    imports=("pandas", "scipy"),
)
def dependent_damaged(site: Site, pattern: str) -> Expected:
    path = site.edit(_one(site, pattern), lambda data: data[: len(data) // 3])
    return Expected(("files-altered",), owner=_owner(path, site), files=(path,))


# numpy that does not survive

_ENDS = {
    "segfault": "import ctypes; ctypes.string_at(0)",
    "hang": "import time; time.sleep(600)",
    "exit": "import os; os._exit(0)",
    "abort": "import os; os.abort()",
    "memory": "x = []\nwhile True: x.append(bytearray(2**25))",
    "garbage": "import os\nfor n in range(1, 20):\n  try: os.write(n, b'garbage\\n' * 9999)\n  except OSError: pass",
}


@kind("numpy does not survive its import", variants=tuple(_ENDS), timeout=8.0)
def dies(site: Site, variant: str) -> Expected:
    path = site.append("numpy/__init__.py", _ENDS[variant])
    return Expected(("files-altered",), files=(path,))
