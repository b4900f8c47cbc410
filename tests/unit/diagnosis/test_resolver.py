"""What resolvers are asked and how their answers are read: programs in their places say what they are told to."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap.diagnosis.index import Index
from bootstrap.diagnosis.metadata_env import MetadataEnvironment
from bootstrap.diagnosis.model import Dist, Requirement, Resolution
from bootstrap.diagnosis.resolver import PipResolver, Question, UvResolver, find_uv, translate
from bootstrap.diagnosis.settings import PipSettings, combine
from bootstrap.errors import AsOfError, IndexUnreachableError, ResolverError, ResolverNotFoundError
from tests.support import wheels
from tests.unit.diagnosis import built

if TYPE_CHECKING:
    from collections.abc import Iterator

PIP = """
import json, sys
from pathlib import Path
here, arguments = Path(__file__).parent, sys.argv[1:]
files = {a: Path(b).read_text() for a, b in zip(arguments, arguments[1:]) if a in ("-r", "-c")}
asked = {"arguments": arguments, "requirements": files["-r"], "constraints": files.get("-c", "")}
with (here / "asked").open("a") as stream:
    stream.write(json.dumps(asked) + chr(10))
if (here / "report").exists():
    Path(arguments[arguments.index("--report") + 1]).write_text((here / "report").read_text())
sys.stdout.write((here / "out").read_text())
sys.stderr.write((here / "err").read_text())
sys.exit(int((here / "code").read_text()))
"""


class Told:
    """A program's folder: what it shall say, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "__pip-runner__.py").write_text(PIP)
        (folder / "uv").write_text(
            '#!/bin/sh\n[ "$1" = --version ] && { echo uv 0.9.1; exit; }\n'
            f'printf "%s\\n" "$@" >> {folder}/asked\ncat {folder}/err >&2; exit $(cat {folder}/code)\n'
        )
        (folder / "uv").chmod(0o755)
        self.say()

    def say(self, *, code: int = 0, out: str = "", err: str = "", report: Any = None) -> None:
        texts = {"code": str(code), "out": out, "err": err}
        texts |= {"report": json.dumps(report)} if report is not None else {}
        for name, text in texts.items():
            (self.folder / name).write_text(text)

    @property
    def asked(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "asked").read_text().splitlines()]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path / "program")


@pytest.fixture
def metadata_env(told: Told) -> Iterator[MetadataEnvironment]:
    place = replace(built.target(Dist("numpy", "2.0.2")), pip_path=told.folder, pip_version="24.1")
    metadata_env = MetadataEnvironment(place, place.dists)
    yield metadata_env
    metadata_env.close()


NOTHING = Index(PipSettings(index=None), "3.12")


def question(*texts: str, **more: Any) -> Question:
    return Question(tuple(Requirement(t, name=t.partition("=")[0]) for t in texts), **more)


ITEM = {
    "metadata": {
        "name": "Alone",
        "version": "1.0",
        "requires_dist": ["numpy<2"],
        "provides_extra": ["x"],
        "requires_python": ">=3",
    },
    "download_info": {"url": "https://x.y/alone-1.0-py3-none-any.whl"},
    "requested": True,
}


