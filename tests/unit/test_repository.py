"""The repository's own files: one address, and papers for contributors that don't go stale."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import check_jsonschema
import pytest
import yaml

from bootstrap import __version__
from tests.support import ROOT
from tests.support.repository import URL
from tests.support.structure import LEVELS

SLUG = URL.removeprefix("https://github.com/")
PACKAGE = ROOT / "bootstrap"
PAPERS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
PAGES = [*PAPERS, *sorted((ROOT / "docs").rglob("*.md"))]
SHOWN = [
    *PAGES,
    *(ROOT / name for name in ("template.ipynb", "pyproject.toml", "mkdocs.yml")),
    *ROOT.glob(".github/**/*.yml"),
]
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_mention_of_the_repository_is_the_one_of_pyproject(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    mentions = re.findall(r"(?:github\.com|githubusercontent\.com|google\.com/github)/([\w.-]+/([\w.-]+))", text)
    names = {"condacolab-bootstrap", SLUG.partition("/")[2]}
    assert {slug for slug, name in mentions if name.removesuffix(".git") in names} <= {SLUG}


def test_what_is_shown_links_to_it() -> None:
    badge = f"https://colab.research.google.com/github/{SLUG}/blob/main/template.ipynb"
    assert badge in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"{URL}#install" in (ROOT / "template.ipynb").read_text(encoding="utf-8")


def test_the_version_to_install_is_the_current_or_the_last_one() -> None:
    stated = set(
        re.findall(
            r"(?:bootstrap@v|bootstrap-|download/v)([\d.]+\d)", (ROOT / "docs/install.md").read_text(encoding="utf-8")
        )
    )
    assert len(stated) == 1
    assert stated == {__version__} or "dev" in __version__


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.dependabot", ".github/dependabot.yml"),
        ("vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        *(
            ("vendor.github-issue-forms", f".github/ISSUE_TEMPLATE/{path.name}")
            for path in sorted(ROOT.glob(".github/ISSUE_TEMPLATE/*.yml"))
            if path.name != "config.yml"
        ),
    ],
)
def test_githubs_schema_holds(schema: str, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        check_jsonschema.main(["--builtin-schema", schema, str(ROOT / path)])
    assert leaving.value.code == 0, capsys.readouterr().out


def test_a_report_of_a_fault_brings_the_status() -> None:
    fields = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/fault.yml").read_text(encoding="utf-8"))["body"]
    asked = next(field for field in fields if field.get("id") == "status")
    assert "bootstrap status --json" in asked["attributes"]["label"]
    assert asked["validations"]["required"]


@pytest.mark.parametrize(
    ("message", "fits"),
    [("x" * 72, True), ("x" * 73, False), ("x\n\n" + "y" * 100, True), ("x" * 73 + "\n\ny", False)],
)
def test_a_commits_subject_has_at_most_72_characters(message: str, fits: bool) -> None:
    """As pre-commit's pygrep does it: what the pattern finds is refused."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    hook = next(hook for hook in hooks if hook["id"] == "commit-subject")
    assert (hook["language"], hook["stages"], hook["args"]) == ("pygrep", ["commit-msg"], ["--multiline"])
    assert (re.search(hook["entry"], message, re.MULTILINE) is None) is fits


def modules() -> set[str]:
    return {str(path.relative_to(ROOT)) for path in PACKAGE.rglob("*.py")}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_page_names_are_there(page: Path) -> None:
    """Whatever has the form of a path of this repository; not in the changelog, which tells of the past."""
    if page.name == "CHANGELOG.md":
        return
    named = re.findall(
        r"(?<![\w/.-])((?:bootstrap|tests|docs|benchmarks|demo)/[\w./-]*\w)", page.read_text(encoding="utf-8")
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", [ROOT / "docs/architecture.md", *DECISIONS], ids=lambda path: path.stem)
def test_modules_that_a_page_names_are_there(page: Path) -> None:
    known = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in modules()}
    named = set(re.findall(r"`(bootstrap(?:\.\w+)+)`", page.read_text(encoding="utf-8")))
    assert named
    assert named <= known


def test_the_map_has_every_top_level_module_at_its_level() -> None:
    tops = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in PACKAGE.rglob("*.py")}
    rows = dict(re.findall(r"^\| `bootstrap\.(\w+)` \| (-?\d+) \|", ARCHITECTURE, re.MULTILINE))
    assert rows == {name: str(LEVELS[name]) for name in tops - {"__init__"}}, "the table of docs/architecture.md"


def test_the_map_has_every_program() -> None:
    """A module that runs as a program of its own is a process, and has a row among the processes."""
    programs = [
        name for name in modules() if '\nif __name__ == "__main__":' in (ROOT / name).read_text(encoding="utf-8")
    ]
    assert len(programs) > 5
    processes = ARCHITECTURE.partition("## Processes")[2].partition("\n## ")[0]
    lacking = [name for name in programs if f"`{name.removesuffix('.py').replace('/', '.')}`" not in processes]
    assert lacking == [], "docs/architecture.md lacks a row in the table of processes"


def test_what_a_release_carries() -> None:
    """The workflow publishes only from the repository that pyproject.toml names, by trust and with attestations."""
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))["jobs"]
    build = "\n".join(step.get("run", "") for step in jobs["build"]["steps"])
    for name in ("conda-lock.yml", "conda-lock-cuda.yml", "template.ipynb"):
        assert name in build
    pypi = next(step for step in jobs["pypi"]["steps"] if "pypi-publish" in step.get("uses", ""))
    assert "password" not in pypi["with"]
    assert pypi["with"]["attestations"]
    assert jobs["pypi"]["permissions"] == {"id-token": "write"}
    assert jobs["pypi"]["needs"] == jobs["github"]["needs"] == "build", "a wheel's URL doesn't wait for PyPI"


@pytest.mark.parametrize(
    ("step", "variable", "value", "fits"),
    [
        ("The tag is the version", "GITHUB_REF_NAME", f"v{__version__}", True),
        ("The tag is the version", "GITHUB_REF_NAME", "v9.9", False),
        ("The repository is the one that the documentation names", "GITHUB_REPOSITORY", SLUG, True),
        ("The repository is the one that the documentation names", "GITHUB_REPOSITORY", "fork/condacolab", False),
    ],
)
def test_a_release_is_refused_that_does_not_fit(step: str, variable: str, value: str, fits: bool) -> None:
    steps = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))["jobs"]["build"][
        "steps"
    ]
    script = next(each["run"] for each in steps if each.get("name") == step)
    environment = {"PATH": os.environ["PATH"], variable: value}
    done = subprocess.run(["bash", "-e", "-c", script], cwd=ROOT, env=environment, capture_output=True, check=False)
    assert (done.returncode == 0) is fits
