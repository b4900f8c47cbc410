"""What Python code would run, found without running it; what only running tells is not guessed."""

from __future__ import annotations

import ast

import pytest

from bootstrap.diagnosis.events import Event
from bootstrap.diagnosis.python_cells import CodeReader, CodeTooLong


def calls(*cells: str) -> list[Event]:
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
        ("get_ipython().run_line_magic('pip', 'install a')", ["%pip install a"]),
        ("get_ipython().getoutput('pip install a')", ["pip install a"]),
        ("ok = os.system('pip install a') == 0", ["pip install a"]),
        ("p = 'a'\nos.system('pip install ' + p)", ["pip install a"]),
        ("p = ['a', 'b']\nos.system('pip install ' + ' '.join(p))", ["pip install a b"]),
        ("p = ['a'] + ['b']\nsubprocess.run(['pip', 'install'] + p)", ["pip install a b"]),
        ("subprocess.run(shlex.split('pip install a'))", ["pip install a"]),
        ("for p in 'a b'.split():\n    os.system(f'pip install {p}')", ["pip install a", "pip install b"]),
        ("for p in {'a': 1}:\n    os.system(f'pip install {p}')", ["pip install a"]),
        ("for p, v in [('a', 1)]:\n    os.system(f'pip install {p}')", ["pip install a"]),
        ("for p, v in x():\n    os.system(f'pip install {p}')", ["pip install {...}"]),
        ("from os import system as s\ns('pip install a')", ["pip install a"]),
        ("from subprocess import *\nrun('pip install a')", ["pip install a"]),
        ("class A:\n    def go(self, p):\n        os.system(f'pip install {p}')\nA().go('a')\na = A()\na.go('b')",
         ["pip install a", "pip install b"]),
        ("go = lambda p: os.system('pip install ' + p)\ngo('a')", ["pip install a"]),
        ("[os.system(f'pip install {p}') for p in ('a', 'b')]", ["pip install a", "pip install b"]),
        ("[os.system(f'pip install {p}') for p in ('a', 'b') if p != 'a']", ["pip install b"]),
        ("ip = get_ipython()\nip.system('pip install %s' % 'a')", ["pip install a"]),
        ("P = []\nP.append('a')\nP += ['b']\nos.system('pip install {}'.format(' '.join(P)))", ["pip install a b"]),
        ("from pip._internal import main as go\ngo(['install', 'a'])", ["pip install a"]),
        ("for i in range(3):\n    os.system('pip install a')", ["pip install a"]),
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
    assert [call.text for call in calls(code) if call.kind in ("shell", "magic") and not call.owner] == commands


@pytest.mark.parametrize(
    ("code", "condition"),
    [
        ("{}", ""),
        ("if x:\n    {}", "if x"),
        ("if x:\n    pass\nelse:\n    {}", "unless x"),
        ("while x:\n    {}", "in a loop"),
        ("try:\n    {}\nexcept E:\n    pass", ""),
        ("try:\n    pass\nexcept E:\n    {}", "only after an error"),
        ("try:\n    pass\nfinally:\n    {}", ""),
        ("with x:\n    {}", ""),
        ("for x in y():\n    {}", "in a loop over y()"),
        ("match x:\n    case 1:\n        {}", "in a case"),
        ("if x:\n    if True:\n        {}", "if x"),
        ("[{} for p in 'a' 'b' if f(p)]", "in a loop"),
        ("{} if x else 1", "depending on x"),
        ("x or {}", "depending on x"),
        ("if x:\n    raise E\n{}", ""),
        ("if x:\n    sys.exit()\n{}", ""),
        (
            "while True:\n    if x:\n        break\n    {}",
            "unless it has returned before",
        ),
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
        ("sys.path.extend(['a', 'b'])", ["path", "path"]),
        ("sys.path[:0] = ['a']", ["path"]),
        ("sys.path = ['a'] + sys.path", ["path"]),
        ("sys.path += ['a']", ["path"]),
        ("site.addsitedir('a')", ["path"]),
        ("import a.b, c\nfrom d import e\nfrom . import f", ["import"] * 4),
    ],
)
def test_other_things_that_count(code: str, kinds: list[str]) -> None:
    assert [call.kind for call in calls(code)] == kinds


def test_later_cells_know_earlier_ones() -> None:
    found = calls("def i(p): os.system(f'pip install {p}')\nwanted = ['a']", "for w in wanted:\n    i(w)")
    assert [(c.line, c.text) for c in found if not c.owner] == [(2, "pip install a")]


