"""conda's list of environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootstrap.prefix import environments_txt

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(environments_txt.REGISTER_VARIABLE, raising=False)


def test_a_prefix_is_listed_once_and_taken_out_without_a_trace(tmp_path: Path) -> None:
    for _ in range(2):
        environments_txt.register(tmp_path / "env")
    assert environments_txt.environments_txt().read_text() == f"{tmp_path}/env\n"
    assert environments_txt.unregister(tmp_path / "env")
    assert not environments_txt.unregister(tmp_path / "env")
    assert list(tmp_path.iterdir()) == []


def test_lines_of_others_stay(tmp_path: Path) -> None:
    listing = environments_txt.environments_txt()
    listing.parent.mkdir()
    listing.write_text("/opt/other")
    environments_txt.register(tmp_path / "env")
    assert listing.read_text() == f"/opt/other\n{tmp_path}/env\n"
    environments_txt.unregister(tmp_path / "env")
    assert listing.read_text() == "/opt/other\n"


def test_condas_own_switch_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environments_txt.REGISTER_VARIABLE, "False")
    environments_txt.register(tmp_path / "env")
    assert not environments_txt.environments_txt().exists()


def test_a_list_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / ".conda").write_text("a file")
    environments_txt.register(tmp_path / "env")
    assert not environments_txt.unregister(tmp_path / "env")
