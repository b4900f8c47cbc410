"""Requirements files are read as pip reads them: pip's own parser is the oracle."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from pip._internal.network.session import PipSession
from pip._internal.req.req_file import parse_requirements

from bootstrap.diagnosis.model import Requirement
from bootstrap.diagnosis.requirements import needs_build, read_file, read_lines, understand
from bootstrap.errors import RequirementsNotFoundError, RequirementSyntaxError
from tests.unit.diagnosis import built

CORPUS = {
    "plain": "numpy\nscipy>=1.0\n",
    "comments": "# head\nnumpy # why\n  # indented\nscipy#not-a-comment\nurl @ https://x.y/z.whl#sha256=00\n",
    "joined": "numpy>=1.0,\\\n   <3\nscipy \\\n  --hash=sha256:aa \\\n  --hash=sha256:bb\npandas\n",
    "comment after a joined line": "numpy \\\n# a comment\nscipy\n",
    "ends in a backslash": "numpy\nscipy \\",
    "markers and extras": "a[b,c]>=1; python_version > '3'\nd ; sys_platform == 'win32'\n",
    "urls": "https://x.y/a-1.0-py3-none-any.whl\ngit+https://x.y/b.git@main#egg=b\nc @ file:///tmp/c-1.0.tar.gz\n",
    "editable": "-e ./local\n--editable git+https://x.y/b.git#egg=b\n-e./glued\n",
    "options": "--index-url https://i.x/simple\n-i https://i.y/simple\n--extra-index-url=https://e.x\n--pre\na\n",
    "more options": "--no-binary :all:\n--only-binary=numpy\n--trusted-host h.x\n--prefer-binary\n-f https://l.x\n",
    "abbreviated": "--extra-index https://e.x\n--no-ind\na\n",
    "nested": "-r inner.txt\n-c bounds.txt\nouter\n",
    "nested deeper": "-r folder/middle.txt\n",
    "nested within constraints": "-c bounds-with-nested.txt\nouter\n",
    "variables": "a @ https://${TOKEN_X}@x.y/a.whl\nb-${lower}\nc @ https://${UNSET_X}@x.y/c.whl\n",
    "empty": "\n\n   \n# nothing\n",
    "byte order mark": "\ufeffnumpy\n",
    "per requirement": "a --config-settings=x=1 --hash=sha256:00\n",
    "windows lines": "a\r\nb \\\r\n  >=1\r\n",
}
BESIDE = {
    "inner.txt": "inner>=1\n# c\n-r second.txt\n",
    "second.txt": "second\n",
    "bounds.txt": "bounded<2\n",
    "bounds-with-nested.txt": "-r second.txt\n-c bounds.txt\n",
    "folder/middle.txt": "middle\n-r ../inner.txt\n-c ../bounds.txt\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in BESIDE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("TOKEN_X", "secret")
    monkeypatch.delenv("UNSET_X", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", CORPUS)
def test_as_pip_reads_it(name: str, folder: Path) -> None:
    path = folder / "requirements.txt"
    path.write_text(CORPUS[name], encoding="utf-8", newline="")
    expected = [
        (
            r.requirement.strip(),
            r.constraint,
            r.is_editable,
            sum(map(len, (r.options or {}).get("hashes", {}).values())),
        )
        for r in parse_requirements(str(path), session=PipSession())
    ]
    found = read_file(path)
    ours = [
        (r.text, constraint, r.editable, sum(o.startswith("--hash") for o in r.options))
        for constraint, group in ((False, found.requirements), (True, found.constraints))
        for r in group
    ]
    assert sorted(ours) == sorted(expected)
    assert [o[0] for o in ours if not o[1]] == [e[0] for e in expected if not e[1]], "in the same order"


def test_options_reach_pip_as_they_are(folder: Path) -> None:
    path = folder / "r.txt"
    (folder / "links").mkdir()
    path.write_text(
        "-i https://i.y/simple\n--extra-index-url=https://e.x\n--pre\n-f links\n-f elsewhere\n-r inner.txt\n"
    )
    found = read_file(path)
    assert found.options == [
        *("--index-url", "https://i.y/simple", "--extra-index-url", "https://e.x", "--pre"),
        *("--find-links", str(folder / "links"), "--find-links", "elsewhere"),
    ]


def test_places_are_kept(folder: Path) -> None:
    path = folder / "r.txt"
    path.write_text("# head\n\na \\\n  >=1\n-r inner.txt\n")
    assert [r.where for r in read_file(path).requirements] == [
        f"{path}:3",
        f"{folder / 'inner.txt'}:1",
        f"{folder / 'second.txt'}:1",
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a\n--nonsense x\n", 2, "no such option"),
        ("--index-url\n", 1, "requires"),
        ("-r r.txt\n", 1, "already being read"),
    ],
)
def test_lines_that_pip_would_refuse(folder: Path, text: str, line: int, words: str) -> None:
    path = folder / "r.txt"
    path.write_text(text)
    with pytest.raises(RequirementSyntaxError) as caught:
        read_file(path)
    assert caught.value.evidence[0].startswith(f"{path}:{line}: ")
    assert words in caught.value.evidence[0]


def test_lines_that_are_no_requirements(folder: Path) -> None:
    path = folder / "r.txt"
    path.write_text("numpy\nnum py\n\nscipy=>1\nhttps://x.y/a.whl\nb; os_name ~= 'x'\n")
    with pytest.raises(RequirementSyntaxError) as caught:
        understand(built.target(), read_file(path))
    assert [e.partition(": ")[0] for e in caught.value.evidence] == [f"{path}:{n}" for n in (2, 4, 6)], "all at once"


def test_a_missing_file_names_who_wants_it(folder: Path) -> None:
    path = folder / "r.txt"
    path.write_text("-r none.txt\n")
    with pytest.raises(RequirementsNotFoundError) as caught:
        read_file(path)
    assert caught.value.evidence == (f"{folder / 'none.txt'}: No such file or directory", f"wanted by {path}")


@pytest.mark.parametrize("coding", ["punycode", "undefined", "rot13", "hex", "nonsense"])
def test_codings_that_are_none(folder: Path, coding: str) -> None:
    (folder / "r.txt").write_text(f"# coding: {coding}\na @ https://x/y\n")
    with pytest.raises(RequirementSyntaxError):
        read_file(folder / "r.txt")


@pytest.mark.parametrize("name", ["/dev/zero", "fifo", "a\0b.txt", "x" * 3000, "https://u:p@[::1"])
def test_files_that_cannot_be_read(folder: Path, name: str) -> None:
    os.mkfifo(folder / "fifo")
    (folder / "r.txt").write_text(f"-r {name}\n")
    with pytest.raises(RequirementsNotFoundError):
        read_file(folder / "r.txt")


def test_files_that_are_only_referred_to_are_not_quoted(folder: Path) -> None:
    (folder / "r.txt").write_text("-r secret\n")
    for text in ("root:$6$hash:19000:0\n", "--token=s3cret\n", "a --s3cret\n"):
        (folder / "secret").write_text(text)
        with pytest.raises(RequirementSyntaxError) as caught:
            understand(built.target(), read_file(folder / "r.txt"))
        assert caught.value.evidence[0].startswith(f"{folder / 'secret'}:1: ")
        assert "s3cret" not in str(caught.value.to_dict())
        assert "hash" not in str(caught.value.to_dict())


@pytest.mark.parametrize(
    ("text", "builds"),
    [
        ("numpy", False),
        ("a @ https://x/a-1-py3-none-any.whl", False),
        ("./a-1-py3-none-any.whl[x]", False),
        ("https://x/a-1-py3-none-any.whl#sha256=0 ; python_version > '3'", False),
        ("a @ https://x/a-1.tar.gz", True),
        ("./folder", True),
        ("git+https://x/y", True),
        ("a[x] @ git+https://x/y", True),
        ("a[x]@https://x/y.tar.gz", True),
        ("a[x] @ https://x/y.whl ; python_version > '3'", False),
        ("https://x/evil.tar.gz?.whl", True),
        ("https://x/evil.tar.gz#.whl", True),
        ("https://x/a.whl;/evil.tar.gz", True),
        ("https://x/a.whl ;/evil.tar.gz", True),
        ("./a.whl[x]/evil", True),
        ("folder.whl", False),
        ("./folder.whl", True),
        ("git+file:///x/a.whl", True),
        ("a @ https://x/y.whl\n-e ./z.whl", True),
        ("numpy\n-e .", True),
    ],
)
def test_what_only_a_build_tells(tmp_path: Path, text: str, builds: bool) -> None:
    if text.startswith("./folder"):
        (tmp_path / text).mkdir()
    assert needs_build(Requirement(text), tmp_path) is builds
    assert needs_build(Requirement(text, editable=True), tmp_path)


def test_a_file_that_is_no_text(folder: Path) -> None:
    path = folder / "r.txt"
    path.write_bytes(b"numpy\n\xff\xfe\xfa")
    with pytest.raises(RequirementSyntaxError):
        read_file(path)


def test_names_extras_and_markers() -> None:
    given = [
        "Foo_Bar[X]>=1",
        "a; python_version<'3'",
        "https://x.y/b_c-1.0-py3-none-any.whl",
        "git+https://x/y#egg=E",
    ]
    found = understand(built.target(), read_lines(given)).requirements
    assert [(r.name, r.extras, r.applies) for r in found] == [
        ("foo-bar", ("X",), True),
        ("a", (), False),
        ("b-c", (), True),
        ("e", (), True),
    ]


def test_a_bound_that_only_older_pips_accept() -> None:
    wanted = read_lines(["a[x]>=1.2.*; python_version > '3'"])
    [found] = understand(replace(built.target(), pip_version="24.0"), wanted).requirements
    assert (found.name, found.extras, found.applies) == ("a", ("x",), True)
    with pytest.raises(RequirementSyntaxError):
        understand(replace(built.target(), pip_version="24.1"), wanted)
