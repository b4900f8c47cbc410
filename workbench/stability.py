"""Output stability: the same from the same, different only where chance is wanted, alike over seeds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from .figure import COLOURS, INK, drawing, picture
from .result import CheckResult
from .spec import logits_of, seeded

if TYPE_CHECKING:
    from bootstrap.card import Verdict

    from .figure import Picture
    from .spec import ModelSpec

SPREAD = 0.1
"""Standard deviation of a fresh model's loss over seeds, as a share of its mean, from which it is a lottery."""
SURE = 1.5
"""How many times the loss of a uniform guess a fresh model's loss may be."""
_TOLERANCE = 1e-4


def check_stability(
    subject: ModelSpec, *, seeds: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6, 7), batch: int = 8, causal: bool = True
) -> CheckResult:
    """Compares outputs of fresh models: over runs, modes (evaluation, training) and seeds.

    Args:
        subject: The model.
        seeds: For weights; the input stays the same.
        batch: Batch size; the length is the context's.
        causal: Also require that a later token never changes an earlier one's logits.
    """
    ids = subject.tokens(batch, subject.context)
    model = subject.model()
    broken, facts = _modes(model, ids, causal=causal)
    data = [_of_seed(subject, ids, seed) for seed in seeds]
    losses = torch.tensor([row["loss"] for row in data])
    mean, spread = losses.mean().item(), losses.std().item() if len(data) > 1 else 0.0
    uniform = math.log(subject.vocabulary)
    doubtful = []
    if not math.isfinite(mean):
        broken.append("the loss of a fresh model is not finite")
    else:
        if spread > SPREAD * mean:
            doubtful.append(f"the loss of a fresh model depends on the seed: {mean:.3f} plus or minus {spread:.3f}")
        if mean > SURE * uniform:
            doubtful.append(f"a fresh model is sure of wrong answers: loss {mean:.3f}, a uniform guess {uniform:.3f}")
    verdict: Verdict = "broken" if broken else "doubtful" if doubtful else "ok"
    return CheckResult(
        name="stability",
        verdict=verdict,
        title="the same from the same, and alike over seeds" if verdict == "ok" else "outputs are not stable",
        facts=(
            *facts,
            ("fresh loss", f"{mean:.3f} ± {spread:.3f} over {len(data)} seeds; a uniform guess has {uniform:.3f}"),
        ),
        problems=(*broken, *doubtful),
        data=tuple(data),
        picture=_draw(data, uniform) if math.isfinite(mean) else None,
    )


def _modes(model: nn.Module, ids: Tensor, *, causal: bool) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """What evaluation and training mode do, twice each."""
    problems = []
    model.eval()
    first, second = _run(model, ids, 1), _run(model, ids, 2)
    if _apart(first, second) > _TOLERANCE:
        problems.append("evaluation mode: two runs differ, so something random is left on")
    model.train()
    one, same, other = _run(model, ids, 1), _run(model, ids, 1), _run(model, ids, 2)
    if _apart(one, same) > _TOLERANCE:
        problems.append("training mode: two runs from one seed differ")
    model.eval()
    chance = "random, as with dropout" if _apart(one, other) > _TOLERANCE else "not random: no dropout"
    facts = [("evaluation", "repeats itself" if not problems else "does not repeat itself"), ("training", chance)]
    if causal and ids.shape[1] > 1:
        changed = ids.clone()
        changed[:, -1] = (changed[:, -1] + 1) % max(2, int(ids.max()) + 1)
        seen = _apart(first[:, :-1], _run(model, changed, 1)[:, :-1])
        if seen > _TOLERANCE:
            problems.append(f"not causal: the last token changes earlier logits (by {seen:.2g})")
        facts.append(("causal", "yes" if seen <= _TOLERANCE else "no"))
    return problems, tuple(facts)


def _run(model: nn.Module, ids: Tensor, seed: int) -> Tensor:
    with torch.no_grad(), seeded(seed):
        return logits_of(model(ids)).float()


def _apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max())


def _of_seed(subject: ModelSpec, ids: Tensor, seed: int) -> dict[str, Any]:
    logits = _run(subject.model(seed).eval(), ids, seed)
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), ids.roll(-1, dims=1).flatten())
    return {"seed": seed, "loss": loss.item(), "logits_mean": logits.mean().item(), "logits_std": logits.std().item()}


def _draw(data: list[dict[str, Any]], uniform: float) -> Picture:
    names = [str(row["seed"]) for row in data]
    with drawing(height=2.6, columns=2) as (figure, [left, right]):
        left.plot(names, [row["loss"] for row in data], "o", color=COLOURS[0])
        left.axhline(uniform, color=INK, linewidth=1, linestyle="--")
        left.annotate("uniform guess", (0, uniform), xytext=(2, 3), textcoords="offset points", size=8)
        low = min(uniform, *(row["loss"] for row in data))
        high = max(uniform, *(row["loss"] for row in data))
        left.set_ylim(low - 0.25 * (high - low + 0.1), high + 0.35 * (high - low + 0.1))
        left.set(xlabel="seed", ylabel="nats a token", title="Loss of a fresh model")
        right.errorbar(
            names,
            [row["logits_mean"] for row in data],
            [row["logits_std"] for row in data],
            fmt="o",
            color=COLOURS[1],
            capsize=3,
        )
        right.set(xlabel="seed", ylabel="logit", title="Its logits: mean and spread")
        return picture(figure, f"Loss of fresh models over {len(data)} seeds: {low:.2f} to {high:.2f}.")
