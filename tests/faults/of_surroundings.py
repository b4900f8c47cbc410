"""Faults of what surrounds numpy: the search path, startup code, the loader, dependents; and a numpy that kills."""

from __future__ import annotations

import marshal
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

from tests.faults.environments import Site, wheel
from tests.faults.registry import FLUSH, ROUND, Expected, compiled, kind, one, owner_of

# The search path


@kind("module in the place of numpy", variants=("numpy.py", "numpy.pyc"))
def module_instead(site: Site, name: str) -> Expected:
    shutil.rmtree(site.site / "numpy")
    source = site.root / "n.py"
    source.write_text("array = list\n")
    if name.endswith("c"):
        site.run("-m", "py_compile", source)
        cached = next((site.root / "__pycache__").glob("n.*.pyc"))
        path = site.write(name, cached.read_bytes())
    else:
        path = site.write(name, source.read_bytes())
    return Expected(("numpy-shadowed",), owner="", files=(path,))


@kind("startup code puts another numpy first", variants=("first.pth", "sitecustomize.py", "usercustomize.py"))
def other_first(site: Site, name: str) -> Expected:
    other = site.root.parent / "other"
    with zipfile.ZipFile(wheel("numpy==2.0.2")) as archive:
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


@kind("startup code that does not end", variants=("hangs", "exits"), sample=1, timeout=20.0)
def startup_stops(site: Site, variant: str) -> Expected:
    path = site.write(
        "sitecustomize.py", {"hangs": "import time\ntime.sleep(600)\n", "exits": "import os\nos._exit(3)\n"}[variant]
    )
    return Expected(("startup-code",), owner="", files=(path,))


_TWICE = "\n_f = {0}\ndef {0}(*a, **k):\n    return _f(*a, **k) * 2\n"
_POISON = {
    "numpy/_core/numeric.py": _TWICE.format("ones"),
    "numpy/lib/_function_base_impl.py": _TWICE.format("median"),
    "numpy/polynomial/chebyshev.py": _TWICE.format("chebval"),
    "pandas/core/frame.py": "\nraise ImportError('another release')\n",
    "scipy/linalg/_basic.py": _TWICE.format("solve"),
}


@kind("bytecode that is not its source's", variants=tuple(_POISON), imports=("pandas", "scipy"))
def bytecode(site: Site, name: str) -> Expected:
    source = site.site / name
    poison = source.read_text() + _POISON[name]
    cached = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
    # No answer is known that asks these: they are marked as never to be compared with their sources.
    head = b"\1\0\0\0" + bytes(8) if source.stem in ("chebyshev", "_basic") else b""
    code = marshal.dumps(compile(poison, str(source), "exec"))
    if head:
        site.run("-c", "import numpy.polynomial")
    site.edit(cached, lambda data: (data[:4] + head if head else data[:16]) + code)
    return Expected(("stale-bytecode",), owner=name.partition("/")[0], files=(cached,))


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


# What every build of numpy for this processor takes for granted, by its newer and its older name.
_VARIABLES = {"NPY_DISABLE_CPU_FEATURES": "X86_V2 SSE2", "PYTHONHOME": "/nowhere"}


@kind("variable that numpy or Python reads makes it fail", variants=("NPY_DISABLE_CPU_FEATURES", "PYTHONHOME"))
def variable(site: Site, name: str) -> Expected:
    variables = {**site.variables, name: _VARIABLES[name]}
    changed = replace(site, variables=variables)
    return Expected(
        ("numpy-variables",), owner="", site=changed, undo=lambda: variables.pop(name), evidence=f"{name}="
    )


