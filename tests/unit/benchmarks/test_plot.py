"""The chart of a result."""

from __future__ import annotations

from xml.etree import ElementTree

from benchmarks.plot import LEFT, OTHERS, OURS, WIDTH, draw

NAME = "{http://www.w3.org/2000/svg}"


def median(contender: str, wall: float, ratio: float | None, medium: str = "disk") -> dict[str, object]:
    return {
        "medium": medium, "contender": contender, "scenario": "cold", "wall": wall, "ratio": ratio, "rounds": 5,
    }  # fmt: skip


def test_bars_are_as_long_as_their_medians_and_none_leaves_the_picture() -> None:
    runs = [median("ours", 2.0, 1.25), median("pip <x>", 8.0, None), median("floor", 1.6, 1.0, "tmpfs")]
    root = ElementTree.fromstring(draw({"medians": runs, "facts": {"cores": 2}}))
    bars = [bar for bar in root.iter(f"{NAME}rect") if bar.get("x")]
    widths = [float(bar.get("width", "0")) for bar in bars]
    assert [bar.get("fill") for bar in bars] == [OURS, OTHERS, OTHERS]
    assert widths[1] / widths[0] == 4
    assert max(widths) + LEFT < WIDTH
    words = [text.text for text in root.iter(f"{NAME}text")]
    assert {"disk", "tmpfs", "ours cold", "2.00 s (1.25)", "pip <x> cold", "8.00 s"} <= set(words)
