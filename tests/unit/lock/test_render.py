from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap.errors import MissingHashError, PlatformNotLockedError
from bootstrap.lock.model import Record
from bootstrap.lock.reader import read_lock
from bootstrap.lock.render import explicit, sorted_by_dependency
from tests.support import ROOT, records
from tests.support.records import lock


def record(name: str, *depends: str, md5: str | None = "a" * 32) -> Record:
    return records.record(name, sha256="b" * 64, md5=md5, depends=dict.fromkeys(depends, ""))


SMALL = lock(record("numpy", "python"), record("python"))


def test_an_explicit_file_with_sha256() -> None:
    assert explicit(SMALL, "linux-64").splitlines() == [
        "# conda-lock.yml, written by `bootstrap render`; the hash after each URL is sha256.",
        "# platform: linux-64",
        "# input_hash: cafe",
        "@EXPLICIT",
        f"https://conda.anaconda.org/conda-forge/noarch/python-1.0-h0_0.conda#{'b' * 64}",
        f"https://conda.anaconda.org/conda-forge/noarch/numpy-1.0-h0_0.conda#{'b' * 64}",
    ]


def test_an_explicit_file_with_md5() -> None:
    lines = explicit(SMALL, "linux-64", digest="md5").splitlines()
    assert [line.partition("#")[2] for line in lines[4:]] == ["a" * 32, "a" * 32]


def test_no_file_with_a_hash_missing() -> None:
    with pytest.raises(MissingHashError) as caught:
        explicit(lock(record("python"), record("numpy", md5=None)), "linux-64", digest="md5")
    assert "numpy" in "\n".join(caught.value.evidence)


def test_no_file_for_another_platform() -> None:
    with pytest.raises(PlatformNotLockedError):
        explicit(SMALL, "osx-arm64")


def test_a_package_follows_what_it_depends_on() -> None:
    chain = [record("a", "b"), record("b", "c", "__glibc"), record("c"), record("d", "a")]
    assert [r.name for r in sorted_by_dependency(chain)] == ["c", "b", "a", "d"]


def test_a_cycle_ends() -> None:
    cycle = [record("python", "pip"), record("pip", "python", "z"), record("z")]
    assert sorted(r.name for r in sorted_by_dependency(cycle)) == ["pip", "python", "z"]


def test_a_long_chain_is_no_recursion() -> None:
    chain = [record(f"p{n:05}", f"p{n + 1:05}") for n in range(3000)] + [record("p03000")]
    assert [r.name for r in sorted_by_dependency(chain)][:2] == ["p03000", "p02999"]


def test_the_order_does_not_depend_on_the_locks() -> None:
    records = [record("c", "a"), record("b"), record("a", "b")]
    assert sorted_by_dependency(records) == sorted_by_dependency(records[::-1])


@pytest.mark.parametrize("name", ["conda-lock.yml", "conda-lock-cuda.yml"])
@pytest.mark.parametrize("digest", ["sha256", "md5"])
def test_rattler_reads_the_explicit_file_of_the_committed_locks(tmp_path: Path, name: str, digest: str) -> None:
    from rattler.explicit_environment.environment import ExplicitEnvironmentSpec

    path = tmp_path / "explicit.txt"
    committed = read_lock(ROOT / name)
    path.write_text(explicit(committed, "linux-64", digest=digest))
    read = ExplicitEnvironmentSpec.from_path(path)
    urls = {str(entry.url).partition("#")[0] for entry in read.packages}
    assert urls == {r.url for r in committed.records}
