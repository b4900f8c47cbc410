"""What is added to an environment and proven there: it and the packages come into place together, or not at all."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootstrap.errors import KernelProofError
from tests.support import one_of
from tests.support.tiny_site import Site, leftovers, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

both = pytest.mark.parametrize("site", one_of("new", "update"), indirect=True)


@dataclass
class Mark:
    """Adds a file; has the environment refused where `why` is given."""

    text: str = "1"
    why: str = ""
    seen: list[Path] = field(default_factory=list)
    told: list[str | None] = field(default_factory=list)

    def present(self, prefix: Path) -> bool:
        file = prefix / "share/mark"
        return file.is_file() and file.read_text() == self.text

    @contextmanager
    def meanwhile(self, stage: Path) -> Iterator[Callable[[str | None], None]]:
        assert not any(stage.glob("conda-meta/*"))
        yield self.told.append
        assert stage.is_dir(), "it ends before the environment takes its place"

    def add(self, stage: Path) -> None:
        self.seen.append(stage)
        assert (stage / "conda-meta/condacolab-bootstrap").is_file(), "the packages are verified by then"
        beside = stage / "share/mark.new"
        beside.parent.mkdir(exist_ok=True)
        beside.write_text(self.text)
        beside.replace(stage / "share/mark")
        if self.why:
            raise KernelProofError(self.why)


@both
def test_they_come_into_place_with_the_packages(site: Site) -> None:
    mark = Mark()
    assert site.restore(additions=mark).action in ("created", "updated")
    assert mark.present(site.prefix)
    assert site.prefix not in mark.seen
    assert mark.told == [] or (len(mark.told) == len({*mark.told}) > 2 and mark.told[-1] is None), (
        "of every package once"
    )
    assert leftovers(site.prefix) == []


@both
def test_what_is_refused_leaves_everything_as_it_was(site: Site) -> None:
    before = snapshot(site.prefix)
    with pytest.raises(KernelProofError, match="no kernel"):
        site.restore(additions=Mark(why="no kernel"))
    assert snapshot(site.prefix) == before
    assert leftovers(site.prefix) == []
    assert site.restore(additions=Mark()).action in ("created", "updated")


def test_they_alone_have_changed(site: Site) -> None:
    """The packages agree: the environment is exchanged nevertheless, since what is added is proven as one with it."""
    site.restore(additions=Mark())
    with pytest.raises(KernelProofError):
        site.restore(additions=Mark("2", why="no kernel"))
    assert Mark().present(site.prefix)
    restored = site.restore(additions=Mark("2"))
    assert (restored.action, restored.fetched, restored.installed) == ("unchanged", 0, ())
    assert Mark("2").present(site.prefix)


def test_they_are_not_made_anew(site: Site) -> None:
    site.restore(additions=Mark())
    again = Mark()
    assert site.restore(additions=again).action == "unchanged"
    assert again.seen == []


_KILLED = """
import os, signal, sys
from contextlib import nullcontext
from pathlib import Path
from bootstrap.lock import read_lock
from bootstrap.prefix.transaction import restore

class Additions:
    def present(self, prefix): return False
    def meanwhile(self, stage): return nullcontext(print)
    def add(self, stage):
        (stage / "share").mkdir(exist_ok=True)
        (stage / "share/mark").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)

restore(read_lock(Path(sys.argv[1])), Path(sys.argv[2]), cache=Path(sys.argv[3]), additions=Additions())
"""


@both
def test_killed_while_it_is_proven(site: Site) -> None:
    before = snapshot(site.prefix)
    command = [sys.executable, "-c", _KILLED, site.lock(), site.prefix, site.cache]
    assert subprocess.run(list(map(str, command)), check=False).returncode == -signal.SIGKILL
    assert snapshot(site.prefix) == before
    assert site.restore(additions=Mark()).action in ("created", "updated")
    assert Mark().present(site.prefix)
    assert leftovers(site.prefix) == []
