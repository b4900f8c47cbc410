"""The main job on real packages: locked by conda-lock, restored, proven, used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap
from bootstrap.errors import EXIT_BROKEN, EXIT_OK
from bootstrap.lock import validate
from bootstrap.prefix.compare import compare_prefix
from bootstrap.prefix.transaction import restore
from tests.support import ROOT
from tests.support.namespace import run_in_namespace
from tests.support.whole import Environment

IMPORTS = (
    "numpy, torch, pandas, pyarrow, scipy, matplotlib, datasets, optuna, pytorch_lightning, torchmetrics, "
    "transformers, tokenizers, ipykernel, IPython, ipyparallel, tornado, requests, httplib2, rich, tqdm, google.auth"
)


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bootstrap", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def test_every_record_and_file_is_the_locks(environment: Environment) -> None:
    records = validate(environment.lock, "linux-64")
    assert len(records) > 100
    found = compare_prefix(environment.prefix, records)
    assert found.agrees, found.to_dict()
    assert found.hashed_all


def test_the_agreeing_prefix_is_left_alone(environment: Environment) -> None:
    again = restore(environment.lock, environment.prefix, cache=environment.cache)
    assert (again.action, again.installed, again.fetched) == ("unchanged", (), 0)


def test_everything_named_imports_from_the_prefix(environment: Environment) -> None:
    """Before the others that import so much: its bytecode stays."""
    program = f"import {IMPORTS}, sys; print(sys.prefix, numpy.__file__, torch.__file__)"
    done = environment.run("-c", program)
    assert done.returncode == 0, done.stderr
    assert all(path.startswith(str(environment.prefix)) for path in done.stdout.split())


def test_check_proves_it_healthy(environment: Environment) -> None:
    done = command("check", "--prefix", environment.prefix, "--json", "--quiet")
    report = json.loads(done.stdout)
    assert done.returncode == EXIT_OK, report
    assert report["verdict"] == "ok"
    assert not report["causes"]
    probes = {p["name"]: p["outcome"] for p in report["probes"]}
    for name in ("blas", "lapack", "fft", "random", "strings", "import torch", "share-torch", "share-pyarrow"):
        assert probes[name] == "pass"


def test_status_and_explain(environment: Environment) -> None:
    status = json.loads(
        command("status", "--prefix", environment.prefix, "--lock", environment.lock.path, "--json").stdout
    )
    assert status["agrees"]
    assert status["ours"]
    why = json.loads(command("explain-lock", "numpy", "--lock", environment.lock.path, "--json").stdout)["why"]
    assert {"scipy", "pandas"} <= {name for name, _ in why["needed_by"]}


@pytest.mark.exhaustive
def test_the_tools_of_the_prefix_run(environment: Environment) -> None:
    for tool in ("pip", "optuna", "jupyter", "f2py"):
        done = subprocess.run(
            [environment.prefix / "bin" / tool, "--version"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{tool}: {done.stderr}"
    assert environment.run("-m", "pip", "check").returncode == 0
    conda = subprocess.run([environment.prefix / "bin/conda", "list", "--json"], capture_output=True, check=True)
    assert {p["name"] for p in json.loads(conda.stdout)} >= {"python", "numpy", "conda"}


@pytest.mark.exhaustive
def test_it_runs_when_the_machines_own_python_is_hidden(environment: Environment) -> None:
    """Every other Python of this machine is replaced by an empty folder; the prefix must not miss it."""
    done = run_in_namespace(
        """
        for folder in $HIDE; do test ! -d "$folder" || mount -t tmpfs none "$folder"; done
        ! "$OTHER" -c 'import os' 2>/dev/null
        "$PYTHON" -I -c "import $IMPORTS, ssl, sqlite3, ctypes, lzma, bz2; print(numpy.ones(3).sum())"
        "$PYTHON" -I -m venv --without-pip "$VENV"
        "$VENV/bin/python" -c "print('venv')"
        """,
        HIDE=" ".join(sorted({sys.prefix, sys.base_prefix, *_other_pythons()})),
        OTHER=sys.executable,
        PYTHON=environment.python,
        IMPORTS=IMPORTS,
        VENV=environment.prefix.parent / "venv",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["3.0", "venv"]


def _other_pythons() -> list[str]:
    pyenv = [str(p) for p in Path.home().glob(".pyenv/versions")]
    return [*pyenv, *map(str, Path("/usr/lib").glob("python3*")), *map(str, Path("/usr/local/lib").glob("python3*"))]


@pytest.mark.exhaustive
def test_damage_is_found_and_repaired(environment: Environment, tmp_path: Path) -> None:
    """On a second environment from the same cache: a byte of numpy changes, check names it, restore mends it."""
    prefix = tmp_path / "env"
    created = restore(environment.lock, prefix, cache=environment.cache, offline=True)
    assert (created.action, created.fetched) == ("created", 0)
    record = next(r for r in (prefix / "conda-meta").glob("numpy-*.json"))
    library = next(
        f for f in json.loads(record.read_text())["files"] if "_multiarray_umath" in f and f.endswith(".so")
    )
    content = bytearray((prefix / library).read_bytes())
    content[len(content) // 2] ^= 1
    (prefix / library).unlink()
    (prefix / library).write_bytes(content)
    report = bootstrap.check(prefix, imports=["numpy"])
    assert not report.ok
    assert report.causes[0].severity == "broken"
    assert any(library in path for path in report.causes[0].files)
    assert report.causes[0].owner.startswith("numpy")
    assert command("check", "--prefix", prefix, "--import", "numpy", "-q").returncode == EXIT_BROKEN
    mended = restore(environment.lock, prefix, cache=environment.cache, offline=True)
    assert mended.action == "repaired"
    assert bootstrap.check(prefix, imports=["numpy"]).ok


def test_numpy_replaced_by_pip_is_found_and_put_right(environment: Environment, tmp_path: Path) -> None:
    """The fault that this project exists for, by the real pip: another numpy laid over the locked one."""
    prefix = tmp_path / "env"
    restore(environment.lock, prefix, cache=environment.cache, offline=True)
    locked = next(r.version for r in environment.lock.records if r.name == "numpy")
    subprocess.run(
        [prefix / "bin/python", "-I", "-m", "pip", "install", "--quiet", "--no-deps", f"numpy>=2.2,<{locked}"],
        check=True,
    )
    report = bootstrap.check(prefix, imports=["pandas"])
    assert report.causes[0].id == "numpy-replaced"
    assert f"bootstrap check --prefix {prefix} --repair" in report.causes[0].repair
    restore(environment.lock, prefix, cache=environment.cache, offline=True)
    report = bootstrap.check(prefix, imports=["pandas"])
    assert report.verdict == "ok", [c.summary for c in report.causes]
    assert report.numpy_version == locked


def test_progress_in_a_notebook_is_one_output_that_changes(environment: Environment) -> None:
    done = environment.run(ROOT / "tests/environment/notebook_progress.py", ROOT)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["status"] == "ok", answer
    shown = [m for m in answer["seen"] if m["type"] in ("display_data", "update_display_data")]
    assert [m["type"] for m in shown].count("display_data") == 1
    assert len({m["transient"]["display_id"] for m in shown}) == 1
    texts = [m["data"]["text/plain"] for m in shown]
    assert texts[0] == "fetching, 0/10 packages"
    assert "fetching, 2/10 packages, 20 MB of 100 MB" in texts[2]
    assert texts[-1] == "", "what was done is shown by the result"
    assert all("<progress" in m["data"]["text/html"] for m in shown[:-1])
    streams = "".join(m["text"] for m in answer["seen"] if m["type"] == "stream")
    assert streams == "The connection failed. Retrying in 1 s.\n"
