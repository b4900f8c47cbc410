"""Each check passes sound models and finds the fault that a model was given."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
import torch

from bootstrap.errors import ModelSpecError
from tests.environment.inside import models
from tests.environment.inside.models import CONTEXT, VOCABULARY, subject
from workbench import (
    CheckResult,
    ModelSpec,
    Picture,
    check_gradients,
    check_memory,
    check_parameters,
    check_shapes,
    check_speed,
    check_stability,
    summary,
)
from workbench.figure import INK

if TYPE_CHECKING:
    from collections.abc import Callable

ALL = (check_shapes, check_gradients, check_stability, check_parameters, check_memory, check_speed)
SOUND = [models.Sound, models.Bigram, models.InATuple, models.AsAnAttribute]


@pytest.mark.parametrize("make", SOUND)
def test_sound_models_pass_everything(make: type[torch.nn.Module]) -> None:
    for check in ALL:
        found = check(subject(make))
        assert found.ok, (found.name, found.problems)
        assert not found.problems


@pytest.mark.parametrize(
    ("check", "make", "verdict", "words"),
    [
        (check_shapes, models.NoLogits, "broken", "returned str, not logits"),
        (check_shapes, models.FailsWhenLong, "broken", "length 16: RuntimeError: the size of tensor a (16)"),
        (check_shapes, models.WrongShape, "broken", "logits of (1, 11), expected (1, 1, 11)"),
        (check_shapes, models.NotFinite, "broken", "not finite"),
        (check_shapes, models.RowsLeak, "broken", "other logits than alone"),
        (check_gradients, models.Unused, "broken", "forgotten.weight: gets no gradient"),
        (check_gradients, models.CutOff, "doubtful", "gate.weight: its gradient is zero everywhere"),
        (check_gradients, models.Exploding, "doubtful", "explodes"),
        (check_gradients, models.NotFinite, "broken", "its gradient is not finite"),
        (check_gradients, models.Frozen, "broken", "no trainable parameter"),
        (check_stability, models.AlwaysDropping, "broken", "evaluation mode: two runs differ"),
        (check_stability, models.SeesTheFuture, "broken", "not causal"),
        (check_stability, models.Overconfident, "doubtful", "sure of wrong answers"),
        (check_stability, models.Lottery, "doubtful", "depends on the seed"),
        (check_stability, models.NotFinite, "broken", "not finite"),
        (check_parameters, models.Copies, "doubtful", "starts as a copy of body.layers.0"),
        (check_parameters, models.Zeros, "doubtful", "all its values are 0"),
        (check_parameters, models.Overconfident, "doubtful", "its standard deviation is"),
        (check_parameters, models.StartsNotFinite, "broken", "not finite"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_faults_are_found(
    check: Callable[[ModelSpec], CheckResult], make: type[torch.nn.Module], verdict: str, words: str
) -> None:
    found = check(subject(make))
    assert found.verdict == verdict
    assert any(words in problem for problem in found.problems), found.problems


def test_only_the_shapes_that_fail_are_named() -> None:
    found = check_shapes(subject(models.FailsWhenLong), batches=(1, 2), lengths=(4, 8, 16))
    assert found.title == "4 of 6 shapes work"
    assert [(row["batch"], row["length"]) for row in found.data if row["problem"]] == [(1, 16), (2, 16)]


def test_a_model_that_is_not_causal_may_be_meant_so() -> None:
    assert check_stability(subject(models.SeesTheFuture), causal=False).verdict == "ok"


def test_memory_counts_exactly() -> None:
    """A table alone: its weights, a gradient, two for Adam; kept for the way back: ids, and the softmax's output."""
    found = check_memory(subject(models.Bigram), batch=2, lengths=(8,))
    [row] = found.data
    table = VOCABULARY * VOCABULARY * 4
    assert (row["weights"], row["gradients"], row["optimizer"]) == (table, table, 2 * table)
    ids, logits = 2 * 8 * 8, 2 * 8 * VOCABULARY * 4
    assert ids + logits <= row["activations"] <= 2 * (ids + logits)
    assert row["total"] == 4 * table + row["activations"]


