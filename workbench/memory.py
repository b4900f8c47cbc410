"""Memory footprint: what a training step holds, over sequence length."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from bootstrap.errors import ModelSpecError

from .figure import COLOURS, drawing, picture
from .result import CheckResult
from .spec import logits_of, seeded

if TYPE_CHECKING:
    from .figure import Picture
    from .spec import ModelSpec

_ADAM = 2
"""Tensors of a parameter's size that Adam keeps for it."""


def check_memory(subject: ModelSpec, *, batch: int = 8, lengths: tuple[int, ...] | None = None) -> CheckResult:
    """Counts the bytes of one training step with Adam, at several lengths.

    Weights, gradients and Adam's state are counted from the parameters; activations are what autograd really saves
    for the backward pass, each storage once. That is the same on every device. On a GPU the peak that its allocator
    saw is measured beside it.

    Args:
        subject: The model.
        batch: Batch size.
        lengths: Sequence lengths; from 1/16 of the context to all of it unless given.
    """
    lengths = subject.lengths(lengths)
    model = subject.model().train()
    data = [_measure(model, subject, batch, length) for length in lengths]
    first, last = data[0], data[-1]
    growth = None
    if len(data) > 1 and data[-2]["activations"]:
        halves = last["length"] / data[-2]["length"]
        growth = math.log(last["activations"] / data[-2]["activations"]) / math.log(halves)
    peak = [f"; the GPU's peak {_mb(last['peak'])}"] if last["peak"] is not None else []
    return CheckResult(
        name="memory",
        verdict="info",
        title=f"a step of {batch} x {last['length']} tokens holds {_mb(last['total'])}{''.join(peak)}",
        facts=(
            ("weights", f"{_mb(last['weights'])}, with gradients and Adam's state {_mb(_fixed(last))}"),
            ("activations", f"{_mb(first['activations'])} to {_mb(last['activations'])}"),
            *([("growth", f"doubling the length multiplies them by {2**growth:.1f}")] if growth is not None else []),
            ("device", subject.hardware),
        ),
        data=tuple(data),
        picture=_draw(data, batch),
    )


def _measure(model: nn.Module, subject: ModelSpec, batch: int, length: int) -> dict[str, Any]:
    parameters = list(model.parameters())
    own = {p.untyped_storage().data_ptr() for p in parameters}
    saved: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    on_gpu = subject.device.startswith("cuda")
    ids = subject.tokens(batch, length)
    model.zero_grad(set_to_none=True)
    if on_gpu:
        torch.cuda.synchronize(subject.device)
        torch.cuda.reset_peak_memory_stats(subject.device)
    try:
        with seeded(subject.seed), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            logits = logits_of(model(ids))
            loss = nn.functional.cross_entropy(logits.flatten(0, 1).float(), ids.flatten())
        if loss.requires_grad:
            loss.backward()
    except torch.cuda.OutOfMemoryError as error:
        raise ModelSpecError(
            "The GPU's memory is too small for this step.",
            evidence=[f"batch {batch}, length {length}: {str(error).splitlines()[0]}"],
            hint="Give a smaller `batch` or shorter `lengths`.",
        ) from error
    weights = sum(p.numel() * p.element_size() for p in parameters)
    trained = sum(p.numel() * p.element_size() for p in parameters if p.requires_grad)
    activations = sum(saved.values())
    row = {
        "batch": batch,
        "length": length,
        "weights": weights,
        "gradients": trained,
        "optimizer": _ADAM * trained,
        "activations": activations,
        "peak": torch.cuda.max_memory_allocated(subject.device) if on_gpu else None,
    }
    model.zero_grad(set_to_none=True)
    return row | {"total": _fixed(row) + activations}


def _fixed(row: dict[str, Any]) -> int:
    return int(row["weights"] + row["gradients"] + row["optimizer"])


def _mb(count: float) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def _draw(data: list[dict[str, Any]], batch: int) -> Picture:
    lengths = [row["length"] for row in data]
    parts = ("weights", "gradients", "optimizer", "activations")
    labels = ("weights", "gradients", "Adam's state", "activations")
    with drawing(height=3.0) as (figure, [axes]):
        axes.stackplot(
            lengths,
            [[row[part] / 1e6 for row in data] for part in parts],
            labels=labels,
            colors=[COLOURS[i] for i in (0, 2, 3, 1)],
            alpha=0.75,
        )
        if data[0]["peak"] is not None:
            axes.plot(lengths, [row["peak"] / 1e6 for row in data], "o-", color=COLOURS[4], label="the GPU's peak")
        axes.set_xlim(lengths[0], lengths[-1] if len(lengths) > 1 else lengths[0] + 1)
        axes.set_ylim(bottom=0)
        axes.set(xlabel="sequence length", ylabel="MB")
        axes.set_title(f"What a training step holds, {batch} sequences")
        handles, names = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], names[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5))
        last = data[-1]
        return picture(figure, f"Stacked areas over length: {_mb(last['total'])} at {last['length']} tokens.")
