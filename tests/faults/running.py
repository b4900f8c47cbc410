"""Faults of a running process: each is a program that breaks itself, and then asks what is wrong with it."""

from __future__ import annotations

import json
import sysconfig
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.environments import OLD, wheel
from tests.faults.registry import FLUSH, ROUND, compiled
from tests.support import ROOT

if TYPE_CHECKING:
    from tests.faults.environments import Site


@dataclass(frozen=True)
class Running:
    """One variant of one kind."""

    kind: str
    variant: str
    code: str
    """Run in the process; has ``pip(*arguments)``, ``folder``, ``library`` and ``wheels``."""
    causes: tuple[str, ...]
    owner: str = ""
    evidence: str = ""
    verdict: str = "broken"
    base: str | None = None
    """The numpy that it begins with; the newest unless given."""
    dependents: bool = False
    """Whether it needs an environment with scipy and pandas."""
    library: str = ""
    """C source of a library that the code may load."""
    wheels: tuple[str, ...] = ()
    """Requirements whose wheels the code takes: from its path, or with pip."""
    repair: str = "estart"
    """Found in the repair."""
    sample: bool = False
    """Whether it stands for its kind in `make test`."""

    def __str__(self) -> str:
        return f"live-{self.kind}-{self.variant}"


_HEAD = f"""
import json, os, subprocess, sys
sys.path += [{str(ROOT)!r}, {sysconfig.get_path("purelib")!r}]
folder, library, out, asked, *wheels = sys.argv[1:]
def pip(*arguments):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, capture_output=True)
"""
_TAIL = """
told, peers = {}, {}
programs = {"import numpy": "import numpy; numpy.zeros(3)", "_center": "from numpy._core.umath import _center"}
if "check" in asked:
    import bootstrap
    report = bootstrap.check(imports=())
    told.update(report=report.to_dict(), text=repr(report), html=report._repr_html_())
if "peers" in asked:
    for name, program in programs.items():
        peers[name] = subprocess.run([sys.executable, "-c", program], capture_output=True).returncode != 0
        # Asked in the process itself as well, and last, since it may break more.
        try:
            exec(program, {})
        except Exception:
            peers[name] = True
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True)
    peers.update({"pip check": done.returncode != 0, "conda doctor": False})
with open(out, "w") as file:
    json.dump({**told, "peers": peers}, file)
"""

_MOVES = (("2.0", "2.3"), ("2.0", "1.26"), ("1.26", "2.3"), ("2.3", "2.3-next"))


_EDITED = """
import time
for name in ("monotonic", "perf_counter"):
    setattr(time, name, lambda real=getattr(time, name): real() * 20)
from pathlib import Path
import numpy, numpy.f2py, numpy.ma, numpy.testing
package = Path(numpy.__file__).parent
source = package / "polynomial" / "polyutils.py"
text = source.read_text()
for name in [name for name in sys.modules if name.startswith("numpy.polynomial")]: del sys.modules[name]
source.unlink()
source.write_text(text.replace("def mapparms(old, new):", "def mapparms(new, old):"))
import numpy.polynomial.polyutils
source.unlink()
source.write_text(text)
for path in package.rglob("*.py"):
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)
"""
"""Writes all of numpy's sources anew; one was another when it was loaded. The process's clocks run fast."""