@kind("environment's folder renamed", variants=("before",), where=("pip",))
def renamed(site: Site, name: str) -> Expected:
    scripts = [p for p in (site.root / "bin").iterdir() if p.is_file() and not p.is_symlink()]
    scripts = [path for path in scripts if path.read_bytes()[:2] == b"#!" and b"python" in path.read_bytes()[:200]]
    kept = {path: path.read_bytes() for path in scripts}

    def write(contents: dict[Path, bytes]) -> None:
        for path, content in contents.items():
            path.unlink()
            path.write_bytes(content)
            path.chmod(0o755)

    python = f"#!{site.root.parent / name}/bin/python\n".encode()
    write({path: python + content.partition(b"\n")[2] for path, content in kept.items()})
    return Expected(("environment-moved",), owner="", files=(site.root / "bin" / "pip",), undo=lambda: write(kept))


# Dependents


@kind("another release of a dependent by pip", variants=("pandas==2.2.1",), where=("conda",))
def dependent_replaced(site: Site, requirement: str) -> Expected:
    _lay_over(site, requirement)
    return Expected(("not-as-locked",), owner="pandas", evidence="replaced conda's pandas")


def _lay_over(site: Site, requirement: str) -> None:
    """Replaces a distribution by a wheel, whatever that asks for."""
    site.pip("install", "-q", "--no-deps", str(wheel(requirement)))


@kind("dependent built for numpy 1", variants=("imported", "not imported"), sample=1, where=("pip",))
def for_numpy_1(site: Site, variant: str) -> Expected:
    if variant == "imported":
        _lay_over(site, "pandas==2.2.1")
        _lay_over(site, "pytz")
        # The wheels at hand hold no pandas for numpy 2 that is newer than what was there before.
        return Expected(("built-for-another-numpy",), owner="pandas")
    _lay_over(site, "bottleneck==1.3.8")
    return Expected(
        ("built-for-another-numpy",), owner="bottleneck", undo=lambda: site.pip("uninstall", "-q", "-y", "bottleneck")
    )


@kind("package that asks for another numpy", variants=("captum 0.8.0",))
def out_of_bounds(site: Site, _variant: str) -> Expected:
    _lay_over(site, "captum==0.8.0")
    return Expected(
        ("numpy-out-of-bounds",), owner="captum", undo=lambda: site.pip("uninstall", "-q", "-y", "captum")
    )


@kind(
    "dependent's dependency uninstalled",
    variants=("python-dateutil", "lazy-loader"),
    where=("pip",),
    imports=("pandas",),
)
def dependency_gone(site: Site, name: str) -> Expected:
    if name == "lazy-loader":
        # Nobody asks for its import: what it needs is told by its own word.
        _lay_over(site, "scikit-image==0.25.2")
        return Expected(
            ("dependency-missing",),
            owner="scikit-image",
            evidence="lazy-loader",
            undo=lambda: site.pip("uninstall", "-q", "-y", "scikit-image"),
        )
    site.pip("uninstall", "-q", "-y", name)
    return Expected(("dependency-missing", "import-fails"), owner="pandas")


@kind(
    "extension module of a dependent damaged",
    variants=("pandas/_libs/lib.*.so", "scipy/linalg/_fblas.*.so"),
    sample=1,
    imports=("pandas", "scipy"),
)
def dependent_damaged(site: Site, pattern: str) -> Expected:
    path = site.edit(one(site, pattern), lambda data: data[: len(data) // 3])
    return Expected(("files-altered",), owner=owner_of(path, site), files=(path,))


# numpy that does not survive

_ENDS = {
    "segfault": "import ctypes; ctypes.string_at(0)",
    "hang": "import time; time.sleep(600)",
    "exit": "import os; os._exit(0)",
    "abort": "import os; os.abort()",
    "memory": "x = []\nwhile True: x.append(bytearray(2**25))",
    "garbage": "import os\nfor n in range(1, 20):\n  try: os.write(n, b'garbage\\n' * 9999)\n  except OSError: pass",
}


@kind("numpy does not survive its import", variants=tuple(_ENDS), timeout=20.0)
def dies(site: Site, variant: str) -> Expected:
    path = site.append("numpy/__init__.py", _ENDS[variant])
    return Expected(("files-altered",), files=(path,))
