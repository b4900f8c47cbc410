"""What is dear is made once, whoever asks and how often; what is half made is made anew."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.once import digest, made_once


def test_made_once_however_many_ask(tmp_path: Path) -> None:
    built = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "half").touch()
        time.sleep(0.05)
        (folder / "whole").touch()

    def ask(_: int) -> bool:
        return (made_once(tmp_path, "thing", digest(1), build) / "whole").exists()

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(8)))
    assert built == [tmp_path / f"thing-{digest(1)}"]
    made_once(tmp_path, "thing", digest(2), build)
    assert len(built) == 2, "of other inputs it is another one"


def test_what_failed_is_made_anew(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        made_once(tmp_path, "thing", "0", fail)
    found = made_once(tmp_path, "thing", "0", lambda folder: (folder / "whole").touch())
    assert [path.name for path in found.iterdir()] == ["whole"]


def test_what_was_not_used_for_a_week_goes(tmp_path: Path) -> None:
    old, young = (made_once(tmp_path, "thing", digest(n), lambda _: None) for n in (1, 2))
    other = made_once(tmp_path, "other", digest(1), lambda _: None)
    long_ago = time.time() - 8 * 24 * 3600
    for folder in (old, other):
        os.utime(folder, (long_ago, long_ago))
    made_once(tmp_path, "thing", digest(3), lambda _: None)
    assert (old.exists(), young.exists(), other.exists()) == (False, True, True)


def test_a_digest_tells_its_parts_apart() -> None:
    assert digest("a", "b") != digest("ab")
    assert digest(Path("/x"), 1) == digest("/x", "1")
