"""What Python code would run, found without running it; what only running tells is not guessed."""

from __future__ import annotations

import ast

import pytest

from bootstrap.diagnosis.pycode import Call, CodeReader


def calls(*cells: str) -> list[Call]:
    reader = CodeReader()
    return [call for cell in cells for call in reader.read(ast.parse(cell))]


@pytest.mark.parametrize(
    ("code", "commands"),
    [
        ("subprocess.run('pip install a')", ["pip install a"]),
        ("subprocess.check_call(['pip', 'install', 'a b'])", ["pip install 'a b'"]),
        ("import subprocess as sp\nsp.run(('pip', 'install', 'a'))", ["pip install a"]),
        ("from subprocess import run\nrun('pip install a')", ["pip install a"]),
        ("subprocess.Popen([sys.executable, '-m', 'pip', 'install', 'a']).wait()", ["python -m pip install a"]),
        ("os.popen('pip install a').read()", ["pip install a"]),
        ("pip.main(['install', 'a'])", ["pip install a"]),
        ("main(['install', 'a'])", []),
        ("get_ipython().run_line_magic('pip', 'install a')", ["pip install a"]),
        ("get_ipython().getoutput('pip install a')", ["pip install a"]),
        ("ok = os.system('pip install a') == 0", ["pip install a"]),
        ("p = 'a'\nos.system('pip install ' + p)", ["pip install a"]),
        ("p = ['a', 'b']\nos.system('pip install ' + ' '.join(p))", ["pip install a b"]),
        ("p = ['a'] + ['b']\nsubprocess.run(['pip', 'install'] + p)", ["pip install a b"]),
        ("subprocess.run(shlex.split('pip install a'))", ["pip install a"]),
        ("for p in 'a b'.split():\n    os.system(f'pip install {p}')", ["pip install a", "pip install b"]),
        ("for p in {'a': 1}:\n    os.system(f'pip install {p}')", ["pip install a"]),
        ("for p, v in [('a', 1)]:\n    os.system(f'pip install {p}')", ["pip install {...}"]),
        ("os.system(f'pip install {x()}')", ["pip install {...}"]),
        ("def f(p, v='1'):\n    os.system(f'pip install {p}=={v}')\nf('a')\nf(p='b', v='2')",
         ["pip install a==1", "pip install b==2"]),
        ("def f(*ps):\n    subprocess.run(['pip', 'install', *ps])\nf('a', 'b')", ["pip install a b"]),
        ("def f(): f()\nf()", []),
        ("def f(): os.system('pip install a')", []),
        ("print('pip install a')", []),
        ("requests.run('pip install a')", []),
    ],
)  # fmt: skip
def test_commands(code: str, commands: list[str]) -> None:
    assert [call.text for call in calls(code) if call.kind == "shell"] == commands


@pytest.mark.parametrize(
    ("code", "condition"),
    [
        ("{}", ""),
        ("if x:\n    {}", "under an if"),
        ("if x:\n    pass\nelse:\n    {}", "under an if"),
        ("while x:\n    {}", "in a loop"),
        ("try:\n    {}\nexcept E:\n    pass", ""),
        ("try:\n    pass\nexcept E:\n    {}", "only after an error"),
        ("try:\n    pass\nfinally:\n    {}", ""),
        ("with x:\n    {}", ""),
        ("for x in y():\n    {}", ""),
    ],
)
def test_whether_it_may_not_run(code: str, condition: str) -> None:
    [call] = calls(code.format("os.system('pip install a')"))
    assert call.condition == condition


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("os.kill(os.getpid(), 9)", ["restart"]),
        ("os.kill(pid, 9)", []),
        ("exit()", ["restart"]),
        ("sys.exit()", []),
        ("get_ipython().kernel.do_shutdown(True)", ["restart"]),
        ("condacolab.install_mambaforge()", ["condacolab"]),
        ("condacolab.check()", []),
        ("import a.b, c\nfrom d import e\nfrom . import f", ["import"] * 4),
    ],
)
def test_other_things_that_count(code: str, kinds: list[str]) -> None:
    assert [call.kind for call in calls(code)] == kinds


def test_later_cells_know_earlier_ones() -> None:
    found = calls("def i(p): os.system(f'pip install {p}')\nwanted = ['a']", "for w in wanted:\n    i(w)")
    assert [(c.line, c.text) for c in found] == [(2, "pip install a")]


def test_arguments_are_forgotten_after_the_call() -> None:
    found = calls("p = 'outer'\ndef f(p): pass\nf('inner')\nos.system(p)")
    assert [c.text for c in found] == ["outer"]


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("with open('r.txt', 'w') as f:\n    f.write('a\\n')\n    f.write('b')", ["a\nb"]),
        ("with open('r.txt', 'w') as f:\n    f.write(text())", []),
        ("with open(name()) as f:\n    f.write('a')", []),
    ],
)
def test_files_that_code_writes(code: str, content: list[str]) -> None:
    assert [call.content for call in calls(code) if call.kind == "file"] == content
