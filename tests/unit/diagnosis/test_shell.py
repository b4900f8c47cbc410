"""Installers' calls out of lines for a shell."""

from __future__ import annotations

import pytest

from bootstrap.diagnosis.installer_call import Command
from bootstrap.diagnosis.shell import find_commands


def only(line: str) -> Command:
    [command] = find_commands(line)
    return command


@pytest.mark.parametrize(
    ("line", "calls"),
    [
        ("pip install a", [("pip", "install")]),
        ("pip3.11 uninstall -y a", [("pip", "uninstall")]),
        ("/usr/bin/python3 -u -m pip install a", [("pip", "install")]),
        ("python -c 'print(1)' -m pip install a", []),
        ("python script.py pip install a", []),
        ("uv pip sync r.txt", [("uv", "install")]),
        ("uv venv", []),
        ("mamba create -n x numpy", [("conda", "install")]),
        ("conda remove numpy", [("conda", "uninstall")]),
        ("conda list", [("conda", "other")]),
        ("pip", [("pip", "other")]),
        ("pip --quiet --log x install a", [("pip", "install")]),
        ("sudo A=1 env B=2 pip install a", [("pip", "install")]),
        ("bash -c 'pip install a; pip install b'", [("pip", "install"), ("pip", "install")]),
        ("if true; then pip install a; fi", [("pip", "install")]),
        ("cd x && pip install . || pip install y", [("pip", "install"), ("pip", "install")]),
        ("pip install a | tee log", [("pip", "install")]),
        ("pip install a # and pip install b", [("pip", "install")]),
        ("# pip install a\npip install b", [("pip", "install")]),
        ("echo pip install a", []),
        ("apt-get install pip", []),
        ("", []),
        ("pip install 'a", [("pip", "install")]),
    ],
)
def test_who_is_called(line: str, calls: list[tuple[str, str]]) -> None:
    assert [(c.tool, c.action) for c in find_commands(line)] == calls


@pytest.mark.parametrize(
    ("words", "requirements", "options"),
    [
        ("a 'b>=1,<2' c[x]==1", ("a", "b>=1,<2", "c[x]==1"), ()),
        ("-qU a", ("a",), ("--upgrade",)),
        ("-e . -e git+https://x/y#egg=z", ("-e .", "-e git+https://x/y#egg=z"), ()),
        ("--pre --no-deps a", ("a",), ("--pre", "--no-deps")),
        ("-fhttps://x -i https://y a", ("a",), ("--find-links", "https://x", "--index-url", "https://y")),
        ("--find-links=/w a", ("a",), ("--find-links", "/w")),
        ("--no-binary :all: a", ("a",), ("--no-binary", ":all:")),
        ("--no-dependencies --force --no-cache a", ("a",), ("--no-deps", "--force-reinstall")),
        ("--timeout 60 --progress-bar off a", ("a",), ()),
        ("--reinstall --default-index https://y --index https://z a", ("a",),
         ("--force-reinstall", "--index-url", "https://y", "--extra-index-url", "https://z")),
        ("--prerelease allow -P a a", ("a",), ("--pre",)),
        ("--system --break-system-packages a", ("a",), ()),
    ],
)  # fmt: skip
def test_what_it_asks_for(words: str, requirements: tuple[str, ...], options: tuple[str, ...]) -> None:
    command = only(f"pip install {words}")
    assert (command.requirements, command.options) == (requirements, options)


def test_files_and_constraints() -> None:
    command = only("pip install -r a.txt --requirement=b.txt -cc.txt")
    assert (command.files, command.constraints, command.requirements) == (("a.txt", "b.txt"), ("c.txt",), ())


