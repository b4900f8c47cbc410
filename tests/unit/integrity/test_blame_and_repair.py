"""Since when, by whom, and what is done about it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bootstrap.errors import RepairFailedError, RepairLockMissingError
from bootstrap.integrity import Cause, Report, blame
from bootstrap.integrity.card import to_html
from bootstrap.integrity.model import Action
from bootstrap.integrity.repair import ASIDE, plan, repair

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.integrity.conftest import Environment


def test_how_long_ago() -> None:
    assert blame.ago(5) == "less than a minute ago"
    assert blame.ago(61) == "1 minute ago"
    assert blame.ago(4 * 60 + 5) == "4 minutes ago"
    assert blame.ago(7300) == "2 hours ago"
    assert blame.ago(3 * 86400) == "3 days ago"


def test_a_damaged_file_has_a_time(env: Environment) -> None:
    env.append("numpy/_core/numeric.py", "# altered")
    (cause,) = env.check().causes
    since = datetime.fromisoformat(cause.since)
    assert abs(datetime.now().astimezone() - since) < timedelta(minutes=5)
    assert cause.by == ""
    assert any(line.startswith("since ") for line in cause.evidence)


def test_who_installed_it(env: Environment, wheel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    info = "numpy-2.1.3.dist-info"
    env.unzip(wheel("numpy==2.1.3"))
    env.write(f"{info}/INSTALLER", "pip\n")
    env.write(f"{info}/direct_url.json", json.dumps({"url": "https://example.invalid/numpy.whl"}))
    env.write("captum-0.8.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: captum\nVersion: 0.8.0\n")
    env.write("captum-0.8.0.dist-info/INSTALLER", "pip\n")
    env.write("captum-0.8.0.dist-info/REQUESTED", "")
    monkeypatch.setattr(blame, "_TOGETHER_S", 2.0)  # the environment's copy was made but a moment ago
    time.sleep(2.5)
    for name in ("INSTALLER", "METADATA"):
        env.edit(f"{info}/{name}", lambda data: data)
        env.edit(f"captum-0.8.0.dist-info/{name}", lambda data: data)
    found = {cause.id: cause for cause in env.check().causes}
    cause = found["numpy-two-dist-infos"]
    assert cause.by.startswith("pip")
    assert "captum 0.8.0 (asked for by name)" in " ".join(cause.evidence)


def cause(severity: str, *actions: Action) -> Cause:
    return Cause(f"c-{severity}", severity, "It is so.", repair="Do.", actions=actions)  # type: ignore[arg-type]


def report(prefix: Path, *causes: Cause, **options: Any) -> Report:
    return replace(Report(str(prefix / "bin/python"), str(prefix), "2.0", causes, (), 0.1, 3), **options)


def test_the_plan_has_an_order_and_no_repetition(tmp_path: Path) -> None:
    pip, restore = Action("pip", ("python", "-m", "pip")), Action("restore", ("/p",))
    aside, restart = Action("set-aside", ("/p/f",)), Action("restart")
    found = plan(report(tmp_path, cause("broken", restore, pip, restart), cause("doubtful", aside, restore)))
    assert found == [aside, restore, pip]
    assert "put the lock's files back" in [str(action) for action in found]


def test_nothing_to_do_is_no_check(tmp_path: Path) -> None:
    one = report(tmp_path, cause("note"))
    assert repair(one) is one


def test_a_restore_without_a_lock(tmp_path: Path) -> None:
    with pytest.raises(RepairLockMissingError) as caught:
        repair(report(tmp_path, cause("broken", Action("restore", (str(tmp_path),)))))
    assert caught.value.exit_code == 51


@pytest.mark.parametrize("command", [("false",), ("/no/such/program",)])
def test_a_command_that_fails(tmp_path: Path, command: tuple[str, ...]) -> None:
    with pytest.raises(RepairFailedError) as caught:
        repair(report(tmp_path, cause("broken", Action("pip", command))))
    assert caught.value.evidence[0] == command[0]


def test_what_nobody_owns_is_moved_not_deleted(env: Environment) -> None:
    path = env.write("numpy/_core/left_over.py", "mine = 1\n")
    said: list[str] = []
    before = env.check()
    after = repair(before, progress=said.append)
    assert (before.ok, after.ok) == (False, True)
    assert not path.exists()
    assert (env.root / ASIDE / path.relative_to(env.root)).read_text() == "mine = 1\n"
    assert said[0] == f"set aside {path}"


def test_the_card_is_escaped_and_says_the_verdict_in_words(tmp_path: Path) -> None:
    one = Cause(
        "x", "broken", "<script>", ("a & b",) * 20, ("/f",), "numpy 2", "Run `x`.", since="2026-01-01", by="pip"
    )
    html = to_html(report(tmp_path, one))
    assert "<script>" not in html
    assert 'aria-label="numpy check: broken"' in html
    assert "evidence (20)" in html and "8 lines more" in html
    assert "2026-01-01" in html and "pip" in html
    assert to_html(report(tmp_path)).count("healthy") == 2


def test_the_report_shows_itself(tmp_path: Path) -> None:
    one = report(tmp_path, cause("doubtful"), live=True)
    assert repr(one).startswith(f"doubtful: numpy 2.0 in {tmp_path} and in this process")
    assert one._repr_html_() == to_html(one)
