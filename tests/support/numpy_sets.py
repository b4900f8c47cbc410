"""Tiny packages that would move numpy or spare it, and what asking for them comes to.

One table for those who resolve it: pip and uv on an index of such wheels, and the resolver that unit tests use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support import wheels

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NUMPYS = ("1.26.4", "2.0.2", "2.3.4")
NUMPY = "2.0.2"
"""The installed one."""
USES_NUMPY = "import numpy\nimport numpy.rec, numpy.char\nfrom numpy.ma import masked\n"


@dataclass(frozen=True)
class Package:
    """One release of a tiny package."""

    name: str
    version: str
    requires: tuple[str, ...] = ()
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    code: str = ""
    source: bool = False
    """Whether there is only a source archive of it."""

    def write(self, folder: Path) -> None:
        """Makes its archive."""
        if self.source:
            wheels.make_sdist(folder, self.name, self.version, self.requires, code=self.code)
        else:
            wheels.make_wheel(folder, self.name, self.version, self.requires, extras=self.extras, code=self.code)


PACKAGES = (
    Package("stands-on", "1.0", ("numpy>=1.26",), code=USES_NUMPY),
    # alone
    Package("alone", "1.0", ("numpy<2.0",), code=USES_NUMPY),
    Package("newer", "1.0", ("numpy>=2.3",)),
    # a pair: the newest that each admits spares numpy, the newest that both admit doesn't
    Package("left", "1.0", ("shared!=3.0",)),
    Package("right", "1.0", ("shared<4",)),
    Package("shared", "4.0", ("numpy",)),
    Package("shared", "3.0", ("numpy",)),
    Package("shared", "2.0", ("numpy<2.0",)),
    # three: any two admit one that spares numpy, all three don't
    Package("one", "1.0", ("threefold!=2.0",)),
    Package("two", "1.0", ("threefold!=3.0",)),
    Package("three", "1.0", ("threefold!=4.0",)),
    Package("threefold", "4.0", ("numpy",)),
    Package("threefold", "3.0", ("numpy",)),
    Package("threefold", "2.0", ("numpy",)),
    Package("threefold", "1.0", ("numpy<2.0",)),
    # a deep path, an extra, a source archive, a downgrade of another package that brings numpy along
    Package("deep", "1.0", ("deeper>=1",)),
    Package("deeper", "1.5", ("deepest",)),
    Package("deepest", "0.9", ("numpy<2.0",)),
    Package("extra", "1.0", ("numpy",), extras={"old": ("numpy<2.0",)}),
    Package("from-source", "1.0", ("numpy<2.0",), source=True),
    Package("present", "2.0", ("numpy>=2.0",)),
    Package("present", "1.0", ("numpy<2.0",)),
    Package("downgrades", "1.0", ("present<2",)),
    # harmless
    Package("harmless", "1.0", ("numpy>=1.26", "stands-on")),
    Package("plain", "1.0"),
    Package("breaks-another", "1.0", ("companion<2",)),
    Package("companion", "2.0"),
    Package("companion", "1.0"),
    Package("needs-companion", "1.0", ("companion>=2", "numpy")),
    Package("conflicts", "1.0", ("companion==1.0",)),
    Package("impossible", "1.0", ("nowhere-to-be-found",)),
)

ENVIRONMENT = (f"numpy=={NUMPY}", "stands-on", "present==2.0", "needs-companion")
"""What is installed where these are asked for; ``companion`` comes along."""


@dataclass(frozen=True)
class Moving:
    """Requirements that would move numpy, and all that is to be said of it."""

    name: str
    asked: tuple[str, ...]
    culprits: tuple[str, ...]
    after: str
    path: str


MOVING = (
    Moving("alone", ("plain", "alone"), ("alone",), "1.26.4", "alone 1.0 -> numpy<2.0"),
    Moving("upgrade", ("newer", "harmless"), ("newer",), "2.3.4", "newer 1.0 -> numpy>=2.3"),
    Moving("itself", ("numpy<2", "plain"), ("numpy<2",), "1.26.4", "numpy<2"),
    Moving(
        "pair",
        ("plain", "left", "harmless", "right"),
        ("left", "right"),
        "1.26.4",
        "left 1.0 -> shared 2.0 -> numpy<2.0",
    ),
    Moving(
        "three",
        ("one", "plain", "two", "three"),
        ("one", "two", "three"),
        "1.26.4",
        "one 1.0 -> threefold 1.0 -> numpy<2.0",
    ),
    Moving("deep", ("deep",), ("deep",), "1.26.4", "deep 1.0 -> deeper 1.5 -> deepest 0.9 -> numpy<2.0"),
    Moving("extra", ("extra[old]",), ("extra[old]",), "1.26.4", "extra[old] 1.0 -> numpy<2.0"),
    Moving("sdist", ("from-source",), ("from-source",), "1.26.4", "from-source 1.0 -> numpy<2.0"),
    Moving("downgrade", ("downgrades",), ("downgrades",), "1.26.4", "downgrades 1.0 -> present 1.0 -> numpy<2.0"),
)

HARMLESS = (
    ("harmless",),
    ("plain",),
    ("extra",),
    ("left",),
    ("left", "harmless", "plain"),
    ("numpy>=1.26",),
    ("one", "two"),
)