class TestPip:
    def test_its_report_is_the_plan(self, told: Told, metadata_env: MetadataEnvironment) -> None:
        direct = {**ITEM, "is_direct": True, "metadata": {"name": "b", "version": "2"}, "requested": False}
        told.say(report={"install": [ITEM, direct]}, out="whatever")
        found = PipResolver(metadata_env=metadata_env, index=NOTHING).resolve(question("alone"))
        url = "https://x.y/alone-1.0-py3-none-any.whl"
        assert found.ok
        assert found.resolver == "pip 24.1"
        assert found.planned == (
            Dist("Alone", "1.0", ("numpy<2",), ("x",), ">=3", requested=True, url=url),
            Dist("b", "2", direct_url={"url": url}, url=url),
        )

    def test_what_it_is_asked(self, told: Told, metadata_env: MetadataEnvironment) -> None:
        told.say(report={"install": []})
        hashed = Requirement("a==1", options=("--hash=sha256:00",))
        asked = Question((hashed,), ("c<3", "numpy==2.0.2"), ("--pre",), hashes=True)
        PipResolver(metadata_env=metadata_env, index=NOTHING).resolve(asked)
        [found] = told.asked
        assert found["arguments"][:2] == ["install", "--dry-run"]
        assert {"--pre", "--require-hashes"} <= set(found["arguments"])
        assert found["requirements"] == "a==1 --hash=sha256:00\n"
        assert found["constraints"] == "c<3\nnumpy==2.0.2\n"

    def test_equal_questions_are_asked_once_while_the_environment_is_the_same(
        self, told: Told, metadata_env: MetadataEnvironment
    ) -> None:
        told.say(report={"install": []})
        resolver = PipResolver(metadata_env=metadata_env, index=NOTHING)
        for _ in range(2):
            resolver.resolve(question("a"))
        resolver.resolve(question("a", options=("--pre",)))
        metadata_env.apply([Dist("numpy", "1.26.4")])
        resolver.resolve(question("a"))
        assert len(told.asked) == 3

    def test_sources_are_built_in_a_copy(self, told: Told, metadata_env: MetadataEnvironment, tmp_path: Path) -> None:
        told.say(report={"install": []})
        folder = wheels.make_sources(tmp_path, "local", "1.0")
        (tmp_path / "no-sources").mkdir()
        editable = Requirement("./local-1.0", editable=True)
        texts = (f"{folder}[x]", "./no-sources", "https://x.y/z.whl")
        asked = Question((*(Requirement(t) for t in texts), editable))
        PipResolver(metadata_env=metadata_env, index=NOTHING, folder=tmp_path).resolve(asked)
        first, *same, last = told.asked[0]["requirements"].splitlines()
        assert first.endswith("/local-1.0[x]")
        assert last.startswith("-e /")
        assert str(folder) not in first + last
        assert same == ["./no-sources", "https://x.y/z.whl"]

    def test_days_need_a_pip_that_knows_them(self, told: Told, metadata_env: MetadataEnvironment) -> None:
        told.say(report={"install": []})
        with pytest.raises(AsOfError):
            PipResolver(metadata_env=metadata_env, index=NOTHING, as_of="2025-11-15T23:59:59Z").resolve(question("a"))
        metadata_env.target = replace(metadata_env.target, pip_version="26.0")
        PipResolver(metadata_env=metadata_env, index=NOTHING, as_of="2025-11-15T23:59:59Z").resolve(question("a"))
        assert told.asked[0]["arguments"][-2:] == ["--uploaded-prior-to", "2025-11-15T23:59:59Z"]

    def test_why_it_gave_up(self, told: Told, metadata_env: MetadataEnvironment) -> None:
        told.say(
            code=1,
            out="Looking\nThe conflict is caused by:\n    a 1 depends on c==1\n    The user requested c>=2\n",
            err="WARNING: old\n"
            "ERROR: Cannot install -r /tmp/x/requirements.txt (line 1) and c>=2 because of conflicts.\n"
            "To fix this you could try to:\n"
            "1. loosen the range of package versions you've specified\n"
            "ERROR: ResolutionImpossible: for help visit x\n"
            "[notice] A new release of pip is available\n",
        )
        found = PipResolver(metadata_env=metadata_env, index=NOTHING).resolve(question("a", "c>=2"))
        assert found.failed == (
            "Cannot install a and c>=2 because of conflicts.",
            "a 1 depends on c==1",
            "The user requested c>=2",
        )

    def test_it_ends_without_a_word(self, told: Told, metadata_env: MetadataEnvironment) -> None:
        told.say(code=2)
        assert PipResolver(metadata_env=metadata_env, index=NOTHING).resolve(question("a")).failed == (
            "pip 24.1 failed without a message",
        )

    @pytest.mark.parametrize(
        "line",
        [
            "WARNING: Retrying after connection broken by 'NewConnectionError(...)': /simple/a/",
            "ERROR: HTTPSConnectionPool(host='x'): Max retries exceeded with url: /simple/a/",
        ],
    )
    def test_an_index_out_of_reach_is_no_answer(
        self, told: Told, metadata_env: MetadataEnvironment, line: str
    ) -> None:
        told.say(code=1, err=f"{line}\nERROR: No matching distribution found for a\n")
        with pytest.raises(IndexUnreachableError):
            PipResolver(metadata_env=metadata_env, index=NOTHING).resolve(question("a"))

    def test_what_is_told_of_a_connection(self, told: Told, metadata_env: MetadataEnvironment) -> None:
        broken = "NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f>: Failed')"
        retry = "(Retry(total=0, connect=None, read=None, redirect=None, status=None))"
        told.say(code=1, err=f"WARNING: Retrying {retry} after connection broken by '{broken}': /whl/a/\n")
        with pytest.raises(IndexUnreachableError) as caught:
            PipResolver(metadata_env=metadata_env, index=NOTHING).resolve(question("a"))
        assert (
            "Retrying after connection broken by 'NewConnectionError('Failed')': /whl/a/" in caught.value.evidence[0]
        )

    def test_versions_passed_over_are_no_reason(self, told: Told, metadata_env: MetadataEnvironment) -> None:
        told.say(code=1, err="ERROR: Ignored the following yanked versions: 3.9.1\nERROR: No matching distribution\n")
        assert PipResolver(metadata_env=metadata_env, index=NOTHING).resolve(question("a")).failed == (
            "No matching distribution",
        )

    @pytest.mark.parametrize("report", [None, {}])
    def test_no_report_is_no_answer(self, told: Told, metadata_env: MetadataEnvironment, report: Any) -> None:
        told.say(report=report)
        with pytest.raises(ResolverError, match="no report"):
            PipResolver(metadata_env=metadata_env, index=NOTHING).resolve(question("a"))


