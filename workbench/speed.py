"""Inference speed: how long an answer takes, and how much that varies, over sequence length."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch

from bootstrap.errors import ModelSpecError

from .figure import COLOURS, drawing, picture
from .result import CheckResult

if TYPE_CHECKING:
    from torch import nn

    from .figure import Picture
    from .spec import ModelSpec

PERCENTILES = (10, 50, 90, 99)


def check_speed(
    subject: ModelSpec, *, batch: int = 1, lengths: tuple[int, ...] | None = None, runs: int = 50, warm_up: int = 5
) -> CheckResult:
    """Times the forward pass in evaluation mode, without gradients; the lengths take turns.

    Args:
        subject: The model.
        batch: Batch size.
        lengths: Sequence lengths; from 1/16 of the context to all of it unless given.
        runs: Timed runs of each length.
        warm_up: Runs before that, not counted.

    Raises:
        ModelSpecError: Fewer than two runs.
    """
    if runs < 2:
        raise ModelSpecError("Percentiles need at least two runs.", evidence=[f"runs={runs}"])
    lengths = subject.lengths(lengths)
    model = subject.model().eval()
    inputs = [subject.tokens(batch, length) for length in lengths]
    times: list[list[float]] = [[] for _ in lengths]
    with torch.inference_mode():
        # In turns: what disturbs the machine for a while then disturbs all lengths alike.
        for run in range(warm_up + runs):
            for ids, found in zip(inputs, times, strict=True):
                took = _time(model, ids, subject.device)
                if run >= warm_up:
                    found.append(took)
    data = [_row(batch, length, found) for length, found in zip(lengths, times, strict=True)]
    last = data[-1]
    return CheckResult(
        name="speed",
        verdict="info",
        title=f"{last['p50']:.2f} ms for {batch} x {last['length']} tokens: {last['tokens_per_second']:,.0f}/s",
        facts=(
            *((f"length {row['length']}", _percentiles(row)) for row in data),
            ("device", f"{subject.hardware}; {runs} runs each"),
        ),
        data=tuple(data),
        picture=_draw(data, batch),
    )


def _time(model: nn.Module, ids: torch.Tensor, device: str) -> float:
    """Milliseconds of one answer; a GPU is waited for."""
    on_gpu = device.startswith("cuda")
    if on_gpu:
        torch.cuda.synchronize(device)
    began = time.perf_counter()
    model(ids)
    if on_gpu:
        torch.cuda.synchronize(device)
    return (time.perf_counter() - began) * 1e3


def _row(batch: int, length: int, times: list[float]) -> dict[str, Any]:
    shares = torch.tensor([p / 100 for p in PERCENTILES], dtype=torch.float64)
    found = torch.quantile(torch.tensor(times, dtype=torch.float64), shares).tolist()
    row: dict[str, Any] = {"batch": batch, "length": length, "runs": len(times)}
    row |= {f"p{p}": value for p, value in zip(PERCENTILES, found, strict=True)}
    return row | {"tokens_per_second": batch * length / (row["p50"] / 1e3)}


def _percentiles(row: dict[str, Any]) -> str:
    return f"p50 {row['p50']:.2f}, p90 {row['p90']:.2f}, p99 {row['p99']:.2f} ms"


def _draw(data: list[dict[str, Any]], batch: int) -> Picture:
    lengths = [row["length"] for row in data]
    with drawing(height=2.8, columns=2) as (figure, [left, right]):
        left.fill_between(
            lengths,
            [row["p10"] for row in data],
            [row["p90"] for row in data],
            color=COLOURS[0],
            alpha=0.3,
            linewidth=0,
            label="10th to 90th percentile",
        )
        left.plot(lengths, [row["p99"] for row in data], ":", color=COLOURS[4], label="99th percentile")
        left.plot(lengths, [row["p50"] for row in data], "o-", color=COLOURS[0], label="median")
        # Room for the legend above the lines.
        left.set_ylim(0, 1.6 * max(row["p99"] for row in data))
        left.set(xlabel="sequence length", ylabel="ms", title=f"Time of one answer, batch {batch}")
        left.legend(loc="upper left", fontsize=8)
        right.plot(lengths, [row["tokens_per_second"] for row in data], "o-", color=COLOURS[2])
        right.set_ylim(bottom=0)
        right.set(xlabel="sequence length", ylabel="tokens a second", title="Throughput")
        last = data[-1]
        return picture(figure, f"Time over length: median {last['p50']:.2f} ms at {last['length']} tokens.")