def _faults() -> list[Running]:
    found = [
        Running(
            "numpy replaced under the process",
            f"{OLD[old]} by {OLD[new]}",
            f"import numpy\npip('install', '-q', '--no-deps', 'numpy=={OLD[new]}')\n",
            ("stale-in-memory",),
            "numpy",
            evidence=f"numpy {OLD[old]} is loaded, {OLD[new]} is on disk",
            base=OLD[old],
            wheels=(f"numpy=={OLD[new]}",),
        )
        for old, new in _MOVES
    ]
    found += [
        Running(
            "numpy uninstalled under the process",
            "pip",
            "import numpy\npip('uninstall', '-q', '-y', 'numpy')\n",
            ("stale-in-memory",),
            "numpy",
            evidence="none is on disk",
            repair="pip install",
        ),
        Running(
            "modules of two numpys in one process",
            "random loaded after the change",
            # What is not yet loaded comes from the new files.
            f"import numpy\nfor m in [m for m in sys.modules if m.startswith('numpy.random')]: del sys.modules[m]\n"
            f"pip('install', '-q', '--no-deps', 'numpy=={OLD['2.3-next']}')\nimport numpy.random\n",
            ("mixed-in-memory",),
            "numpy",
            base=OLD["2.3"],
            wheels=(f"numpy=={OLD['2.3-next']}",),
        ),
        Running(
            "modules of two numpys in one process",
            "another folder on numpy's own path",
            "import numpy, shutil\nother = os.path.join(folder, 'other')\n"
            "shutil.copytree(os.path.join(numpy.__path__[0], 'matrixlib'), os.path.join(other, 'extra_part'))\n"
            "numpy.__path__.append(other)\nimport numpy.extra_part\n",
            ("mixed-in-memory",),
            "numpy",
        ),
    ]
    purge = "for m in [m for m in sys.modules if m.partition('.')[0] == 'numpy']: del sys.modules[m]\n"
    found += [
        Running(
            "modules of two numpys in one process",
            "taken out of sys.modules and replaced",
            f"import numpy\npip('install', '-q', '--no-deps', 'numpy=={OLD['2.0']}')\n{purge}del numpy\n",
            ("mixed-in-memory",),
            "numpy",
            evidence="replaced since it was loaded",
            base=OLD["2.3"],
            wheels=(f"numpy=={OLD['2.0']}",),
        ),
        Running(
            "modules of two numpys in one process",
            "taken out of sys.modules",
            f"import numpy\n{purge}del numpy\n",
            ("mixed-in-memory",),
            "numpy",
            verdict="*",
            base=OLD["2.3"],
        ),
        Running(
            "modules of two numpys in one process",
            "one module among many new files, on a slow machine",
            _EDITED,
            ("mixed-in-memory",),
            "numpy",
            evidence="numpy.polynomial.polyutils differs from its file",
        ),
    ]
    patches = {
        "all of it": "from unittest.mock import MagicMock\nsys.modules['numpy'] = MagicMock()",
        "its version": "numpy.__version__ = '9.9'",
        "a function": "numpy.dot = lambda a, b: 0",
        "a function by another of numpy's": "numpy.sqrt = numpy.cbrt",
        "a constant": "numpy.pi = 3.0",
        "a class": "class ndarray(numpy.ndarray): pass\nnumpy.ndarray = ndarray",
        "a random stream": "import random\nnumpy.random.rand = random.random",
    }
    found += [
        Running("numpy patched in the process", name, f"import numpy\n{code}\n", ("numpy-patched",), verdict="*")
        for name, code in patches.items()
    ]
    load = "import numpy, ctypes\nctypes.CDLL(library)\n"
    found += [
        Running(
            "arithmetic changed in the process",
            "flush to zero",
            load,
            ("float-state-changed",),
            library=FLUSH,
            verdict="*",
        ),
        Running("arithmetic changed in the process", "round upwards", load, ("float-state-changed",), library=ROUND),
    ]
    old_numpy = "import zipfile\nzipfile.ZipFile(wheels[0]).extractall(folder + '/other')\n"
    found += [
        Running(
            "another numpy first on sys.path",
            "loaded",
            f"{old_numpy}sys.path.insert(0, folder + '/other')\nimport numpy\n",
            ("numpy-shadowed",),
            evidence="/other/numpy/",
            repair="other/numpy",
            wheels=("numpy==2.0.2",),
        ),
        Running(
            "another numpy first on sys.path",
            "not loaded yet",
            f"{old_numpy}sys.path.insert(0, folder + '/other')\n",
            ("numpy-shadowed",),
            evidence="/other/numpy/",
            repair="other/numpy",
            wheels=("numpy==2.0.2",),
        ),
        Running(
            "another numpy first on sys.path",
            "a file in the working folder",
            "open(folder + '/numpy.py', 'w').write('')\nsys.path.insert(0, folder)\n",
            ("numpy-shadowed",),
            evidence="/numpy.py",
            repair="numpy.py",
        ),
        Running(
            "a file hides the standard library from the process",
            "secrets.py",
            "import numpy\nopen(folder + '/secrets.py', 'w').write('')\nsys.path.insert(0, folder)\n",
            ("stdlib-shadowed",),
            evidence="/secrets.py",
            repair="secrets.py",
        ),
        Running(
            "a file hides the standard library from the process",
            "numbers.py",
            "open(folder + '/numbers.py', 'w').write('')\nsys.path.insert(0, folder)\n",
            ("stdlib-shadowed",),
            evidence="/numbers.py",
            repair="numbers.py",
        ),
        Running(
            "a dependent replaced under the process",
            "pandas",
            "import pandas\npip('install', '-q', '--no-deps', 'pandas==2.2.1')\n",
            ("stale-in-memory",),
            "pandas",
            verdict="*",
            dependents=True,
            wheels=("pandas==2.2.1",),
        ),
        Running(
            "a dependent replaced under the process",
            "a module of pure Python",
            "import dateutil.parser, shutil\npath = dateutil.parser._parser.__file__\ntext = open(path).read()\n"
            "os.unlink(path)\nopen(path, 'w').write(text.replace('None', 'True', 40))\n",
            ("stale-in-memory",),
            "python-dateutil",
            verdict="*",
            dependents=True,
        ),
    ]
    return found