def test_arguments_are_forgotten_after_the_call() -> None:
    found = calls("p = 'outer'\ndef f(p): pass\nf('inner')\nos.system(p)")
    assert [c.text for c in found] == ["outer"]


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("with open('r.txt', 'w') as f:\n    f.write('a\\n')\n    f.write('b')", ["a\n", "b"]),
        ("with open('r.txt', 'w') as f:\n    f.write(text())", [None]),
        ("with open('r.txt', 'w') as f:\n    f.writelines(['a', 'b'])", ["ab"]),
        ("with open(name()) as f:\n    f.write('a')", []),
    ],
)
def test_files_that_code_writes(code: str, content: list[str]) -> None:
    assert [call.content for call in calls(code) if call.kind == "file"] == content


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("x = 'a' * 10**9", "{...}"),
        ("x = '%999999999d' % 1", "{...}"),
        ("x = '{:>999999999}'.format(1)", "{...}"),
        ("x = ' + '.join(['a'] * 3)", "{...}"),
        ("x = ['a']\nfor i in 'abcdefghijklmnopqrstuvwxyz':\n    x = x + x", "{...}"),
        ("x = {'a': 1}['b']", "{...}"),
        ("x = {'a': 'b'}['a']", "b"),
        ("x = ('a', 'b')[1]", "b"),
        ("x = 'a' if True else 'b'", "a"),
        ("x = 'a-b'.split('-')[0].upper()", "A"),
        ("x = 'a' if 2 > 1 and not [] else 'b'", "a"),
        ("x = None\nif y:\n    x = 'a'\nelse:\n    x = 'b'", "{...}"),
        ("if y:\n    x = 'a'\nelse:\n    x = 'a'", "a"),
    ],
)
def test_values(code: str, text: str) -> None:
    assert [c.text for c in calls(f"{code}\nos.system(f'{{x}}')")][-1] == text


def test_code_without_end_is_given_up() -> None:
    body = "\n".join(f"    f{n}()" for n in range(8))
    code = "".join(f"def f{n}():\n{body}\n" for n in range(8))
    with pytest.raises(CodeTooLong):
        calls(code + "f0()")


@pytest.mark.parametrize(
    "condition",
    [
        "torch.__version__ < '2'",
        "'2.1' in torch.__version__",
        "torch.__version__.startswith('2')",
        "f'{torch.__version__}' == '2.1'",
        "str(torch.version.cuda) == '12.1'",
        "torch.version.cuda[:2] == '12'",
        "torch.__version__ in ('1.13', '2.0')",
        "torch.cuda.is_available() and torch.x",
        "'DONE' not in os.environ",
        "seen == '12.1'",
    ],
)
def test_what_a_module_holds_decides_no_branch(condition: str) -> None:
    source = f"import os, torch\nseen = torch.version.cuda\nif {condition}:\n    os.system('pip install a')"
    [call] = [c for c in calls(source) if c.kind == "shell"]
    assert (call.condition.removeprefix("if "), call.never) == (condition, "")


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("sys.platform == 'win32'", False),
        ("platform.system() == 'Linux'", True),
        ("os.name == 'nt'", False),
        ("'DONE' in os.environ", True),
        ("os.environ['DONE'] == '1'", True),
        ("get_ipython()", True),
        ("not get_ipython()", False),
    ],
)
def test_what_is_known_of_the_machine(condition: str, runs: bool) -> None:
    source = f"import os, platform, sys\nos.environ['DONE'] = '1'\nif {condition}:\n    os.system('pip install a')"
    [call] = [c for c in calls(source) if c.kind == "shell"]
    assert (call.condition, not call.never) == ("", runs)


@pytest.mark.parametrize("there", [True, None])
@pytest.mark.parametrize(
    "where",
    ["os.environ", "os.environ.keys()", "''.join(os.environ.keys())", "''.join(os.environ)", "str(os.environ)"],
)
def test_colabs_variables_are_there_where_google_colab_is(where: str, there: bool | None) -> None:
    reader = CodeReader(lambda module: there if module == "google.colab" else None)
    source = f"if 'COLAB_' not in {where}:\n    os.system('pip install a')\nelse:\n    os.system('pip install b')"
    runs = [c.text for c in reader.read(ast.parse(source)) if c.kind == "shell" and not c.never and not c.condition]
    assert runs == (["pip install b"] if there else [])
