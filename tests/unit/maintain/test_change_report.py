from __future__ import annotations

import pytest

from bootstrap.lock.diff import Difference, compare
from bootstrap.maintain.change_report import add_to_changelog, summary, to_card, to_changelog, to_markdown
from bootstrap.maintain.solver import version_key
from tests.support.records import lock, record

OLD = lock(record("numpy", "2.0.2", size=8_000_000), record("tqdm", "4.66"), record("colorama"), record("zlib"))
NEW = lock(
    record("numpy", "2.3.4", size=9_500_000),
    record("tqdm", "4.66", "h1_1"),
    record("rich", "14.0"),
    record("zlib", "1.1"),
)


def differ(old, new) -> Difference:
    return compare(old, new, platform="linux-64", explicit=("tqdm", "numpy", "rich"), version_key=version_key)


def test_the_table() -> None:
    title, _, head, *rows = str(to_card(differ(OLD, NEW), title="conda-lock.yml")).splitlines()
    assert title == f"conda-lock.yml: {summary(differ(OLD, NEW))}"
    assert head.split() == ["package", "change", "from", "to", "MB"]
    assert [row.split()[0] for row in rows] == ["numpy", "tqdm", "rich", "colorama", "zlib"]
    assert "upgraded (minor)" in rows[0]
    assert "+1.5" in rows[0]
    assert "4.66 h0_0" in rows[1]


def test_the_summary() -> None:
    assert summary(differ(OLD, NEW)) == "2 upgraded, 1 added, 1 removed, 1 rebuilt; 4 packages, 8.0 MB to 9.5 MB"
    assert summary(differ(OLD, OLD)) == "unchanged; 4 packages, 8.0 MB, as before"
    unsized = lock(*OLD.records, record("x", size=None))
    assert summary(differ(OLD, unsized)) == "1 added; 4 to 5 packages, 8.0 MB to 8.0 MB without 1 of unknown size"


def test_markdown_folds_away_what_is_not_named() -> None:
    text = to_markdown(differ(OLD, NEW), title="conda-lock.yml")
    shown, folded = text.split("<details>")
    assert "| numpy | upgraded (minor) | 2.0.2 | 2.3.4 | +1.5 |" in shown
    assert "| rich | added |  | 14.0 | 0 |" in shown
    assert "zlib" not in shown
    assert "<summary>2 other packages</summary>" in folded
    assert "| colorama | removed | 1.0 |  | 0 |" in folded


def test_markdown_without_changes() -> None:
    assert to_markdown(differ(OLD, OLD), title="t") == "### t\n\nunchanged; 4 packages, 8.0 MB, as before\n"


def test_the_changelog_entry() -> None:
    assert to_changelog(differ(OLD, NEW), title="`conda-lock.yml`") == (
        "- `conda-lock.yml`: numpy 2.0.2 to 2.3.4, tqdm 4.66 h0_0 to 4.66 h1_1, rich 14.0 (added); 2 more packages"
        " (4 packages, 8.0 MB to 9.5 MB).\n"
    )
    assert to_changelog(differ(OLD, OLD), title="t") == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "## [Unreleased]\n\n### Changed\n\n- x\n"),
        ("# Changelog\n", "# Changelog\n\n## [Unreleased]\n\n### Changed\n\n- x\n"),
        (
            "# Changelog\n\n## [Unreleased]\n\n### Changed\n\n- old\n\n## [1.0]\n",
            "# Changelog\n\n## [Unreleased]\n\n### Changed\n\n- x\n- old\n\n## [1.0]\n",
        ),
        (
            "## Unreleased\n\n### Added\n\n- new\n\n## [1.0]\n\n### Changed\n\n- then\n",
            "## Unreleased\n\n### Added\n\n- new\n\n### Changed\n\n- x\n\n## [1.0]\n\n### Changed\n\n- then\n",
        ),
        ("# Changelog\n\n## [1.0]\n", "# Changelog\n\n## [Unreleased]\n\n### Changed\n\n- x\n\n## [1.0]\n"),
        ("# C\n\n## [Unreleased]\n", "# C\n\n## [Unreleased]\n\n### Changed\n\n- x\n"),
    ],
)
def test_an_entry_finds_its_place(before: str, after: str) -> None:
    assert add_to_changelog(before, "- x\n") == after


def test_no_entry_changes_nothing() -> None:
    assert add_to_changelog("# C\n", "") == "# C\n"