class TestUv:
    def resolve(self, told: Told, metadata_env: MetadataEnvironment, asked: Question) -> Resolution:
        index = Index(combine({"constraint": "/c.txt"}, ()), metadata_env.target.short_version)
        uv = UvResolver(metadata_env=metadata_env, uv=told.folder / "uv", index=index, as_of="2025-11-15")
        return uv.resolve(asked)

    def test_its_lines_are_the_plan(self, told: Told, metadata_env: MetadataEnvironment, tmp_path: Path) -> None:
        listed = wheels.make_wheel(tmp_path, "listed", "1.0", ["numpy<2"])
        direct = wheels.make_wheel(tmp_path, "direct", "3.0", ["listed"])
        told.say(
            err="Resolved 3 packages in 1ms\nWould install 3 packages\n - numpy==2.0.2\n + listed==1.0\n"
            f" + direct==3.0 (from {direct.as_uri()})\n"
        )
        options = ("--no-index", "--find-links", str(tmp_path))
        found = self.resolve(told, metadata_env, question("listed", options=options))
        assert found.resolver == "uv 0.9.1"
        assert [(str(d), d.requires, d.requested) for d in found.planned] == [
            ("listed 1.0", ("numpy<2",), True),
            ("direct 3.0", ("listed",), False),
        ]
        assert found.planned[0].url == listed.as_uri()

    def test_what_it_is_asked(self, told: Told, metadata_env: MetadataEnvironment) -> None:
        self.resolve(
            told, metadata_env, question("a", options=("-i", "https://y/simple", "--trusted-host", "h", "--pre"))
        )
        words = (told.folder / "asked").read_text().splitlines()
        text = " ".join(words)
        assert "--default-index https://y/simple" in text
        assert "--allow-insecure-host h" in text
        assert "--prerelease allow" in text
        assert "-c /c.txt" in text
        assert text.endswith("--exclude-newer 2025-11-15")
        assert f"--python {metadata_env.python}" in text

    @pytest.mark.parametrize(
        "line", [" + no version of it", " + never-heard-of==1.0", " + b @ file:///nowhere/b-1.0-py3-none-any.whl"]
    )
    def test_what_cannot_be_read_or_looked_at_is_no_answer(
        self, told: Told, metadata_env: MetadataEnvironment, line: str
    ) -> None:
        told.say(err=f"{line}\n")
        with pytest.raises(ResolverError):
            self.resolve(told, metadata_env, question("a", options=("--no-index",)))

    def test_an_option_that_it_does_not_know_is_no_answer(
        self, told: Told, metadata_env: MetadataEnvironment
    ) -> None:
        told.say(code=2, err="error: unexpected argument\n\nUsage: uv pip install\n")
        with pytest.raises(ResolverError, match="can't parse"):
            self.resolve(told, metadata_env, question("a"))

    def test_why_it_gave_up(self, told: Told, metadata_env: MetadataEnvironment) -> None:
        told.say(
            code=1,
            err="Using Python 3.11 environment\n"
            "  x No solution found when resolving dependencies:\n"
            "  ╰─▶ Because a==1 depends on c==1 and you require c>=2\n"
            "hint: something\n",
        )
        assert self.resolve(told, metadata_env, question("a")).failed == (
            "Because a==1 depends on c==1 and you require c>=2",
        )

    def test_which_host_is_out_of_reach(self, told: Told, metadata_env: MetadataEnvironment) -> None:
        told.say(
            code=2,
            err="error: Failed to fetch: `https://x.y/a`\n  cause: client error (Connect)\n  cause: dns error\n",
        )
        with pytest.raises(IndexUnreachableError) as caught:
            self.resolve(told, metadata_env, question("a"))
        assert caught.value.evidence[0].endswith(": Failed to fetch: `https://x.y/a`: dns error")

    def test_an_answer_that_a_file_is_not_there_is_one(self, told: Told, metadata_env: MetadataEnvironment) -> None:
        told.say(code=1, err="error: Failed to fetch `https://x/a`: HTTP status client error (404 Not Found)\n")
        assert self.resolve(told, metadata_env, question("a")).failed
        told.say(code=1, err="error: Failed to fetch `https://x/a`\n  Caused by: dns error\n")
        with pytest.raises(IndexUnreachableError):
            self.resolve(told, metadata_env, question("a"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], []),
        (["-U"], ["--upgrade-package", "a"]),
        (["--upgrade", "--upgrade-strategy", "eager"], ["--upgrade"]),
        (["--upgrade-strategy", "eager"], []),
        (["--force-reinstall"], ["--reinstall", "--upgrade"]),
        (["-I"], ["--reinstall", "--upgrade"]),
        (["--pre"], ["--prerelease", "allow"]),
        (["--no-binary", ":all:", "--no-deps"], ["--no-binary", ":all:", "--no-deps"]),
        (["-f", "/w", "--no-index", "-i", "https://x", "--trusted-host", "h"], []),
        (["--prefer-binary"], []),
    ],
)
def test_pips_options_in_uvs_words(options: list[str], words: list[str]) -> None:
    assert translate(options, [Requirement("a>1", name="a"), Requirement("https://x/y")]) == words


def test_uv_is_found_on_the_path_or_beside_the_interpreter(
    told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    assert find_uv(tmp_path / "python") is None
    with pytest.raises(ResolverNotFoundError):
        find_uv(tmp_path / "python", needed=True)
    assert find_uv(told.folder / "python") == told.folder / "uv"
    monkeypatch.setenv("PATH", str(told.folder))
    assert find_uv(tmp_path / "python", needed=True) == told.folder / "uv"
