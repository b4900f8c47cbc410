"""Installing commands are found in cells as people write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootstrap.diagnosis.events import Event
from bootstrap.diagnosis.notebook import notebook_cells, path_from, read_cells
from bootstrap.diagnosis.shell import find_commands
from bootstrap.errors import NotebookError, RequirementsNotFoundError


def events_of(path: Path) -> list[Event]:
    return read_cells(notebook_cells(path))


def texts(*cells: str) -> list[tuple[int, str]]:
    return [(e.cell, e.text) for e in read_cells(enumerate(cells, 1)) if e.kind == "command"]


def only(*cells: str) -> Event:
    [event] = [e for e in read_cells(enumerate(cells, 1)) if e.kind in ("command", "unread")]
    return event


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
        ("%shell pip install a", ["pip install a"]),
        ("%%shell\npip install a", ["pip install a"]),
        ("#@title set up\n\n%%bash\npip install a", ["pip install a"]),
        ("%%capture\n%%bash\npip install a", ["pip install a"]),
        (f"!echo {'x' * 30_000}; pip install a", ["pip install a"]),
        ("%time !pip install a", ["pip install a"]),
        ("?print\nos.system('pip install a')\nprint??", ["pip install a"]),
        ("%%script bash\npip install a", ["pip install a"]),
        ("%%python\nimport os\nos.system('pip install a')", ["pip install a"]),
        ("!python -c \"import os; os.system('pip install a')\"", ["pip install a"]),
        ("v = '1'\n!pip install a=={v} \"b==$v\"", ["pip install a==1 b==1"]),
        ("P = ['a', 'b']\n!pip install {' '.join(P)}", ["pip install a b"]),
        ("for p in ['a', 'b>1']:\n    !pip install '{p}'", ["pip install a", "pip install 'b>1'"]),
        ("%env V=1\nimport os\nos.environ['W'] = '2'\n!pip install a==$V b==$W", ["pip install a==1 b==2"]),
        ("await f()\n!pip install a", ["pip install a"]),
        ('x = """\n!pip install a\n"""', []),
        ("f(\n  '!pip install a',\n)\nprint(\"\"\"\n%pip install b\"\"\")", []),
        ("raise ImportError('pip install a')", []),
        ("if (p := 'a'):\n    !pip install {p}", ["pip install a"]),
        ("await asyncio.create_subprocess_exec('pip', 'install', 'a')", ["pip install a"]),
        ("# !pip install a\nx = f(\n  b = 1\n  c = 2\n)", []),
    ],
)  # fmt: skip
def test_commands_in_a_cell(cell: str, found: list[str]) -> None:
    assert texts(cell) == [(1, text) for text in found]


@pytest.mark.parametrize(
    ("cell", "condition"),
    [
        ("if x:\n    !pip install a", "if x"),
        ("if x:\n    pass\nelse:\n    !pip install a", "unless x"),
        ("while x:\n    !pip install a", "in a loop"),
        ("import x\nx and os.system('pip install a')", "depending on x"),
        ("try:\n    import x\nexcept ImportError:\n    !pip install a", "only if x can't be imported"),
        ("%%bash\nif [ $X ]; then\n  pip install a\nfi", "if [ $X ]"),
        ("!pip check || pip install a", "only if `pip check` fails"),
        ("print 'old'\n!pip install a", "if the cell runs at all: line 1 isn't Python"),
        ("def f(x):\n    if x:\n        return\n    !pip install a\nf(g())", "unless it has returned before"),
        ("class I:\n    def go(self):\n        !pip install a\nx.go()", "if x.go is this notebook's own"),
        ("def f():\n    !pip install a\nbutton.on_click(f)", "in f, which may be called elsewhere"),
        ("Thread(target=lambda: os.system('pip install a')).start()", "if the lambda is called"),
    ],
)
def test_what_may_not_run(cell: str, condition: str) -> None:
    [event] = [e for e in read_cells([(1, cell)]) if e.kind == "command" and e.command.action == "install"]
    assert (event.condition, event.never) == (condition, "")


@pytest.mark.parametrize(
    ("cell", "never"),
    [
        ("COLAB = False\nif COLAB:\n    !pip install a", "under `COLAB`, which is False"),
        ("if 1:\n    pass\nelse:\n    !pip install a", "under `1`, which is True"),
        ("def f():\n    !pip install a", "in f, which nothing calls"),
        ("%%script false --no-raise-error\npip install a", "%%script false doesn't run it"),
        ("try:\n    import numpy\nexcept ImportError:\n    !pip install a", "only if numpy can't be imported"),
        ("!true || pip install a", "the command before it succeeds"),
        ("if False:\n    def f(): pass\n    !pip install a", "under `False`, which is False"),
    ],
)
def test_what_does_not_run(cell: str, never: str) -> None:
    [event] = [e for e in read_cells([(1, cell)], lambda m: True if m == "numpy" else None) if e.kind == "command"]
    assert event.never == never


@pytest.mark.parametrize(
    "cell",
    [
        "!cat r.txt | xargs -n 1 pip install",
        "!poetry add a",
        "!uv sync",
        "!python setup.py install",
        "%%unknown\npip install a",
        "runner.execute('pip install a')",
        "helper(['pip', 'install', 'a'])",
        "!bash install.sh",
        "%run setup_colab.py",
        "%run https://x.y/a.py",
        "exec(requests.get('https://x.y/a.py').text)",
        "from urllib.request import urlopen\nexec(urlopen(url).read())",
        "import requests as r\npage = r.get(url)\ncode = page.text\nexec(code)",
        "import urllib.request\nwith urllib.request.urlopen(url) as f:\n    exec(compile(f.read(), 'a', 'exec'))",
        "%%python\nimport requests\nexec(requests.get(url).text)",
        "x = [\n(\n!pip install a",
        "!frobnicate pip install a",
        "%%bash\n" + "for a in 1 2 3 4 5 6 7 8 9; do " * 5 + "echo $a; " + "done; " * 5 + "pip install a",
    ],
)
def test_what_is_not_understood_is_said(cell: str) -> None:
    event = only(cell)
    assert event.kind == "unread" or event.command.unread or event.condition


@pytest.mark.parametrize(
    "code",
    [
        'q = "What does pip install a do?"\nllm.invoke(q)',
        'q = """Q: how?\n`pip install a`. Then import it."""\ntokenizer.encode(q)',
        'q = "First:\\n```bash\\npip install a\\n```"\nchat(q)',
        '"##".join(["pip install a"])',
    ],
)
def test_prose_is_no_command(code: str) -> None:
    assert read_cells([(1, code)]) == []


def test_the_folder_that_a_process_is_started_in() -> None:
    cell = "import subprocess\nsubprocess.run(['pip', 'install', '-r', 'r.txt'], cwd='sub dir')"
    [event] = [e for e in read_cells([(1, cell)]) if e.kind == "command"]
    assert (event.folder, event.command.files) == ("sub dir", ("r.txt",))
    [event] = [e for e in read_cells([(1, cell.replace("'sub dir'", "f()"))]) if e.kind == "command"]
    assert event.folder == "{...}"


def test_a_module_that_the_notebook_writes_runs_where_it_is_imported() -> None:
    cells = ["%%writefile pkg/stall.py\nimport os\nos.system('pip install a')", "import x\nfrom pkg.stall import y"]
    assert [(e.cell, e.text) for e in read_cells(enumerate(cells, 1)) if e.kind == "command"] == [
        (2, "pip install a")
    ]


@pytest.mark.parametrize(
    "cell",
    [
        "exec('x = 1')",
        "exec(open('a.py').read())",
        "%run train.py",
        "import requests\nprint(requests.get('https://x.y').text)",
        "import requests\ndef exec(text): pass\nexec(requests.get(url).text)",
    ],
)
def test_what_is_fetched_or_run_is_not_suspect_alone(cell: str) -> None:
    assert read_cells([(1, cell)]) == []


def test_what_an_address_holds_is_no_text_that_is_known() -> None:
    fetched = "import requests\npage = requests.get(url)\nif page.ok:\n    !pip install a"
    command, file = read_cells([(1, fetched), (2, "open('r.txt', 'w').write(page.text)")])
    assert (command.condition, file.content) == ("if page.ok", None)


def test_scripts_that_the_notebook_writes() -> None:
    assert texts("%%writefile a.sh\npip install a", "!bash a.sh") == [(2, "pip install a")]
    assert texts("%%writefile a.py\nimport os\nos.system('pip install a')", "!python a.py", "%run a.py") == [
        (2, "pip install a"),
        (3, "pip install a"),
    ]


def test_one_cell_that_cannot_be_read_takes_none_of_the_others() -> None:
    deep = "x = " + "(" * 5000 + ")" * 5000
    assert texts("d = {('a', 'b'): 1}", deep, 'import shlex\nshlex.split("it\'s")', "!pip install a") == [
        (4, "pip install a")
    ]
    assert only(f"{deep}\n!pip install a").condition.startswith("if the cell runs at all")


@pytest.mark.parametrize(
    ("cells", "file", "content"),
    [
        (("%%writefile r.txt\na", "%%writefile -a r.txt\nb"), "r.txt", "a\nb\n"),
        (("f = open('r.txt', 'w')\nf.write('a\\n')\nprint('b', file=f)",), "r.txt", "a\nb\n"),
        (("open('r.txt', 'w').write('a')\nopen('r.txt', 'a').write('b')",), "r.txt", "ab"),
        (("from pathlib import Path\n(Path('x') / 'r.txt').write_text('a')",), "x/r.txt", "a"),
        (("!echo a > r.txt; echo b >> r.txt",), "r.txt", "a\nb\n"),
        (("%%bash\ncat > r.txt <<EOF\na\nEOF",), "r.txt", "a\n"),
        (("%cd x", "%%writefile r.txt\na"), "x/r.txt", "a\n"),
        (("%%writefile /content/r.txt\na",), "r.txt", "a\n"),
        (("if x():\n    open('r.txt', 'w').write('a')",), "r.txt", None),
        (("!wget https://x.y/r.txt",), "r.txt", None),
        (("!python make.py > r.txt",), "r.txt", None),
    ],
)
def test_files(cells: tuple[str, ...], file: str, content: str | None) -> None:
    last = [e for e in read_cells(enumerate(cells, 1)) if e.kind == "file"][-1]
    assert (last.text, last.content) == (file, content)


def test_paths() -> None:
    assert path_from("x", "../r.txt") == "r.txt"
    assert (path_from("", "/tmp/r.txt"), path_from("", "/content"), path_from("a", "b")) == ("/tmp/r.txt", "", "a/b")


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
        ("file", 2, "a\n"),
        ("file", 2, "a\nb\n"),
        ("restart", 3, ""),
        ("import", 4, ""),
        ("condacolab", 5, ""),
    ]


def test_old_and_odd_notebooks(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"worksheets": [{"cells": [{"cell_type": "code", "input": ["!pip install a\n"]}]}]}))
    assert [e.text for e in events_of(path)] == ["pip install a"]
    path.write_text("{")
    with pytest.raises(NotebookError):
        events_of(path)
    odd = {"cell_type": "code", "source": ["!pip install a\n", ["x"], 1.5]}
    path.write_text(json.dumps({"cells": [odd, None, {"cell_type": "code", "source": 7}]}))
    assert [e.text for e in events_of(path)] == ["pip install a"]
    path.write_text('{"worksheets": [{"cells": null}]}')
    with pytest.raises(NotebookError):
        events_of(path)
    path.write_text("[" * 100_000)
    with pytest.raises(NotebookError):
        events_of(path)
    path.write_text("[]")
    with pytest.raises(NotebookError):
        events_of(path)
    with pytest.raises(RequirementsNotFoundError):
        events_of(tmp_path / "none.ipynb")