_SAMPLES = {
    f"{OLD['2.0']} by {OLD['2.3']}",
    "pip",
    "another folder on numpy's own path",
    "a function",
    "flush to zero",
    "a file in the working folder",
    "secrets.py",
    "a module of pure Python",
}
FAULTS = [replace(fault, sample=fault.variant in _SAMPLES) for fault in _faults()]


def run(fault: Running, site: Site, *asked: str) -> dict[str, Any]:
    """Runs a fault in a process of an environment, and returns what the process said of itself.

    Args:
        fault: What it does to itself.
        site: The environment; a copy.
        asked: ``check`` and ``peers``, or one of them.

    Raises:
        RuntimeError: The process did not end well.
    """
    program, out = site.folder / "program.py", site.folder / "out.json"
    program.write_text(_HEAD + fault.code + _TAIL)
    library = compiled(site.folder / "lib", fault.library) if fault.library else Path()
    done = site.run(program, site.folder, library, out, " ".join(asked), *map(wheel, fault.wheels))
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-3000:])
    told: dict[str, Any] = json.loads(out.read_text())
    return told


def complaints(fault: Running, told: dict[str, Any]) -> list[str]:
    """What of the process's report is not as it should be."""
    report = told["report"]
    found = [c for c in report["causes"] if c["id"] in fault.causes and c["owner"].split(" ")[0] == fault.owner]
    if not found:
        return [f"none of {fault.causes} of {fault.owner or 'nobody'} in: {told['text']}"]
    wrong = []
    if report["ok"] or (fault.verdict != "*" and report["verdict"] != fault.verdict):
        wrong.append(f"verdict {report['verdict']}: {told['text']}")
    lines = [line for c in found for line in (*c["evidence"], c["summary"], *c["files"])]
    if fault.evidence and not any(fault.evidence in line for line in lines):
        wrong.append(f"nothing says {fault.evidence}: {lines}")
    if not any(fault.repair in c["repair"] for c in found):
        wrong.append(f"no repair says {fault.repair}: {[c['repair'] for c in found]}")
    return wrong