@pytest.mark.parametrize(
    ("line", "unknown"),
    [
        ("pip install {name}", "{name}"),
        ("pip install $NAME", "$NAME"),
        ("pip install --no-deps a xformers=={...}", "xformers=={...}"),
        ("pip install a==${V}", "${V}"),
        ('pip install "${P[@]}"', "${P[@]}"),
        ('pip install "$@"', "$@"),
        ("pip install `cat r`", "`cat r`"),
        ("pip install $(cat r | grep -v torch)", "$(cat r | grep -v torch)"),
        ("pip install -r {path}", "{path}"),
        ("pip install -e a{...}/" + "b" * 90, "-e a{...}/" + "b" * 27 + "..."),
        ("{sys.executable} -m pip install a", ""),
        ("pip install a --index-url $URL", "$URL"),
    ],
)
def test_what_only_running_tells(line: str, unknown: str) -> None:
    assert only(line).unknown == unknown


@pytest.mark.parametrize("option", ["--target x", "-t x", "--prefix=x", "--root x", "--dry-run"])
def test_it_may_not_concern_the_environment(option: str) -> None:
    assert only(f"pip install {option} a").elsewhere
    assert not only("pip install a").elsewhere


@pytest.mark.parametrize(
    ("line", "requirements", "mistaken"),
    [
        ("pip install numpy>=2.0", ("numpy",), "numpy>=2.0"),
        ("pip install numpy<2 scipy", ("numpy", "scipy"), "numpy<2"),
        ("pip install a > log 2>&1", ("a",), ""),
        ("pip install a 2> /dev/null", ("a",), ""),
        ("pip install a < answers", ("a",), ""),
        ("pip install 'numpy>=2.0'", ("numpy>=2.0",), ""),
    ],
)
def test_what_the_shell_takes_for_a_redirection(line: str, requirements: tuple[str, ...], mistaken: str) -> None:
    command = only(line)
    assert (command.requirements, command.mistaken) == (requirements, mistaken)


def test_its_text_can_be_run_again() -> None:
    assert only("sudo pip  install   'a>=1'  \"b c\"").text == "pip install 'a>=1' 'b c'"
    assert only("pip install \\\n  a").text == "pip install a"


@pytest.mark.parametrize(
    "line", ["pip install -q a", "pip -q install a", "pip install a --quiet", "pip install -Uq a"]
)
def test_whether_it_hides_what_it_does(line: str) -> None:
    assert only(line).quiet
    assert not only("pip install a").quiet


@pytest.mark.parametrize(
    ("line", "folder"),
    [
        ("cp -r a/* /l/dist-packages/", "/l/dist-packages"),
        ("cp -t /l/dist-packages a", "/l/dist-packages"),
        ("ln -s /content/numpy /l/site-packages/numpy", "/l/site-packages"),
        ("rm -rf /l/dist-packages/numpy*", "/l/dist-packages"),
        ("rm -rf /l/dist-packages/*", "/l/dist-packages"),
        ("mv /l/dist-packages/numpy.libs x", "/l/dist-packages"),
        ("tar -C / --zstd -xf a.tar.zst", "/"),
        ("tar xzf a.tgz --directory=/usr/local/lib", "/usr/local/lib"),
        ("unzip -q a.zip -d /l/site-packages", "/l/site-packages"),
        ("7z x a.7z -o/usr/local/lib/python3.12", "/usr/local/lib/python3.12"),
        ("ln -s /l/dist-packages/numpy numpy", ""),
        ("cp -r /l/dist-packages/numpy/tests t", ""),
        ("rm -rf /l/dist-packages/tensorflow*", ""),
        ("tar xzf a.tgz -C /content/data", ""),
        ("tar czf a.tgz -C / content", ""),
        ("tar -C /usr/local -xzf go.tgz", ""),
    ],
)
def test_files_that_may_be_numpys(line: str, folder: str) -> None:
    found = [c.unread for c in find_commands(line)]
    assert found == ([f"what {line.split()[0]} changes in {folder} isn't known"] if folder else [])


@pytest.mark.parametrize(
    "words", ["--override o.txt numpy", "-P numpy pandas", "--resolution=lowest numpy", "--group d"]
)
def test_options_that_no_dry_run_repeats(words: str) -> None:
    assert "isn't analysed" in only(f"uv pip install {words}").unread
