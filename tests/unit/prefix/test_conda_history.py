"""conda's history of a prefix, as a restore goes on with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bootstrap.prefix.conda_history import add_revision
from tests.support.records import record

if TYPE_CHECKING:
    from pathlib import Path

NUMPY, TOOL = record("numpy", "2.0", subdir="linux-64"), record("tool")
BY_CONDA = """\
==> 2026-11-27 20:17:39 <==
# cmd: conda create -p /opt/env numpy=2 tool
# conda version: 26.7.2
+conda-forge/linux-64::numpy-2.0-h0_0
+conda-forge/noarch::tool-1.0-h0_0
# update specs: ['numpy=2', 'tool']
==> 2026-11-27 20:17:42 <==
# cmd: conda remove tool
-conda-forge/noarch::tool-1.0-h0_0
# remove specs: ['tool']
"""


def revision(meta: Path, *records, **specs: str) -> list[str]:
    """The lines that a restore of these records adds, without the time."""
    history = meta / "history"
    before = history.read_text() if history.exists() else ""
    add_revision(meta, records, specs, command="bootstrap restore")
    after = history.read_text() if history.exists() else ""
    assert after.startswith(before)
    if after == before:
        return []
    head, *lines = after.removeprefix(before).lstrip("\n").splitlines()
    assert re.fullmatch(r"==> \d{4}-\d\d-\d\d \d\d:\d\d:\d\d <==", head)
    return lines


def test_the_first_revision_has_all_packages_and_what_was_asked_for(tmp_path: Path) -> None:
    assert revision(tmp_path, TOOL, NUMPY, numpy="numpy >=2.0,<3") == [
        "# cmd: bootstrap restore",
        "+conda-forge/linux-64::numpy-2.0-h0_0",
        "+conda-forge/noarch::tool-1.0-h0_0",
        "# update specs: ['numpy >=2.0,<3']",
    ]
    assert revision(tmp_path, TOOL, NUMPY, numpy="numpy >=2.0,<3") == [], "nothing is new"


def test_a_further_one_has_the_difference(tmp_path: Path) -> None:
    (tmp_path / "history").write_text(BY_CONDA)
    newer = record("numpy", "2.1", subdir="linux-64", url="file:///srv/channel/linux-64/numpy-2.1-h0_0.conda")
    assert revision(tmp_path, newer, TOOL, tool="tool") == [
        "# cmd: bootstrap restore",
        "-conda-forge/linux-64::numpy-2.0-h0_0",
        "+conda-forge/noarch::tool-1.0-h0_0",
        "+file:///srv/channel/linux-64::numpy-2.1-h0_0",
        "# remove specs: ['numpy']",
        "# update specs: ['tool']",
    ]


def test_what_conda_was_asked_for_by_url_is_read(tmp_path: Path) -> None:
    (tmp_path / "history").write_text(f"{BY_CONDA}# update specs: ['http://h:1/c/noarch::tool==1.0=h0_0']")
    assert revision(tmp_path, NUMPY, numpy="numpy=2") == [
        "# cmd: bootstrap restore",
        "# remove specs: ['tool']",
    ]


@pytest.mark.parametrize("text", ["", "\udcff", "# update specs: [", "# update specs: [1]\n+\n-", "a >=1,b"])
def test_what_is_no_history_is_gone_on_with(tmp_path: Path, text: str) -> None:
    (tmp_path / "history").write_text(text, errors="surrogateescape")
    add_revision(tmp_path, [NUMPY], {"numpy": "numpy"}, command="bootstrap restore")
    lines = (tmp_path / "history").read_text(errors="replace").splitlines()
    assert {"+conda-forge/linux-64::numpy-2.0-h0_0", "# update specs: ['numpy']"} <= set(lines)
