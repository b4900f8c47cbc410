"""Figures for notebooks: drawn by matplotlib, shown as SVG that takes its text colour from the page.

A picture file has one background; a notebook has two themes. So lines and letters are drawn in a colour that stands
for the page's own, the background is left out, and the SVG goes into the page instead of beside it.
"""

from __future__ import annotations

import html
import io
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import NullFormatter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.axes import Axes

COLOURS = ("#3b82c4", "#d9822b", "#2f9e6e", "#b565c9", "#c94f4f", "#8a8f3c")
"""Told apart in light, in dark and by most colour-blind people: contrast of 3 or more with white and with #1e1e1e."""
INK = "#010203"
"""Stands for the page's text colour."""

_LEAST = 520
"""Pixels to which a figure of the usual width shrinks: its labels are then 8 pixels high, exponents 7."""

_STYLE = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.prop_cycle": mpl.cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "axes.titleweight": "bold",
    "figure.facecolor": "none",
    "font.size": 10,
    "grid.alpha": 0.35,
    "grid.color": "#808080",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "workbench",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


@dataclass(frozen=True)
class Picture:
    """A drawn figure, and what it shows in words."""

    svg: str
    """The ``<svg>`` element, its ink being the page's text colour."""
    alt: str
    """What it shows, for those who don't see it."""

    def _repr_html_(self) -> str:
        return f'<div style="max-width:56em;overflow-x:auto;color:inherit">{self.svg}</div>'

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": self.alt, "text/html": self._repr_html_()}

    def save(self, path: Path, *, ink: str = "#222222", paper: str = "#ffffff") -> None:
        """Writes an SVG file with colours of its own, for a page that it can't take them from."""
        path.write_text(self.svg.replace('style="', f'style="background:{paper};color:{ink};', 1), encoding="utf-8")


@contextmanager
def drawing(*, width: float = 7.2, height: float = 3.0, columns: int = 1) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure and its axes, side by side, in the style of all.

    Args:
        width: In inches.
        height: In inches.
        columns: How many axes.
    """
    with mpl.rc_context(_STYLE):
        # Not pyplot's: nothing is registered, and no backend of the notebook shows it a second time.
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots(1, columns, squeeze=False)
        yield figure, list(axes[0])


def picture(figure: Figure, alt: str) -> Picture:
    """The figure as it stands now.

    Args:
        figure: Drawn within `drawing`.
        alt: What it shows, in words.
    """
    with mpl.rc_context(_STYLE):
        out = io.StringIO()
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", bbox_inches="tight", pad_inches=0.05, metadata=metadata)
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = svg.replace(INK, "currentColor")
    size = 'style="width:100%;height:auto;min-width:{}px;max-width:{}px" role="img" aria-label="{}"'
    [width] = re.findall(r'^<svg [^>]*width="([\d.]+)pt"', svg)
    wide = round(float(width) * 4 / 3)
    # Without its fixed width and height the viewBox keeps the proportions, down to where its letters can just be
    # read; a narrower page scrolls it.
    svg = re.sub(r'(<svg [^>]*?)\s*width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg [^>]*?)\s*height="[^"]*"', r"\1", svg, count=1)
    svg = svg.replace("<svg ", "<svg " + size.format(min(wide, _LEAST), wide, html.escape(alt)) + " ", 1)
    return Picture(svg, alt)


def restyled(axes: Any, alt: str, *, width: float = 7.2, height: float = 3.6) -> Picture:
    """A plot that another library drew (optuna's ``visualization.matplotlib``), in the style of all.

    Args:
        axes: What that library returned: axes, or an array of them.
        alt: What it shows, in words.
        width: In inches.
        height: In inches.
    """
    import matplotlib.pyplot as plt

    first = axes if hasattr(axes, "figure") else axes.flat[0]
    figure = first.figure
    figure.set_size_inches(width, height)
    # No engine can lay out all of optuna's plots; what stands out is let into the picture by `picture`.
    figure.set_layout_engine("none")
    figure.patch.set_visible(False)
    # What is half transparent, or as dark or light as a page may be, would be lost in one of its themes.
    for line in figure.findobj(Line2D):
        line.set_alpha(1)
    for points in figure.findobj(PathCollection):
        points.set_edgecolor(INK)
    for one in figure.axes:
        one.set_facecolor("none")
        one.tick_params(colors=INK, which="both")
        for axis in (one.xaxis, one.yaxis):
            # Logarithmic axes label these too, one over the other.
            axis.set_minor_formatter(NullFormatter())
        if title := one.get_title():
            one.set_title("")
            one.set_title(title, loc="left", weight="bold", size="medium")
        for line in (*one.get_xgridlines(), *one.get_ygridlines()):
            line.set(color="#808080", alpha=0.35, linewidth=0.6)
        for spine in one.spines.values():
            spine.set_color(INK)
    for text in figure.findobj(Text):
        text.set_color(INK)
    for legend in [a.get_legend() for a in figure.axes if a.get_legend()] + figure.legends:
        legend.set_frame_on(False)
    drawn = picture(figure, alt)
    plt.close(figure)
    return drawn
