"""Gradient flow: does every parameter get a gradient, finite, and of a size that can be learned from?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from .figure import COLOURS, drawing, picture
from .result import CheckResult
from .spec import logits_of, seeded

if TYPE_CHECKING:
    from bootstrap.card import Verdict

    from .figure import Picture
    from .spec import ModelSpec

VANISHING = 1e-7
EXPLODING = 1e2
"""Root mean square of one parameter's gradient, for a mean loss, beyond which training is in danger."""


def check_gradients(subject: ModelSpec, *, batch: int = 8, length: int | None = None) -> CheckResult:
    """One backward pass of the next token's cross-entropy on a fresh model, in training mode.

    Args:
        subject: The model.
        batch: Batch size.
        length: Sequence length; the context unless given.
    """
    [length] = subject.lengths((length or subject.context,))
    model = subject.model().train()
    ids = subject.tokens(batch, length)
    with seeded(subject.seed):
        logits = logits_of(model(ids))
    loss = nn.functional.cross_entropy(logits.flatten(0, 1).float(), ids.roll(-1, dims=1).flatten())
    if loss.requires_grad:
        loss.backward()
    data = [_measure(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    broken = [f"{row['parameter']}: {row['problem']}" for row in data if row["severity"] == "broken"]
    doubtful = [f"{row['parameter']}: {row['problem']}" for row in data if row["severity"] == "doubtful"]
    sizes = [row["rms"] for row in data if row["rms"]]
    verdict: Verdict = "broken" if broken or not data else "doubtful" if doubtful else "ok"
    if not data:
        broken = ["the model has no trainable parameter"]
    return CheckResult(
        name="gradients",
        verdict=verdict,
        title=f"all {len(data)} parameters learn"
        if verdict == "ok"
        else f"{len(broken) + len(doubtful)} of {len(data)} parameters may not learn",
        facts=(
            ("loss", f"{loss.item():.3f}"),
            ("gradients", f"{min(sizes):.1e} to {max(sizes):.1e} (root mean square)" if sizes else "none"),
            ("input", f"{batch} sequences of {length}"),
        ),
        problems=(*broken, *doubtful),
        data=tuple(data),
        picture=_draw(data) if sizes else None,
    )


def _measure(name: str, parameter: nn.Parameter) -> dict[str, Any]:
    row: dict[str, Any] = {"parameter": name, "rms": None, "severity": "", "problem": ""}
    gradient = parameter.grad
    if gradient is None:
        return row | {"severity": "broken", "problem": "gets no gradient: the loss doesn't depend on it"}
    if not bool(torch.isfinite(gradient).all()):
        return row | {"severity": "broken", "problem": "its gradient is not finite"}
    row["rms"] = gradient.float().square().mean().sqrt().item()
    if row["rms"] == 0:
        return row | {"severity": "doubtful", "problem": "its gradient is zero everywhere"}
    if row["rms"] < VANISHING and parameter.ndim > 1:
        # A bias may well have next to none: a shift that the following layer cancels.
        return row | {"severity": "doubtful", "problem": f"its gradient vanishes ({row['rms']:.1e})"}
    if row["rms"] > EXPLODING:
        return row | {"severity": "doubtful", "problem": f"its gradient explodes ({row['rms']:.1e})"}
    return row


def _draw(data: list[dict[str, Any]]) -> Picture:
    measured = [row for row in data if row["rms"]]
    weights = [row for row in measured if not row["parameter"].endswith("bias")] or measured
    with drawing(height=1.0 + 0.22 * min(len(weights), 40)) as (figure, [axes]):
        shown = weights[:40]
        colours = [COLOURS[4] if row["problem"] else COLOURS[0] for row in shown]
        places = range(len(shown))
        smallest = min(row["rms"] for row in shown)
        axes.barh(places, [row["rms"] for row in shown], left=0, color=colours, height=0.72)
        axes.set_xscale("log")
        axes.set_xlim(left=smallest / 3)
        axes.set_yticks(places, [row["parameter"].removesuffix(".weight") for row in shown], size=8)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set(xlabel="gradient, root mean square")
        more = f", the first 40 of {len(weights)}" if len(weights) > 40 else ""
        axes.set_title(f"Gradient by weight, from input to output{more}")
        largest = max(row["rms"] for row in shown)
        return picture(figure, f"Bars of the gradient of each weight, from {smallest:.1e} to {largest:.1e}.")
