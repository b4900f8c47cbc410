"""The harness's arithmetic."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.measure import Cost
from benchmarks.stats import Goal, Sample, judge, rotated, schedule, summarise

FLOOR = ("floor", "extract")


def cost(wall: float, *, cpu: float = 1.0, peak: int = 0, files: int = 0, size: int = 0) -> Cost:
    return Cost(wall=wall, cpu=cpu, peak=peak, largest_rss=0, files=files, bytes=size)


def runs(contender: str, scenario: str, *walls: float, medium: str = "disk", peak: int = 0) -> list[Sample]:
    return [Sample(i, medium, contender, scenario, cost(wall, peak=peak)) for i, wall in enumerate(walls)]


@pytest.mark.parametrize(("by", "expected"), [(0, "abc"), (1, "bca"), (2, "cab"), (3, "abc"), (7, "bca")])
def test_rotated(by: int, expected: str) -> None:
    assert rotated("abc", by) == list(expected)


def test_rotated_nothing() -> None:
    assert rotated([], 3) == []


def test_schedule_runs_everyone_once_a_round_on_each_medium() -> None:
    planned = schedule(4, ["disk", "tmpfs"], ["a", "b", "c"])
    assert set(Counter(planned).values()) == {1}
    assert len(planned) == 4 * 2 * 3
    assert [number for number, _, _ in planned] == sorted(number for number, _, _ in planned)


def test_schedule_rotates_who_comes_first() -> None:
    planned = schedule(3, ["disk"], ["a", "b", "c"])
    assert "".join(contender for _, _, contender in planned) == "abcbcacab"


def test_schedule_turns_the_media() -> None:
    planned = schedule(2, ["disk", "tmpfs"], ["a"])
    assert [medium for _, medium, _ in planned] == ["disk", "tmpfs", "tmpfs", "disk"]


def test_summary_is_of_medians_and_ratio_is_to_the_floor_of_the_same_medium() -> None:
    samples = [
        *runs("floor", "extract", 2.0, 100.0, 4.0),
        *runs("ours", "cold", 5.0, 6.0, 1.0),
        *runs("floor", "extract", 1.0, medium="tmpfs"),
        *runs("ours", "cold", 3.0, medium="tmpfs"),
    ]
    summaries = summarise(samples, floor=FLOOR)
    cold = summaries["disk"]["ours", "cold"]
    assert (cold.wall, cold.wall_min, cold.wall_max, cold.rounds) == (5.0, 1.0, 6.0, 3)
    assert cold.ratio == pytest.approx(5.0 / 4.0)
    assert summaries["disk"][FLOOR].ratio == 1.0
    assert summaries["tmpfs"]["ours", "cold"].ratio == 3.0


def test_summary_of_an_even_number_of_rounds_takes_the_middle() -> None:
    summaries = summarise(runs("floor", "extract", 1.0, 2.0, 4.0, 9.0), floor=FLOOR)
    assert summaries["disk"][FLOOR].wall == 3.0


def test_no_floor_no_ratio() -> None:
    assert summarise(runs("ours", "cold", 1.0), floor=FLOOR)["disk"]["ours", "cold"].ratio is None


def test_peak_keeps_the_highest_beside_the_median() -> None:
    samples = [Sample(i, "disk", "ours", "cold", cost(1.0, peak=peak)) for i, peak in enumerate((10, 30, 20))]
    summary = summarise(samples, floor=FLOOR)["disk"]["ours", "cold"]
    assert (summary.peak, summary.peak_max) == (20, 30)


def goals_of(cold: float, warm: float, agreeing: float, *, uv: float, peak: int) -> dict[str, Goal]:
    samples = [
        *runs("floor", "extract", 4.0),
        *runs("ours", "cold", cold, peak=peak),
        *runs("ours", "warm", warm),
        *runs("ours", "agreeing", agreeing),
        *runs("uv", "cold", uv),
    ]
    return {goal.text: goal for goal in judge("disk", summarise(samples, floor=FLOOR)["disk"])}


def test_goals_at_their_limits_are_met() -> None:
    goals = goals_of(5.0, 1.5, 1.0, uv=5.0, peak=500_000_000)
    assert len(goals) == 5
    assert all(goal.met for goal in goals.values())


def test_goals_beyond_their_limits_are_not_met() -> None:
    goals = goals_of(5.1, 1.6, 1.1, uv=5.0, peak=501_000_000)
    assert len(goals) == 5
    assert not any(goal.met for goal in goals.values())


def test_only_goals_that_were_measured_are_judged() -> None:
    summaries = summarise(runs("ours", "agreeing", 0.5), floor=FLOOR)
    assert [goal.text for goal in judge("disk", summaries["disk"])] == ["agreeing prefix", "peak memory"]
