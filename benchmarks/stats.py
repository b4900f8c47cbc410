"""The harness's arithmetic: orders, medians, ratios, goals."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.measure import Cost

T = TypeVar("T")
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Sample:
    """One measured run."""

    round: int
    medium: str
    contender: str
    scenario: str
    cost: Cost

    @property
    def key(self) -> tuple[str, str]:
        """What was run: contender and scenario."""
        return self.contender, self.scenario


@dataclass(frozen=True)
class Summary:
    """The medians of one scenario's rounds on one medium."""

    rounds: int
    wall: float
    wall_min: float
    wall_max: float
    cpu: float
    peak: float
    """Bytes: the median of the rounds' peaks."""
    peak_max: float
    """Bytes: the highest peak of any round."""
    files: float
    bytes: float
    ratio: float | None
    """Median wall over the floor's median wall on the same medium; None where no floor was run."""


@dataclass(frozen=True)
class Goal:
    """One promise, and what came of it."""

    text: str
    medium: str
    value: float
    limit: float
    unit: str

    @property
    def met(self) -> bool:
        """Whether the value stays within the limit."""
        return self.value <= self.limit


def rotated(items: Sequence[T], by: int) -> list[T]:
    """The same items, starting ``by`` places later: nobody always runs first, or after the same one."""
    if not items:
        return []
    by %= len(items)
    return [*items[by:], *items[:by]]


def schedule(rounds: int, media: Sequence[str], contenders: Sequence[T]) -> list[tuple[int, str, T]]:
    """Every run in its order: each round takes each medium, each medium every contender, rotated.

    From one round to the next the order of the contenders moves by one place and that of the media turns.
    """
    return [
        (number, medium, contender)
        for number in range(rounds)
        for medium in rotated(media, number)
        for contender in rotated(contenders, number)
    ]


def summarise(samples: Iterable[Sample], *, floor: tuple[str, str]) -> dict[str, dict[tuple[str, str], Summary]]:
    """Medians by medium and by what was run, each with its ratio to the floor of its medium."""
    costs: dict[str, dict[tuple[str, str], list[Cost]]] = {}
    for sample in samples:
        costs.setdefault(sample.medium, {}).setdefault(sample.key, []).append(sample.cost)
    return {
        medium: {key: _summary(runs, groups.get(floor)) for key, runs in groups.items()}
        for medium, groups in costs.items()
    }


def _summary(runs: Sequence[Cost], floor: Sequence[Cost] | None) -> Summary:
    walls = [run.wall for run in runs]
    return Summary(
        rounds=len(runs),
        wall=median(walls),
        wall_min=min(walls),
        wall_max=max(walls),
        cpu=median(run.cpu for run in runs),
        peak=median(run.peak for run in runs),
        peak_max=max(run.peak for run in runs),
        files=median(run.files for run in runs),
        bytes=median(run.bytes for run in runs),
        ratio=median(walls) / median(run.wall for run in floor) if floor else None,
    )


def judge(medium: str, runs: Mapping[tuple[str, str], Summary], *, ours: str = "ours") -> list[Goal]:
    """The goals that this medium's runs can speak of."""
    cold, warm, agreeing = (runs.get((ours, scenario)) for scenario in ("cold", "warm", "agreeing"))
    uv = runs.get(("uv", "cold"))
    goals = []
    if cold and cold.ratio is not None:
        goals.append(Goal("cold, over the floor", medium, cold.ratio, 1.25, "x"))
    if cold and uv:
        goals.append(Goal("cold, over uv's cold", medium, cold.wall / uv.wall, 1.0, "x"))
    if cold and warm:
        goals.append(Goal("warm, over cold", medium, warm.wall / cold.wall, 0.3, "x"))
    packed = runs.get(("pack", "cold"))
    if packed and cold:
        goals.append(Goal("pack, over cold", medium, packed.wall / cold.wall, 0.7, "x"))
    if agreeing:
        goals.append(Goal("agreeing prefix", medium, agreeing.wall, 1.0, "s"))
    own = [summary.peak_max for key, summary in runs.items() if key[0] == ours]
    if own:
        goals.append(Goal("peak memory", medium, max(own) / MEGABYTE, 500, "MB"))
    return goals
