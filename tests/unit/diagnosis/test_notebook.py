"""Installing commands are found in cells as people write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootstrap.diagnosis.notebook import read_cells, read_notebook
from bootstrap.diagnosis.shell import find_commands
from bootstrap.errors import NotebookError, RequirementsNotFoundError


def texts(*cells: str) -> list[tuple[int, str]]:
    return [(e.cell, e.text) for e in read_cells(enumerate(cells, 1)) if e.kind == "command"]


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("!pip install a", ["pip install a"]),
        ("%pip install a", ["pip install a"]),
        ("pip install a", ["pip install a"]),
        ("  !pip install -q a", ["pip install -q a"]),
        ("out = !pip install a", ["pip install a"]),
        ("!python -m pip install a", ["python -m pip install a"]),
        ("!{sys.executable} -m pip install a", ["{sys.executable} -m pip install a"]),
        ("!uv pip install --system a", ["uv pip install --system a"]),
        ("!apt-get update && pip install a ; pip install b", ["pip install a", "pip install b"]),
        ("!pip install a \\\n    b \\\n    c\nprint(1)", ["pip install a b c"]),
        ("%%bash\nset -e\npip install a\n# pip install no\npip install \\\n  b", ["pip install a", "pip install b"]),
        ("%%capture\n!pip install a", ["pip install a"]),
        ("%%html\n<b>pip install a</b>", []),
        ("%conda install -y a", ["conda install -y a"]),
        ("!mamba install a -c conda-forge", ["mamba install a -c conda-forge"]),
        ("# !pip install a", []),
        ("print('pip install a')", []),
        ("subprocess.run([sys.executable, '-m', 'pip', 'install', 'a>1'])", ["python -m pip install 'a>1'"]),
        ("import os\nos.system('pip install a')", ["pip install a"]),
        ("get_ipython().system('pip install a')", ["pip install a"]),
        ("get_ipython().run_line_magic('pip', 'install a')", ["pip install a"]),
        ("import subprocess as sp\nsp.check_call('pip install a', shell=True)", ["pip install a"]),
        ("for p in ['a', 'b']:\n    subprocess.run(['pip', 'install', p])", ["pip install a", "pip install b"]),
        ("P = ['a', 'b']\nsubprocess.run(['pip', 'install', *P])", ["pip install a b"]),
        ("v = '1.0'\nos.system(f'pip install a=={v}')", ["pip install a==1.0"]),
        ("def i(p):\n    os.system('pip install ' + p)\ni('a')\ni(p='b')", ["pip install a", "pip install b"]),
        ("try:\n    import a\nexcept ImportError:\n    !pip install a", ["pip install a"]),
        ("x = [1\n!pip install a", ["pip install a"]),
        ("!pip list | grep numpy", ["pip list"]),
    ],
)  # fmt: skip
def test_commands_in_a_cell(cell: str, found: list[str]) -> None:
    assert texts(cell) == [(1, text) for text in found]


def test_later_cells_know_earlier_ones() -> None:
    assert texts("def i(p): os.system(f'pip install {p}')\nwanted = 'a b'.split()", "for w in wanted:\n    i(w)") == [
        (2, "pip install a"),
        (2, "pip install b"),
    ]


def test_what_only_running_tells_is_not_guessed() -> None:
    command = read_cells([(1, "os.system('pip install ' + input())")])[0].command
    assert command.unknown == "{...}"
    assert read_cells([(1, "!pip install {name}")])[0].command.unknown == "{name}"


def test_options() -> None:
    line = (
        "pip install -qU 'a>=1' -r r.txt -c c.txt --force-reinstall --upgrade-strategy eager -i https://x --no-deps"
    )
    command = next(find_commands(line))
    assert command.requirements == ("a>=1",)
    assert (command.files, command.constraints, command.quiet) == (("r.txt",), ("c.txt",), True)
    assert command.options == (
        *("--upgrade", "--force-reinstall", "--upgrade-strategy", "eager", "--index-url", "https://x", "--no-deps"),
    )
    assert next(find_commands("pip install --target x a")).elsewhere == "--target"


def test_a_bound_without_quotes_is_a_redirection() -> None:
    command = next(find_commands("pip install -q numpy>=2.0 2>&1 | tail -1"))
    assert command.requirements == ("numpy",)
    assert command.mistaken == "numpy>=2.0"
    plain = next(find_commands("pip install 'numpy>=2.0' > /dev/null 2>&1"))
    assert (plain.requirements, plain.mistaken) == (("numpy>=2.0",), "")


def test_restarts_files_and_imports() -> None:
    events = read_cells(
        [
            (1, "%%writefile requirements.txt\nnumpy<2\n"),
            (2, "with open('r.txt', 'w') as f:\n    f.write('a\\n')\n    f.write('b\\n')"),
            (3, "import os\nos.kill(os.getpid(), 9)"),
            (4, "import numpy as np"),
            (5, "import condacolab\ncondacolab.install()"),
        ]
    )
    assert [(e.kind, e.cell, e.content) for e in events] == [
        ("file", 1, "numpy<2\n\n"),
        ("file", 2, "a\nb\n"),
        ("restart", 3, ""),
        ("import", 4, ""),
        ("condacolab", 5, ""),
    ]


def test_old_and_odd_notebooks(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"worksheets": [{"cells": [{"cell_type": "code", "input": ["!pip install a\n"]}]}]}))
    assert [e.text for e in read_notebook(path)] == ["pip install a"]
    path.write_text("{")
    with pytest.raises(NotebookError):
        read_notebook(path)
    path.write_text("[]")
    with pytest.raises(NotebookError):
        read_notebook(path)
    with pytest.raises(RequirementsNotFoundError):
        read_notebook(tmp_path / "none.ipynb")
