"""The smallest part that shows an effect, and the largest that doesn't: compared with trying everything."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from bootstrap.diagnosis.ddmin import largest, smallest


def effect(cores: list[set[int]]):
    return lambda some: any(core <= set(some) for core in cores)


@pytest.mark.parametrize("seed", range(60))
def test_against_trying_everything(seed: int) -> None:
    chance = random.Random(seed)
    items = list(range(chance.randint(1, 9)))
    cores = [set(chance.sample(items, min(len(items), chance.randint(1, 3)))) for _ in range(chance.randint(1, 4))]
    shows = effect(cores)
    small = smallest(items, shows)
    assert shows(small)
    assert not any(shows(tuple(x for x in small if x != y)) for y in small), "no element can be left out"
    kept, found = largest(items, shows)
    assert not shows(kept)
    assert all(shows(core) for core in found)
    best = max(n for n in range(len(items) + 1) for some in combinations(items, n) if not shows(some))
    assert len(kept) == best


def test_nothing_to_leave_out() -> None:
    assert largest([1, 2, 3], lambda _: False) == ((1, 2, 3), [])


def test_it_asks_seldom() -> None:
    asked = []
    smallest(range(64), lambda some: asked.append(some) or {3, 60} <= set(some))
    assert len(asked) < 100
