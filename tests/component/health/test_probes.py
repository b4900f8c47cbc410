"""Each known answer notices the damage that it is there for, and none is disturbed by a healthy numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootstrap.health import CATALOGUE
from bootstrap.health.probe_runner import Limits, Start, Task, run_tasks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.environment import Environment

LIMITS = Limits(seconds=60.0)


def probe_after(sabotage: str, names: list[str], environment: Environment, folder: Path) -> dict[str, str]:
    """Outcomes of probes in a process where some code ran first."""
    (folder / "sabotage.py").write_text(sabotage)
    tasks = [Task("import sabotage", ("sabotage",)), *map(Task, names)]
    results = run_tasks(Start(environment.python, LIMITS, paths=[str(folder)]), tasks)
    assert results[0].outcome == "pass", results[0].problems
    return {result.name: result.outcome for result in results[1:]}


SABOTAGE = {
    "integers": "numpy.gcd = lambda a, b: numpy.ones(3, int)",
    "floats": "right = numpy.exp\nnumpy.exp = lambda x: right(x) * (1 + 1e-9)",
    "float-rules": "import contextlib\nnumpy.errstate = lambda **_: contextlib.nullcontext()",
    "sorting": "right = numpy.sort\nnumpy.sort = lambda a, kind=None: right(a, kind=kind)[::-1]",
    "reductions": "numpy.cumsum = lambda a: numpy.asarray(a)",
    "strings": "right = numpy.char.center\nnumpy.char.center = lambda a, w: right(a, w + 1)",
    "random": "right = numpy.random.PCG64\nnumpy.random.PCG64 = lambda seed: right(seed + 1)",
    "dates-and-records": "numpy.busday_count = lambda a, b: 30",
    "blas": "right = numpy.dot\nnumpy.dot = lambda a, b: right(a, b) + numpy.float32(1)",
    "lapack": "right = numpy.linalg.inv\nnumpy.linalg.inv = lambda a: right(a) * (1 + 1e-8)",
    "fft": "right = numpy.fft.rfft\nnumpy.fft.rfft = lambda a: right(a).conj()",
    "numpy-functions": "numpy.median = lambda a: 0",
    "share-pandas": "from pandas import Series as S\nright = S.to_numpy\nS.to_numpy = lambda s, **_: right(s).copy()",
    "share-pyarrow": "import pyarrow\nright = pyarrow.py_buffer\npyarrow.py_buffer = lambda a: right(bytes(a))",
    "share-scipy": "import scipy.linalg.blas as b\nright = b.dscal\nb.dscal = lambda f, x: right(f, x.copy())",
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_probe_notices(name: str, pristine: Environment, tmp_path: Path) -> None:
    outcomes = probe_after(f"import numpy\n{SABOTAGE[name]}\n", [name], pristine, tmp_path)
    assert outcomes == {name: "fail"}


def test_no_probe_minds_a_healthy_numpy(pristine: Environment, tmp_path: Path) -> None:
    # Many a healthy numpy refuses to be imported twice; asked for only where that was tried.
    names = [name for name in CATALOGUE if name not in ("layout", "numpy-again", "share-torch")]
    outcomes = probe_after("", names, pristine, tmp_path)
    assert outcomes == dict.fromkeys(names, "pass")


def test_probe_of_what_is_not_installed_is_skipped(pristine: Environment, tmp_path: Path) -> None:
    assert probe_after("", ["share-torch"], pristine, tmp_path) == {"share-torch": "skip"}


def test_every_probe_is_explained() -> None:
    for name, probe in CATALOGUE.items():
        assert probe.explanation and probe.catches and probe.cost_ms > 0, name
