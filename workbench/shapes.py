"""Shape robustness: does the model take every batch size and length, and keep the rows of a batch apart?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from .figure import COLOURS, INK, drawing, picture
from .result import CheckResult
from .spec import logits_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .figure import Picture
    from .spec import ModelSpec

_TOLERANCE = 1e-3
"""How far logits may move for reasons of arithmetic alone: other batch, other order of summation."""


def check_shapes(
    subject: ModelSpec, *, batches: tuple[int, ...] = (1, 2, 3, 8), lengths: tuple[int, ...] | None = None
) -> CheckResult:
    """Runs the model on every combination, without gradients and in evaluation mode.

    Each answer must be finite logits of (batch, length, vocabulary). The first row of a batch must get the logits
    that it gets alone: a difference means that rows leak into each other, by a mean over the batch for instance.

    Args:
        subject: The model.
        batches: Batch sizes.
        lengths: Sequence lengths; from 1/16 of the context to all of it unless given.
    """
    lengths = subject.lengths(lengths)
    model = subject.model().eval()
    data = [_try(model, subject, batch, length) for length in lengths for batch in batches]
    problems = [f"batch {row['batch']}, length {row['length']}: {row['problem']}" for row in data if row["problem"]]
    good = len(data) - len(problems)
    return CheckResult(
        name="shapes",
        verdict="broken" if problems else "ok",
        title=f"{good} of {len(data)} shapes work" if problems else f"all {len(data)} shapes work",
        facts=(
            ("batches", ", ".join(map(str, batches))),
            ("lengths", ", ".join(map(str, lengths))),
            ("device", subject.hardware),
        ),
        problems=tuple(problems),
        data=tuple(data),
        picture=_draw(data, batches, lengths),
    )


def _try(model: nn.Module, subject: ModelSpec, batch: int, length: int) -> dict[str, Any]:
    ids = subject.tokens(batch, length)
    row: dict[str, Any] = {"batch": batch, "length": length, "problem": ""}
    try:
        with torch.no_grad():
            logits = logits_of(model(ids))
            row["problem"] = _fault(logits, (batch, length, subject.vocabulary))
            if not row["problem"]:
                # The first row alone, to compare with what it got in company.
                moved = (logits[:1] - logits_of(model(ids[:1]))).abs().max().item()
                if moved > _TOLERANCE:
                    row["problem"] = f"its first row gets other logits than alone (by {moved:.2g})"
    except Exception as error:
        # Whatever a model raises is the finding.
        row["problem"] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"
    return row


def _fault(logits: Tensor, shape: tuple[int, ...]) -> str:
    if tuple(logits.shape) != shape:
        return f"logits of {tuple(logits.shape)}, expected {shape}"
    if not bool(torch.isfinite(logits).all()):
        return "logits that are not finite"
    return ""


def _draw(data: list[dict[str, Any]], batches: tuple[int, ...], lengths: tuple[int, ...]) -> Picture:
    with drawing(width=1.2 + 0.8 * len(lengths), height=0.9 + 0.34 * len(batches)) as (figure, [axes]):
        for row in data:
            x, y = lengths.index(row["length"]), batches.index(row["batch"])
            good = not row["problem"]
            colour = COLOURS[2 if good else 4]
            axes.add_patch(_square(x, y, colour))
            axes.text(x, y, "works" if good else "fails", ha="center", va="center", color=INK, size=9)
        axes.set(xlim=(-0.5, len(lengths) - 0.5), ylim=(len(batches) - 0.5, -0.5))
        axes.set_xticks(range(len(lengths)), [str(n) for n in lengths])
        axes.set_yticks(range(len(batches)), [str(n) for n in batches])
        axes.set(xlabel="sequence length", ylabel="batch size")
        axes.grid(visible=False)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        bad = sum(bool(row["problem"]) for row in data)
        return picture(figure, f"Grid of batch sizes by lengths: {len(data) - bad} work, {bad} fail.")


def _square(x: int, y: int, colour: str) -> Any:
    from matplotlib.patches import FancyBboxPatch

    size = 0.84
    return FancyBboxPatch(
        (x - size / 2, y - size / 2),
        size,
        size,
        boxstyle="round,pad=0,rounding_size=0.08",
        facecolor=colour,
        edgecolor="none",
        alpha=0.35,
    )