def test_memory_growth_is_told() -> None:
    found = check_memory(subject(models.Quadratic), lengths=(8, 16))
    growth = found.data[1]["activations"] / found.data[0]["activations"]
    assert 3 < growth < 4
    assert dict(found.facts)["growth"] == f"doubling the length multiplies them by {growth:.1f}"
    linear = check_memory(subject(models.Bigram), lengths=(8, 16))
    assert dict(linear.facts)["growth"].endswith("by 2.0")


def test_speed_gives_percentiles_in_order() -> None:
    found = check_speed(subject(models.Bigram), batch=3, lengths=(2, 16), runs=7, warm_up=1)
    for row in found.data:
        assert row["runs"] == 7
        assert 0 < row["p10"] <= row["p50"] <= row["p90"] <= row["p99"]
        assert row["tokens_per_second"] == pytest.approx(3 * row["length"] / (row["p50"] / 1e3))


def test_checks_leave_chance_and_models_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    for check in ALL:
        check(subject(models.Sound))
    assert torch.equal(torch.rand(3), expected)


def test_the_same_seed_gives_the_same_data() -> None:
    for check in (check_gradients, check_stability, check_parameters, check_memory):
        assert check(subject(models.Sound)).data == check(subject(models.Sound)).data


@pytest.mark.parametrize("check", ALL)
def test_findings_are_data_and_can_be_looked_at(check: Callable[[ModelSpec], CheckResult]) -> None:
    found = check(subject(models.Sound))
    assert json.loads(json.dumps(found.to_dict()))["name"] == found.name
    assert found.data
    bundle = found._repr_mimebundle_()
    assert bundle["text/plain"].startswith(f"{found.name}: ")
    assert isinstance(found.picture, Picture)
    root = ET.fromstring(found.picture.svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == found.picture.alt
    assert "currentColor" in found.picture.svg
    assert INK not in found.picture.svg
    # Nothing fixes the size: it shrinks with a narrow page.
    assert root.get("width") is root.get("height") is None
    assert root.get("viewBox")


def test_a_picture_can_be_saved_with_colours_of_its_own(tmp_path) -> None:  # type: ignore[no-untyped-def]
    found = check_parameters(subject(models.Sound))
    assert found.picture
    found.picture.save(tmp_path / "p.svg", ink="#123456", paper="#ffffff")
    root = ET.parse(tmp_path / "p.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "color:#123456" in str(root.get("style"))


def test_the_summary_has_the_worst_verdict() -> None:
    good, doubtful, bad = (
        check_shapes(subject(models.Sound)),
        check_parameters(subject(models.Zeros)),
        check_shapes(subject(models.NotFinite)),
    )
    assert summary(good).ok
    assert summary(good).card.verdict == "ok"
    assert summary(good, doubtful).card.verdict == "doubtful"
    both = summary(good, doubtful, bad)
    assert both.card.verdict == "broken"
    assert both.card.title == "look at: parameters, shapes"
    assert not both.ok


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"make": models.Bigram()}, "function that builds the model"),
        ({"make": "model"}, "function that builds the model"),
        ({"vocabulary": 1}, "vocabulary must be a whole number"),
        ({"context": 2.5}, "context must be a whole number"),
    ],
)
def test_subjects_that_make_no_sense(wrong: dict[str, object], words: str) -> None:
    good = {"make": models.Bigram, "vocabulary": VOCABULARY, "context": CONTEXT}
    with pytest.raises(ModelSpecError, match=words):
        ModelSpec(**{**good, **wrong})  # type: ignore[arg-type]


def test_what_else_makes_no_sense() -> None:
    with pytest.raises(ModelSpecError, match="must return a torch"):
        check_parameters(ModelSpec(lambda: "model", vocabulary=3, context=4))  # type: ignore[arg-type, return-value]
    with pytest.raises(ModelSpecError, match="between 1 and the model's context"):
        check_shapes(subject(models.Bigram), lengths=(4, CONTEXT + 1))
    with pytest.raises(ModelSpecError, match="at least two runs"):
        check_speed(subject(models.Bigram), runs=1)


def test_the_default_lengths_reach_the_context() -> None:
    assert subject(models.Bigram).lengths() == (1, 2, 4, 8, 16)
    assert ModelSpec(models.Bigram, vocabulary=3, context=5).lengths() == (1, 2, 5)


def test_a_fresh_model_knows_nothing() -> None:
    found = check_stability(subject(models.Sound))
    assert all(abs(row["loss"] - math.log(VOCABULARY)) < 0.3 for row in found.data)
