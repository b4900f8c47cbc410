"""The front as conda-lock calls it: a command with JSON on standard output."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap.maintain._child_conda import BRIEF_VARIABLE, FAKE_CHANNEL, SolveBrief
from bootstrap.maintain.condalock import write_front
from tests.support.project import PACKAGES, package, write_channel

if TYPE_CHECKING:
    from pathlib import Path


class Front:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.channel = write_channel(root / "channel", PACKAGES)
        self.executable = write_front(root / "it's a front")

    def machine(self, **versions: str) -> str:
        """A channel of virtual packages, as conda-lock writes it."""
        folder = self.root / f"{FAKE_CHANNEL}x"
        for subdir in ("linux-64", "noarch"):
            entries = {
                f"{n}-{v}-0.tar.bz2": {"name": n, "version": v, "build": "0", "package_type": "virtual_system"}
                for n, v in versions.items()
                if subdir == "linux-64"
            }
            (folder / subdir).mkdir(parents=True, exist_ok=True)
            (folder / subdir / "repodata.json").write_text(json.dumps({"packages": entries}))
        return f"file://{folder}"

    def call(self, *arguments: str, brief: Path | None = None, platform: str = "linux-64") -> tuple[int, str]:
        environ = {**os.environ, "CONDA_SUBDIR": platform, **({BRIEF_VARIABLE: str(brief)} if brief else {})}
        done = subprocess.run(
            [str(self.executable), *arguments], env=environ, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout

    def create(
        self, *specs: str, brief: Path | None = None, machine: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        channels = [f"file://{self.channel}", machine or self.machine(__glibc="2.28")]
        status, out = self.call(
            "create", "--prefix", str(self.root / "none"), "--dry-run", "--json", "--override-channels",
            *(part for channel in channels for part in ("--channel", channel)), *specs, brief=brief,
        )  # fmt: skip
        return status, json.loads(out)


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return Front(tmp_path)


def test_it_tells_a_version_of_conda(front: Front) -> None:
    status, out = front.call("--version")
    assert status == 0
    assert out.split()[0] == "conda"


def test_every_record_is_fetched_and_linked(front: Front) -> None:
    status, answer = front.create("numpy", "tqdm")
    assert status == 0
    assert answer["success"] is True
    fetch = {r["name"]: r for r in answer["actions"]["FETCH"]}
    assert set(fetch) == {"numpy", "python", "libblas", "tqdm"} == {r["name"] for r in answer["actions"]["LINK"]}
    expected = package("numpy", "2.3.4", subdir="linux-64")
    assert {k: fetch["numpy"][k] for k in ("md5", "sha256", "fn", "subdir", "url")} == {
        "md5": expected["md5"],
        "sha256": expected["sha256"],
        "fn": "numpy-2.3.4-h0_0.conda",
        "subdir": "linux-64",
        "url": f"file://{front.channel}/linux-64/numpy-2.3.4-h0_0.conda",
    }
    assert fetch["numpy"]["depends"] == ["python", "libblas >=3.9", "__glibc >=2.17"]
    assert {r["name"]: r["dist_name"] for r in answer["actions"]["LINK"]}["tqdm"] == "tqdm-4.70-h0_0"


def test_virtual_packages_count_and_are_not_installed(front: Front) -> None:
    assert front.create("numpy", machine=front.machine(__glibc="2.12"))[0] == 1
    status, answer = front.create("pytorch", machine=front.machine(__glibc="2.28", __cuda="12.8"))
    assert status == 0
    assert {r["name"]: r["build_string"] for r in answer["actions"]["FETCH"]}["pytorch"] == "cuda129_h0_300"
    assert not [r for r in answer["actions"]["FETCH"] if r["name"].startswith("__")]


@pytest.mark.exhaustive
def test_no_virtual_packages_are_no_channel(front: Front) -> None:
    assert front.create("tqdm", machine=front.machine())[0] == 0


@pytest.mark.exhaustive
def test_no_solution(front: Front) -> None:
    status, answer = front.create("numpy >=9")
    assert status == 1
    assert answer["success"] is False
    assert "numpy >=9" in answer["message"]


def test_sizes_and_faults_go_into_the_briefs_answer(front: Front, tmp_path: Path) -> None:
    brief, answer = tmp_path / "brief.json", tmp_path / "answer.json"
    SolveBrief(answer=str(answer), cache=str(tmp_path / "cache")).write(brief)
    front.create("tqdm", brief=brief)
    told = json.loads(answer.read_text())["records"]
    assert {r["name"]: r["size"] for r in told}["tqdm"] == 1000
    front.create("numpy >=9", brief=brief)
    assert json.loads(answer.read_text())["fault"]["error"] in ("unknown-package", "unsatisfiable")


def test_a_brief_survives_its_file(tmp_path: Path) -> None:
    brief = SolveBrief(
        answer="a", cache="c", repodata="r", exclude_newer="2026-01-01", specs=("x >=1",), update=("x",)
    )
    brief.write(tmp_path / "b")
    assert SolveBrief.read(tmp_path / "b") == brief


def test_what_is_installed_is_listed(front: Front, tmp_path: Path) -> None:
    meta = tmp_path / "prefix" / "conda-meta"
    meta.mkdir(parents=True)
    (meta / "tqdm-4.66-h0_0.json").write_text(json.dumps({"name": "tqdm", "version": "4.66"}))
    (meta / "history").write_text("")
    status, out = front.call("list", "--no-pip", "-p", str(tmp_path / "prefix"), "--json")
    assert status == 0
    assert json.loads(out) == [{"name": "tqdm", "version": "4.66"}]
