"""The adapter to condacolab: its versions, what it tells, and what it leaves; tests/component/runtime runs it."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

import pytest

from bootstrap.errors import BootstrapError, CondacolabFailedError
from bootstrap.progress import NullProgress
from bootstrap.runtime.condacolab import KNOWN_VERSIONS, InstallerProgress, failure, obstacle, tidy


def test_pins_of_others_and_settings_stay(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    pinned = tmp_path / "conda-meta/pinned"
    kept = "numpy 2.*\npython 3.13.1\npython 3.12.*,>=3.12.4\n"
    pinned.write_text(f"python 3.12.*\npython_abi 3.12.* *cp312*\ncuda-version 12.*\n{kept}")
    (tmp_path / ".condarc").write_text("channels: [x]\nalways_yes: true\nalways_yes: true\n")
    tidy(tmp_path)
    assert pinned.read_text() == kept
    assert (tmp_path / ".condarc").read_text() == "channels: [x]\nalways_yes: true\n"


def test_an_unknown_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _name: "0.2.0")
    assert obstacle() == "condacolab 0.2.0 is not supported"


@pytest.mark.parametrize("version", KNOWN_VERSIONS)
def test_a_known_version(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _name: version)
    assert obstacle() is None


def test_no_condacolab(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> str:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "version", missing)
    assert obstacle() == f"condacolab is not installed in {sys.prefix}"


def kinds(base: type[BootstrapError]) -> list[type[BootstrapError]]:
    return [base, *(kind for child in base.__subclasses__() for kind in kinds(child))]


@pytest.mark.parametrize(
    "kind",
    [k for k in kinds(BootstrapError) if "exit_code" in vars(k) and k is not BootstrapError],
    ids=lambda k: k.id,
)
def test_a_fault_of_the_restore_is_told_as_itself(kind: type[BootstrapError], tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    result.write_text(json.dumps(kind("gone", evidence=["x"], hint="h").to_dict()))
    fault = failure("Traceback ...", result, "0.1.12")
    assert type(fault) is kind
    assert (fault.message, fault.evidence, fault.hint) == ("gone", ("x",), "h")


@pytest.mark.parametrize("text", [None, "", "{}", "not JSON"])
def test_a_fault_of_condacolab(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "result.json").write_text(text)
    fault = failure("line 1\n\nAssertionError: Python\n", tmp_path / "result.json", "0.1.12")
    assert isinstance(fault, CondacolabFailedError)
    assert fault.evidence == ("line 1", "AssertionError: Python")


def test_progress_is_read_as_it_grows(tmp_path: Path) -> None:
    seen: list[object] = []

    class Collect(NullProgress):
        def step(self, step: object) -> None:
            seen.append(step)

        def note(self, message: str) -> None:
            seen.append(message)

    path = tmp_path / "events"
    events = InstallerProgress(path)
    events.pass_on(Collect())
    with path.open("w") as file:
        file.write('{"event": "step", "stage": "fetching", "done": 1, "seconds_left": 2}\nnoise\n{"event": "no')
        file.flush()
        events.pass_on(Collect())
        assert [getattr(step, "stage", step) for step in seen] == ["fetching"]
        file.write('te", "message": "retrying"}\n')
    events.pass_on(Collect())
    events.pass_on(Collect())
    assert seen[1:] == ["retrying"]
