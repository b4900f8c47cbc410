"""Freeze files become environments."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from bootstrap.diagnosis.freeze import read_freeze
from bootstrap.diagnosis.index import Index
from bootstrap.diagnosis.settings import PipSettings
from bootstrap.errors import FreezeError, FreezePythonError, RequirementsNotFoundError
from bootstrap.progress import NullProgress
from tests.support import wheels
from tests.unit.diagnosis import built

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def read(folder: Path, text: str) -> dict[str, built.Dist]:
    (folder / "f.txt").write_text(text)
    index = Index(PipSettings(index=None, find_links=(str(folder),)), PYTHON, cache=folder)
    return {d.name: d for d in read_freeze(folder / "f.txt", built.target(), index, NullProgress())}


def test_every_line_with_its_metadata(tmp_path: Path) -> None:
    wheels.make_wheel(tmp_path, "numpy", "1.0")
    wheels.make_wheel(tmp_path, "uses", "2.0", ["numpy<2"])
    found = read(
        tmp_path,
        "# generated\nnumpy==1.0\nuses===2.0\ntorch==2.8.0+cu126 ; python_version > '3'\n"
        "google-colab @ file:///colabtools/dist/g.tar.gz\n",
    )
    assert found["uses"].requires == ("numpy<2",)
    assert (found["torch"].version, found["torch"].known) == ("2.8.0+cu126", False)
    assert (found["google-colab"].version, found["google-colab"].known) == ("0", False)
    assert found["numpy"].known


@pytest.mark.parametrize(
    ("address", "version"),
    [
        ("file:///colabtools/dist/google_colab-1.0.0.tar.gz", "1.0.0"),
        ("https://x.y/google_colab-1.1+a-py3-none-any.whl#sha256=1", "1.1+a"),
        ("git+https://github.com/googlecolab/colabtools@abc", "0"),
        ("file:///colabtools", "0"),
    ],
)
def test_a_version_in_an_archives_name(tmp_path: Path, address: str, version: str) -> None:
    [found] = [d for d in read(tmp_path, f"six==1\ngoogle-colab @ {address}\n").values() if d.key == "google-colab"]
    assert (found.version, found.known) == (version, False)


def test_what_google_colab_is_known_to_pin(tmp_path: Path) -> None:
    wheels.make_wheel(tmp_path, "ipykernel", "6.17.1")
    found = read(tmp_path, "ipykernel==6.17.1\ngoogle-colab @ file:///colabtools/dist/g.tar.gz\n")
    assert found["google-colab"].requires == ("ipykernel==6.17.1",)
    assert not found["google-colab"].known


@pytest.mark.parametrize("text", ["numpy>=2\nscipy\npandas\n", "", "<html>\n", "numpy==2.*\n"])
def test_files_that_are_no_freeze(tmp_path: Path, text: str) -> None:
    with pytest.raises(FreezeError):
        read(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RequirementsNotFoundError):
        read_freeze(tmp_path / "none.txt", built.target(), Index(PipSettings(index=None), PYTHON), NullProgress())


def test_numpy_has_no_wheel_for_this_python(tmp_path: Path) -> None:
    wheels.make_wheel(tmp_path, "numpy", "1.0").rename(tmp_path / "numpy-1.0-cp27-cp27m-manylinux1_x86_64.whl")
    with pytest.raises(FreezePythonError, match="another Python"):
        read(tmp_path, "numpy==1.0\n")


def test_packages_that_say_they_do_not_run_here(tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    for name in names:
        info = f"{name}-1.dist-info"
        text = wheels.metadata(name, "1") + "Requires-Python: <3\n"
        with zipfile.ZipFile(tmp_path / f"{name}-1-py3-none-any.whl", "w") as archive:
            archive.writestr(f"{info}/METADATA", text)
    lines = [f"{name}==1\n" for name in names]
    assert len(read(tmp_path, "".join(lines[:2]))) == 2, "odd ones occur"
    with pytest.raises(FreezePythonError) as caught:
        read(tmp_path, "".join(lines))
    assert "a 1 needs Python <3" in caught.value.evidence
