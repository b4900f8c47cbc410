"""Colab machines on which `bootstrap.run()` is tried, and locks that they can restore."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.channel import ensure_channel
from tests.support.colab import USUAL, ColabRoot, find_python, skip_without
from tests.support.colab.layers import colab_layers, made_once
from tests.support.colab.root import lacking
from tests.support.colab.wheels import wheel_folders
from tests.support.locks_reduced import reduce_lock
from tests.support.once import digest
from tests.support.whole import local_lock, part_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTALL = "!pip install -qq condacolab-bootstrap\nassert not _exit_code"
SMALL = ("numpy", "pandas", "ipykernel", "ipython", "ipyparallel", "jupyter_server", "pip", "conda", "google-auth")
"""What a Colab kernel needs, without pytorch and its like: a few seconds to restore."""
SMALL += ("requests", "tornado", "httplib2", "matplotlib-base", "rich", "pyyaml", "tqdm")
SMALL += ("pillow", "ipython_genutils", "ipywidgets", "anywidget", "psygnal")


@dataclass(frozen=True)
class Material:
    """A channel and locks of it, as machines see them."""

    channel: Path
    locks: Path

    @property
    def binds(self) -> dict[str, Path]:
        return {"/var/channel": self.channel, "/var/locks": self.locks}


def cell(lock: str = "small", **options: object) -> str:
    """The first cell of a notebook, as template.ipynb has it."""
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    return f"{INSTALL}\nimport bootstrap; bootstrap.run(lock='/var/locks/{lock}.yml'{given})"


@pytest.fixture(scope="session")
def material() -> Material:
    return find_material()


def find_material() -> Material:
    """The local channel, the committed specification locked against it, and a part of that lock."""
    channel, whole = ensure_channel().path, local_lock()
    moved = (channel.as_uri(), "file:///var/channel")

    def build(folder: Path) -> None:
        reduce_lock(whole, folder / "full.yml", (), replace=moved)
        reduce_lock(whole, folder / "small.yml", SMALL, replace=moved)

    return Material(channel, made_once("locks", digest(whole, SMALL), build))


@pytest.fixture(scope="session")
def recent() -> Material:
    """The same for the committed locks' own Python, 3.13: only what a kernel needs, as there is no pytorch for it."""
    target = find_python("3.13")
    if target is None:
        lacking("this machine has no Python 3.13")
    channel, lock = part_lock(SMALL, target.executable)

    def build(folder: Path) -> None:
        reduce_lock(lock, folder / "small.yml", (), replace=(channel.file_url, "file:///var/channel"))

    return Material(channel.path, made_once("recent", digest(lock), build))


@pytest.fixture
def colab(material: Material) -> Iterator[ColabRoot]:
    """A new Colab machine."""
    with ColabRoot.start(binds=material.binds) as machine:
        yield machine


@pytest.fixture(scope="session")
def settled(material: Material) -> Path:
    """What `bootstrap.run()` wrote on a machine, as a layer for others."""

    def build(folder: Path) -> None:
        with ColabRoot.start(binds=material.binds) as machine:
            kernel = machine.kernel()
            kernel.execute(cell(), timeout=300).require()
            kernel.close()
            machine.stop_server()
            machine.save(folder / "layer")

    skip_without()
    target = find_python(USUAL)
    assert target is not None
    key = digest(*colab_layers(target), *wheel_folders(target).values(), material.locks)
    return made_once("settled", key, build) / "layer"


@pytest.fixture
def ready(material: Material, settled: Path) -> Iterator[ColabRoot]:
    """A machine on which `bootstrap.run()` has been."""
    with ColabRoot.start(binds=material.binds, layers=[settled]) as machine:
        yield machine
