"""A freeze file stands for an environment; what an index doesn't answer is no verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap.diagnosis import SessionOptions, analyze_requirements
from bootstrap.errors import IndexUnreachableError
from bootstrap.progress import NullProgress
from tests.component.diagnosis.home import Home
from tests.support.numpy_sets import NUMPY


def test_an_index_out_of_reach_is_no_verdict(home: Home) -> None:
    options = ("--index-url", "http://127.0.0.1:9/simple", "--retries", "1")
    with pytest.raises(IndexUnreachableError):
        asked = SessionOptions(home.python, resolver="pip")
        analyze_requirements(["unheard-of"], asked, options=options, progress=NullProgress())


@pytest.mark.parametrize(
    "asked", [["alone"], pytest.param(["alone", "breaks-another"], marks=pytest.mark.exhaustive)], ids=" ".join
)
def test_a_freeze_file_stands_for_an_environment(home: Home, tmp_path: Path, asked: list[str]) -> None:
    freeze = tmp_path / "freeze.txt"
    text = home.pip("freeze").stdout
    freeze.write_text(f"# generated\n{text}private==1.0\ngoogle-colab @ file:///colabtools/dist/g.tar.gz\n")
    found = home.ask(asked, against=freeze)
    direct = home.ask(asked)
    assert found.environment.numpy == NUMPY
    assert set(found.environment.unknown) == {"private", "google-colab"}
    for one, other in zip((*found.alone, found.together), (*direct.alone, direct.together), strict=True):
        assert (one.changes, one.breakages, one.chain) == (other.changes, other.breakages, other.chain)
