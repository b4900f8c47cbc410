"""Parameter initialisation: how many, how large, and whether two layers started as copies of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from .figure import COLOURS, drawing, picture
from .result import CheckResult

if TYPE_CHECKING:
    from torch import nn

    from bootstrap.card import Verdict

    from .figure import Picture
    from .spec import ModelSpec

TINY, HUGE = 1e-4, 2.0
"""Standard deviation of a weight matrix outside of which signals die or blow up; an embedding's usual 1 is inside."""


def check_parameters(subject: ModelSpec) -> CheckResult:
    """Looks at a fresh model's parameters.

    Args:
        subject: The model.
    """
    model = subject.model()
    named = list(model.named_parameters())
    data = [_measure(name, parameter) for name, parameter in named]
    broken = [f"{row['parameter']}: {row['problem']}" for row in data if row["severity"] == "broken"]
    doubtful = [f"{row['parameter']}: {row['problem']}" for row in data if row["severity"] == "doubtful"]
    doubtful += _copies(named)
    count = sum(p.numel() for _, p in named)
    trained = sum(p.numel() for _, p in named if p.requires_grad)
    size = sum(p.numel() * p.element_size() for _, p in named)
    kinds = ", ".join(sorted({str(p.dtype).removeprefix("torch.") for _, p in named})) or "nothing"
    verdict: Verdict = "broken" if broken or not count else "doubtful" if doubtful else "ok"
    return CheckResult(
        name="parameters",
        verdict=verdict,
        title=f"{count:,} parameters, well initialised"
        if verdict == "ok"
        else f"{len(broken) + len(doubtful)} peculiarities in {count:,} parameters",
        facts=(
            ("parameters", f"{count:,} in {len(named)} tensors, {trained:,} of them trained"),
            (
                "size",
                f"{size / 1e6:.2f} MB as {kinds}",
            ),
        ),
        problems=(*broken, *doubtful),
        data=tuple(data),
        picture=_draw(named) if count else None,
    )


def _measure(name: str, parameter: nn.Parameter) -> dict[str, Any]:
    values = parameter.detach().float()
    row: dict[str, Any] = {
        "parameter": name,
        "shape": list(parameter.shape),
        "mean": values.mean().item(),
        "std": values.std(correction=0).item(),
        "severity": "",
        "problem": "",
    }
    if not bool(torch.isfinite(values).all()):
        return row | {"severity": "broken", "problem": "holds values that are not finite"}
    if parameter.ndim < 2:
        return row  # biases and gains start at a constant, rightly
    if row["std"] == 0:
        return row | {"severity": "doubtful", "problem": f"all its values are {row['mean']:g}"}
    if not TINY <= row["std"] <= HUGE:
        return row | {"severity": "doubtful", "problem": f"its standard deviation is {row['std']:.1e}"}
    return row


def _copies(named: list[tuple[str, nn.Parameter]]) -> list[str]:
    """Weights with equal values: layers that were copied, as ``nn.TransformerEncoder`` copies its one layer."""
    seen: dict[tuple[Any, ...], tuple[str, torch.Tensor]] = {}
    found = []
    for name, parameter in named:
        values = parameter.detach()
        if parameter.ndim < 2 or values.min() == values.max():
            continue
        # Only what agrees in shape and sum is compared value by value.
        key = (tuple(parameter.shape), values.double().sum().item())
        twin = seen.setdefault(key, (name, values))
        if twin[0] != name and torch.equal(twin[1], values):
            found.append(f"{name}: starts as a copy of {twin[0]}")
    return found


def _draw(named: list[tuple[str, nn.Parameter]]) -> Picture:
    weights = [(name, p.detach().float()) for name, p in named if p.ndim > 1][:40]
    with drawing(height=1.0 + 0.22 * max(len(weights), 3)) as (figure, [axes]):
        places = range(len(weights))
        for place, (_, values) in zip(places, weights, strict=True):
            quantiles = torch.tensor([0.01, 0.25, 0.5, 0.75, 0.99], device=values.device)
            low, lower, middle, upper, high = torch.quantile(_sample(values), quantiles).tolist()
            axes.plot([low, high], [place, place], color=COLOURS[0], linewidth=1.2)
            axes.plot([lower, upper], [place, place], color=COLOURS[0], linewidth=6, solid_capstyle="butt", alpha=0.7)
            axes.plot([middle], [place], "|", color=COLOURS[1], markersize=9, markeredgewidth=2)
        axes.set_yticks(places, [name.removesuffix(".weight") for name, _ in weights], size=8)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set(xlabel="value: median, middle half, 1st to 99th percentile")
        axes.set_title("Weights of a fresh model")
        return picture(figure, f"Spread of the values of {len(weights)} weights of a fresh model.")


def _sample(values: torch.Tensor) -> torch.Tensor:
    """At most a million values: more than torch.quantile takes, or anyone can see."""
    flat = values.flatten()
    return flat[:: max(1, flat.numel() // 1_000_000)]
