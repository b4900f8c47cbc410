from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support import ROOT, link_or_copy
from tests.support.channel import build
from tests.support.channel.build import LocalChannel, ensure_channel
from tests.support.channel.resolve import Resolution, Resolved
from tests.support.channel.target import choose_target
from tests.support.once import digest, made_once


def make_wheel(folder: Path, project: str, requires: str = "") -> Resolved:
    """A distribution as pip would report it, with its wheel."""
    name = project.replace("-", "_")
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}.py", "VALUE = 1\n")
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Name: {project}\nVersion: 1.0\n")
        archive.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    metadata = {"requires_dist": [requires] if requires else [], "requires_python": ">=3.9"}
    return Resolved(project, "1.0", wheel.as_uri(), "", metadata)


@pytest.fixture(name="ensure")
def _ensure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Builds a channel of two small wheels; only pip's choice is given, as its index would be the network's.

    The package of Python is made once for all.
    """
    first, second = make_wheel(tmp_path, "first-demo", "second-demo>=1"), make_wheel(tmp_path, "second-demo")
    spec = tmp_path / "environment.yml"
    calls: list[list[str]] = []

    def resolve(asked, target, *, log):
        calls.append(list(asked))
        return Resolution((first, second), {"python_version": target.short})

    monkeypatch.setattr(build, "resolve", resolve)
    spec.write_text("dependencies: [python >=3.8]\n")
    sources = [path.read_text() for path in sorted(Path(build.__file__).parent.glob("*.py"))]
    key = digest(choose_target().identity(), *sources)
    kept = made_once(ROOT / ".cache", "channel-python", key, lambda folder: ensure_channel(spec, cache=folder))
    shutil.copytree(kept / "packages", tmp_path / "cache/packages", copy_function=link_or_copy)
    calls.clear()

    def ensure(*lines: str) -> tuple[LocalChannel, list[list[str]]]:
        content = ["python >=3.8", "conda >=24", *lines]
        spec.write_text("dependencies:\n" + "".join(f"  - {line}\n" for line in content), encoding="utf-8")
        return ensure_channel(spec, cache=tmp_path / "cache"), calls

    return ensure


def test_a_channel_holds_wheels_python_and_standins(ensure) -> None:
    channel, _ = ensure("first-demo")
    records = {record["name"]: record for record in channel.records()}
    assert set(records) == {"first-demo", "second-demo", "python", "python_abi", "conda"}
    assert records["first-demo"]["depends"] == ["python >=3.9", "second-demo >=1"]
    assert records["python"]["version"] == channel.python == choose_target().version
    for record in records.values():
        assert Path(record["url"].removeprefix("file://")).stat().st_size == record["size"]
    assert channel.file_url == channel.path.as_uri()


def test_the_second_call_builds_nothing(ensure) -> None:
    channel, calls = ensure("first-demo")
    before = {path: path.stat().st_mtime_ns for path in channel.path.rglob("*.conda")}
    again, _ = ensure("first-demo")
    assert again == channel
    assert {path: path.stat().st_mtime_ns for path in channel.path.rglob("*.conda")} == before
    assert calls == [["first-demo"]]


def test_another_specification_makes_only_the_difference(ensure) -> None:
    first, _ = ensure("first-demo")
    second, calls = ensure("first-demo", "second-demo", "nomkl")
    assert second.path != first.path
    assert calls == [["first-demo"], ["first-demo", "second-demo"]]
    inodes = {path.name: path.stat().st_ino for path in first.path.rglob("*.conda")}
    new = {path.name: path.stat().st_ino for path in second.path.rglob("*.conda")}
    assert {name: inode for name, inode in new.items() if name in inodes} == inodes
    assert set(new) - set(inodes) == {"nomkl-1.0-standin_0.conda"}
    assert first.path.is_dir()


def test_what_a_killed_build_left_is_cleared_away(ensure, tmp_path: Path) -> None:
    channel, _ = ensure("first-demo")
    marker = channel.path.parent / "complete.json"
    marker.unlink()
    half = tmp_path / "cache/packages/.half.part"
    half.mkdir()
    again, _ = ensure("first-demo")
    assert again == channel
    assert marker.exists()
    assert not half.exists()
    assert len(again.records()) == 5


@pytest.mark.exhaustive
def test_channels_out_of_use_are_removed(ensure, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = ensure("first-demo", "nomkl")
    monkeypatch.setattr(build, "UNUSED_DAYS", -1)
    second, _ = ensure("first-demo")
    assert not first.path.exists()
    assert len(second.records()) == 5


def test_the_standin_conda_answers_from_conda_meta(tmp_path: Path) -> None:
    source = Path(build.__file__).with_name("conda_standin.py")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path)], check=True)
    meta = tmp_path / "conda-meta"
    meta.mkdir()
    common = {"build_number": 0, "channel": "https://example.org/conda-forge", "subdir": "noarch"}
    for name, version in (("numpy", "2.1"), ("conda", "26.1.0")):
        record = {
            "name": name,
            "version": version,
            "build": "0",
            "sha256": "ab",
            "url": f"https://e/{name}",
            **common,
        }
        (meta / f"{name}-{version}-0.json").write_text(json.dumps(record), encoding="utf-8")

    def conda(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(tmp_path / "bin/python"), str(source), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert conda("--version").stdout == "conda 26.1.0\n"
    assert [item["name"] for item in json.loads(conda("list", "--json").stdout)] == ["conda", "numpy"]
    assert [item["version"] for item in json.loads(conda("list", "--json", "^numpy$").stdout)] == ["2.1"]
    assert conda("list", "--explicit", "--sha256").stdout.splitlines()[1:] == [
        "https://e/conda#ab",
        "https://e/numpy#ab",
    ]
    assert "numpy" in conda("list").stdout
    assert json.loads(conda("info", "--json").stdout)["active_prefix"] == str(tmp_path)
    refused = conda("install", "numpy")
    assert refused.returncode == 1
    assert "stand-in" in refused.stderr
