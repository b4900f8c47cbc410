"""The committed locks, against the tools that read them and the repodata that they were solved from."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from bootstrap.lock.policy import validate
from bootstrap.lock.reader import read_lock
from bootstrap.maintain._child_conda import BRIEF_VARIABLE, SolveBrief
from bootstrap.maintain.condalock import write_front
from bootstrap.maintain.specification import read_specification
from bootstrap.maintain.variant import VARIANTS, LockVariant
from tests.support import ROOT

PLATFORM = "linux-64"
CONDA_FORGE = "https://conda.anaconda.org/conda-forge/"
REPODATA = os.environ.get("BOOTSTRAP_REPODATA", "")
"""A folder with SUBDIR/repodata.json of conda-forge, at least of what is locked."""

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)


@each_variant
def test_conda_locks_own_parser_reads_it(variant: LockVariant) -> None:
    lockfile = pytest.importorskip("conda_lock.lockfile")
    parsed = lockfile.parse_conda_lock_file(ROOT / variant.lock_name)
    ours = {r.name: (r.version, r.url, r.md5, r.sha256) for r in read_lock(ROOT / variant.lock_name).records}
    assert {p.name: (p.version, p.url, p.hash.md5, p.hash.sha256) for p in parsed.package} == ours


@each_variant
def test_rattlers_own_reader_agrees(variant: LockVariant) -> None:
    from rattler.lock.lock_file import LockFile

    path = ROOT / variant.lock_name
    environment = LockFile.from_path(path).default_environment()
    assert environment is not None
    (platform,) = environment.platforms()
    read = {str(p.location) for p in environment.packages(platform) or ()}
    assert read == {r.url for r in read_lock(path).records}


@each_variant
def test_every_dependency_is_in_it(variant: LockVariant) -> None:
    records = validate(read_lock(ROOT / variant.lock_name), PLATFORM)
    by_name = {r.name: r for r in records}
    reached, waiting = set(), list(read_specification(ROOT / "environment.yml").names)
    while waiting:
        name = waiting.pop()
        if name not in reached and not name.startswith("__"):
            reached.add(name)
            waiting += by_name[name].depends
    assert reached == set(by_name), "nothing is missing, and nothing is there for no reason"


@each_variant
def test_it_names_conda_forge_alone_and_no_place_of_a_machine(variant: LockVariant) -> None:
    text = (ROOT / variant.lock_name).read_text()
    lock = read_lock(ROOT / variant.lock_name)
    assert all(r.url.startswith(CONDA_FORGE) for r in lock.records)
    assert "file://" not in text
    assert lock.sources == ("environment.yml",)
    assert set(yaml.safe_load(text)["metadata"]) == {"content_hash", "channels", "platforms", "sources"}


def test_both_variants_have_the_same_versions_of_what_is_named() -> None:
    cpu, cuda = ({r.name: r.version for r in read_lock(ROOT / v.lock_name).records} for v in VARIANTS)
    names = read_specification(ROOT / "environment.yml").names
    assert {n: cpu[n] for n in names} == {n: cuda[n] for n in names}


def virtual_packages(folder: Path, variant: LockVariant) -> str:
    """The variant's virtual packages as the channel that conda-lock would write."""
    content = yaml.safe_load((ROOT / variant.virtual_packages_name).read_text())
    entries = {}
    for name, text in content["subdirs"][PLATFORM]["packages"].items():
        version, _, build = text.partition(" ")
        entries[name] = {"name": name, "version": version, "build": build or "0", "package_type": "virtual_system"}
    (folder / PLATFORM).mkdir(parents=True)
    (folder / PLATFORM / "repodata.json").write_text(json.dumps({"packages": entries}))
    return f"file://{folder}"


def solved(tmp_path: Path, variant: LockVariant, repodata: Path) -> dict[str, tuple[str, str]]:
    """File name and sha256 by package, as the front solves environment.yml from a folder of repodata."""
    brief = tmp_path / "brief.json"
    SolveBrief(answer=str(tmp_path / "answer.json"), cache=str(tmp_path / "cache"), repodata=str(repodata)).write(
        brief
    )
    channels = ["conda-forge", virtual_packages(tmp_path / "machine", variant)]
    specs = map(str, read_specification(ROOT / "environment.yml").requirements)
    done = subprocess.run(
        [
            write_front(tmp_path / "front"),
            *("create", "--prefix", "none", "--dry-run", "--json"),
            *(part for channel in channels for part in ("--channel", channel)),
            *specs,
        ],
        env={**os.environ, "CONDA_SUBDIR": PLATFORM, BRIEF_VARIABLE: str(brief)},
        capture_output=True,
        text=True,
        check=True,
    )
    return {r["name"]: (r["url"], r["sha256"]) for r in json.loads(done.stdout)["actions"]["FETCH"]}


@each_variant
def test_solving_from_the_locked_records_gives_them_back(tmp_path: Path, variant: LockVariant) -> None:
    records = read_lock(ROOT / variant.lock_name).records
    for subdir in (PLATFORM, "noarch"):
        entries = {
            r.filename: {
                "name": r.name,
                "version": r.version,
                "build": r.build,
                "build_number": 0,
                "depends": [f"{n} {s}".strip() for n, s in r.depends.items()],
                "subdir": subdir,
                "md5": r.md5,
                "sha256": r.sha256,
            }
            for r in records
            if r.subdir == subdir
        }
        conda = {fn: e for fn, e in entries.items() if fn.endswith(".conda")}
        (tmp_path / "repodata" / subdir).mkdir(parents=True)
        (tmp_path / "repodata" / subdir / "repodata.json").write_text(
            json.dumps(
                {
                    "info": {"subdir": subdir},
                    "packages": {fn: e for fn, e in entries.items() if fn not in conda},
                    "packages.conda": conda,
                    "repodata_version": 1,
                }
            )
        )
    assert solved(tmp_path, variant, tmp_path / "repodata") == {r.name: (r.url, r.sha256) for r in records}


@pytest.fixture(scope="module")
def conda_forge() -> dict[str, dict[str, object]]:
    """conda-forge's records by URL, from the folder that BOOTSTRAP_REPODATA names."""
    found = {}
    for subdir in (PLATFORM, "noarch"):
        repodata = json.loads((Path(REPODATA) / subdir / "repodata.json").read_text())
        for kind in ("packages", "packages.conda"):
            found |= {f"{CONDA_FORGE}{subdir}/{fn}": record for fn, record in repodata[kind].items()}
    return found


needs_repodata = pytest.mark.skipif(not REPODATA, reason="BOOTSTRAP_REPODATA names no folder of repodata")


@needs_repodata
@each_variant
def test_every_record_is_conda_forges(variant: LockVariant, conda_forge: dict[str, dict[str, object]]) -> None:
    for record in read_lock(ROOT / variant.lock_name).records:
        theirs = conda_forge[record.url]
        assert (record.name, record.version, record.build, record.md5, record.sha256, record.size) == (
            *(theirs[key] for key in ("name", "version", "build", "md5", "sha256")),
            theirs.get("size"),
        )


@needs_repodata
@each_variant
def test_solving_again_gives_the_committed_lock(tmp_path: Path, variant: LockVariant) -> None:
    committed = {r.name: (r.url, r.sha256) for r in read_lock(ROOT / variant.lock_name).records}
    assert solved(tmp_path, variant, Path(REPODATA).absolute()) == committed
