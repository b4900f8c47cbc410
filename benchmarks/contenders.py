"""Who is measured, and by which command.

Words in braces are filled in for each run: ``{work}`` is the contender's fresh place, ``{python}`` the
interpreter that runs this harness, ``{base}`` the one that the wheels are for, ``{uv}`` the uv command;
``{lock}``, ``{platform}``, ``{index}``, ``{host}`` and ``{requirements}`` come from the payload, ``{pack}``,
``{condapack}`` and ``{tarzst}`` are the payload in one file. ``{archives}``
as a word of its own becomes all archives.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FLOOR = ("floor", "extract")


@dataclass(frozen=True)
class Scenario:
    """One measured run.

    Attributes:
        name: Such as ``cold``.
        command: What is run and measured.
        counts: Glob in the fresh place; it has to find one path for each archive (or wheel) afterwards, so that
            nobody is measured for having done less.
        prepare: Run before, unmeasured.
    """

    name: str
    command: tuple[str, ...]
    counts: str
    prepare: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contender:
    """Scenarios that follow one another in one fresh place."""

    name: str
    scenarios: tuple[Scenario, ...]
    installs: str = "archives"
    """What it installs: ``archives`` or ``wheels``."""
    note: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


def _ours(name: str, prefix: str) -> Scenario:
    paths = ("--lock", "{lock}", "--prefix", f"{{work}}/{prefix}", "--cache", "{work}/cache")
    return Scenario(name, ("{python}", "-m", "bootstrap", "restore", *paths, "--json"), f"{prefix}/conda-meta/*.json")


def _shell(name: str, script: str) -> Scenario:
    return Scenario(name, ("sh", "-e", "-c", script), "env/conda-meta/*.json")


def _rattler(name: str, prefix: str) -> Scenario:
    arguments = ("{lock}", "{platform}", f"{{work}}/{prefix}", "{work}/cache")
    return Scenario(name, ("{python}", "-m", "benchmarks.rattler_install", *arguments), f"{prefix}/conda-meta/*.json")


def _wheels(name: str, venv: str, *command: str) -> Scenario:
    return Scenario(
        name,
        tuple(word.replace("{venv}", f"{{work}}/{venv}") for word in command),
        f"{venv}/lib/python3.*/site-packages/*.dist-info/METADATA",
        prepare=("{base}", "-m", "venv", "--without-pip", f"{{work}}/{venv}"),
    )


_UV = (
    *("{uv}", "pip", "install", "--quiet", "--no-progress", "--python", "{venv}/bin/python"),
    *("--cache-dir", "{work}/cache", "--index-url", "{index}", "--no-deps", "--require-hashes"),
    *("--requirement", "{requirements}"),
)
_PIP = (
    *("{python}", "-m", "pip", "--python", "{venv}/bin/python", "install", "--quiet", "--no-input"),
    *("--cache-dir", "{work}/cache", "--index-url", "{index}", "--trusted-host", "{host}", "--no-deps"),
    *("--no-compile", "--require-hashes", "--requirement", "{requirements}"),
)
_NO_PYTHON = "into a virtual environment made beforehand: installs no python and no conda records"

CONTENDERS = (
    Contender(
        "floor",
        (
            Scenario(
                "extract",
                ("{python}", "-m", "benchmarks.floor", "{work}/tree", "{archives}"),
                "tree/*/info/index.json",
            ),
        ),
        note="archives read from disk, decompressed on all cores and written; nothing else",
    ),
    Contender(
        "ours",
        (_ours("cold", "first"), _ours("warm", "second"), _ours("agreeing", "second")),
        note="cold: no cache; warm: filled cache, new prefix; agreeing: the same prefix again",
    ),
    Contender(
        "pack",
        (
            Scenario(
                "cold",
                (
                    *("{python}", "-m", "bootstrap", "restore", "--pack", "{pack}", "--prefix", "{work}/first"),
                    *("--cache", "{work}/cache", "--json"),
                ),
                "first/conda-meta/*.json",
            ),
        ),
        note="`bootstrap restore --pack` of a local pack, verified as always; no cache, no network",
    ),
    Contender(
        "conda-pack",
        (
            _shell(
                "cold",
                "mkdir {work}/env; cd {work}/env; tar -xf {condapack}; bin/python bin/conda-unpack",
            ),
        ),
        note="`tar x` and conda-unpack of conda-pack's uncompressed tar, four times a pack's size: verifies nothing",
    ),
    Contender(
        "tar.zst",
        (_shell("cold", "mkdir {work}/env; zstd -dcq {tarzst} | tar -x -C {work}/env"),),
        note="one tar.zst of the prefix: works at one path only, verifies nothing",
    ),
    Contender(
        "rattler", (_rattler("cold", "first"), _rattler("warm", "second")), note="py-rattler's install as it is"
    ),
    Contender(
        "uv",
        (_wheels("cold", "first", *_UV), _wheels("warm", "second", *_UV)),
        installs="wheels",
        note=_NO_PYTHON,
    ),
    Contender(
        "pip",
        (_wheels("cold", "first", *_PIP), _wheels("warm", "second", *_PIP)),
        installs="wheels",
        note=_NO_PYTHON,
    ),
)


def fill(command: Sequence[str], words: Mapping[str, str], archives: Sequence[str] = ()) -> list[str]:
    """A command with its words in braces filled in.

    Raises:
        KeyError: A word is not known.
    """
    filled: list[str] = []
    for word in command:
        filled.extend(archives if word == "{archives}" else [word.format_map(words)])
    return filled


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without the settings that would change an installer's work."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "UV_", "CONDA_", "RATTLER_", "PYTHON"))
        and not name.lower().endswith("_proxy")
    }
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **extra}
