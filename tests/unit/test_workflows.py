"""The workflows are sound by GitHub's schema, and call make targets that are there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import check_jsonschema
import pytest
import yaml

from tests.support import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_the_three_are_there() -> None:
    assert {path.stem for path in WORKFLOWS} >= {"tests", "colab-image", "refresh-lock"}


def check(*paths: Path) -> int:
    """GitHub's schema, by the copy that the checker brings: nothing is fetched."""
    with pytest.raises(SystemExit) as leaving:
        check_jsonschema.main(["--builtin-schema", "vendor.github-workflows", *map(str, paths)])
    return int(str(leaving.value.code))


def test_the_schema_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(*WORKFLOWS) == 0, capsys.readouterr().out


def test_the_schema_would_not_hold_for_nonsense(tmp_path: Path) -> None:
    path = tmp_path / "w.yml"
    path.write_text("on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: make, usess: x}]}}\n")
    assert check(path) == 1


def made(path: Path) -> set[str]:
    """The make targets that a workflow calls, those that a matrix names included."""
    called = set()
    for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
        script = "\n".join(step.get("run", "") for step in job["steps"])
        for name, key in re.findall(r"^make (?:([\w-]+)|\$\{\{ matrix\.(\w+) \}\})", script, re.MULTILINE):
            matrix = job.get("strategy", {}).get("matrix", {})
            called |= {name} if name else {*matrix[key], *(entry[key] for entry in matrix.get("include", ()))}
    return called


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_make_targets_are_there(path: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert made(path)
    assert made(path) <= targets


def test_the_workflow_runs_what_ci_runs() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert set(re.findall(r"^make ([\w-]+)", script, re.MULTILINE)) <= made(ROOT / ".github/workflows/tests.yml")


def test_what_a_machine_lacks_is_a_failure_there() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))["jobs"]
    dear = [job for job in jobs.values() if "make ${{ matrix.part }}" in str(job)]
    assert [job["env"]["BOOTSTRAP_TESTS_COMPLETE"] for job in dear] == ["1"]
    assert [job["container"]["options"] for job in dear] == ["--privileged"], "roots with overlays"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_rights_and_time_are_bounded(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert content["permissions"]
    assert all(job["timeout-minutes"] <= 60 for job in content["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_shell_steps_parse(path: Path) -> None:
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    for step in (step for job in jobs.values() for step in job["steps"]):
        script = re.sub(r"\$\{\{.*?\}\}", "x", step.get("run", ""))
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
