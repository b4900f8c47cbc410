"""A benchmark's medians as a bar chart: ``python -m benchmarks.plot RESULT.json docs/images/benchmark.svg``."""

from __future__ import annotations

import json
import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, LEFT, BAR, GAP, HEAD = 760, 170, 14, 4, 34
INK, FAINT = "#1f2328", "#57606a"
OURS, OTHERS = "#1a7f37", "#8c959f"


def draw(result: dict[str, Any]) -> str:
    """The chart: a panel for each medium, a bar for each contender's scenario, in seconds and times the floor.

    Args:
        result: What ``python -m benchmarks.restore`` wrote.

    Raises:
        KeyError: It is not such a result.
    """
    media: dict[str, list[dict[str, Any]]] = {}
    for run in result["medians"]:
        media.setdefault(run["medium"], []).append(run)
    longest = max(run["wall"] for run in result["medians"])
    parts: list[str] = []
    top = 0
    for medium, runs in media.items():
        parts.append(_text(LEFT, top + 22, medium, INK, 'font-weight="600"'))
        top += HEAD
        for run in sorted(runs, key=lambda run: run["wall"]):
            parts += _bar(run, top, longest)
            top += BAR + GAP
        top += GAP
    rounds = min(run["rounds"] for run in result["medians"])
    said = f"Seconds, medians of {rounds} rounds; in brackets: times the floor. {result['facts']['cores']} cores."
    parts.append(_text(LEFT, top + 14, said, FAINT))
    height = top + 26
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
                f'font-family="system-ui, sans-serif" font-size="12">'
            ),
            f"<title>{escape(said)}</title>",
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


def _bar(run: dict[str, Any], top: int, longest: float) -> list[str]:
    """The name, the bar and the figures of one scenario."""
    width = max(1.0, (WIDTH - LEFT - 110) * run["wall"] / longest)
    ratio = "" if run["ratio"] is None else f" ({run['ratio']:.2f})"
    name = f"{run['contender']} {run['scenario']}"
    colour = OURS if run["contender"] in ("ours", "pack") else OTHERS
    return [
        _text(LEFT - 8, top + 11, name, INK, 'text-anchor="end"'),
        f'<rect x="{LEFT}" y="{top}" width="{width:.1f}" height="{BAR}" fill="{colour}"/>',
        _text(LEFT + width + 6, top + 11, f"{run['wall']:.2f} s{ratio}", INK),
    ]


def _text(x: float, y: float, words: str, colour: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y}" fill="{colour}"{" " if more else ""}{more}>{escape(words)}</text>'


def main(arguments: Sequence[str]) -> None:
    """Writes the chart of one result."""
    source, target = arguments
    Path(target).write_text(draw(json.loads(Path(source).read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
