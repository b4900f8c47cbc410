"""A metadata-only copy of an environment, and how it changes."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from bootstrap.diagnosis.metadata_env import MetadataEnvironment, importable
from bootstrap.diagnosis.model import Dist
from tests.unit.diagnosis import built


def seen(metadata_env: MetadataEnvironment) -> dict[str, str]:
    """What the standard library finds in it."""
    [site] = metadata_env.root.glob("lib/*/site-packages")
    return {d.metadata["Name"]: d.version for d in metadata.distributions(path=[str(site)])}


def test_it_describes_what_is_installed(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nno-index = true\n")
    folded = Dist(
        "Some.Name", "1.0", ("a >=1,\n  <2", "b; extra == 'x'"), ("x",), ">=3.8", {"url": "file:///x"}, "uv"
    )
    metadata_env = MetadataEnvironment(built.target(prefix=tmp_path), [folded, Dist("plain", "2")])
    [site] = metadata_env.root.glob("lib/*/site-packages")
    found = metadata.Distribution.at(site / "Some_Name-1.0.dist-info")
    assert found.requires == ["a >=1, <2", "b; extra == 'x'"]
    assert found.metadata.get_all("Provides-Extra") == ["x"]
    assert found.metadata["Requires-Python"] == ">=3.8"
    assert found.read_text("INSTALLER") == "uv\n"
    assert json.loads(found.read_text("direct_url.json") or "") == {"url": "file:///x"}
    assert (metadata_env.root / "pip.conf").is_file(), "the environment's own settings of pip go along"
    assert (len(metadata_env), metadata_env.get("some_name"), metadata_env.get("none")) == (2, folded, None)
    metadata_env.close()
    assert not metadata_env.root.exists()


def test_it_changes_and_can_be_asked_what_if() -> None:
    metadata_env = MetadataEnvironment(built.target(), [Dist("numpy", "2.0.2"), Dist("a", "1")])
    planned = [Dist("NumPy", "2.3.4"), Dist("b", "1")]
    assert sorted(str(d) for d in metadata_env.after(planned)) == ["NumPy 2.3.4", "a 1", "b 1"]
    assert seen(metadata_env) == {"numpy": "2.0.2", "a": "1"}, "nothing has changed yet"
    metadata_env.apply(planned)
    assert seen(metadata_env) == {"NumPy": "2.3.4", "a": "1", "b": "1"}
    assert (str(metadata_env.remove("A")), metadata_env.remove("a")) == ("a 1", None)
    assert seen(metadata_env) == {"NumPy": "2.3.4", "b": "1"}
    metadata_env.close()


def test_what_can_be_imported(tmp_path: Path) -> None:
    site, folder = tmp_path / "site-packages", tmp_path / "work"
    for place in (site, folder, site / "unowned"):
        place.mkdir()
    (folder / "mine.py").touch()
    (site / "cv2.abi3.so").touch()
    place = replace(built.target(Dist("numpy", "2.0.2"), Dist("scikit-learn", "1.5")), packages=(site,))
    with closing(MetadataEnvironment(place, place.dists)) as found:
        ask = importable(found, folder)
        assert [ask(name) for name in ("numpy.linalg", "sklearn", "json")] == [True] * 3
        assert [ask(name) for name in ("unowned", "mine", "cv2", "google.colab", "")] == [None] * 5
        assert ask("nowhere.at.all") is False
        assert importable(found)("nowhere") is None, "a freeze file tells of no files"
        (site / "distutils.pth").write_text("import os; x = 1\n# a comment\n")
        assert importable(found, folder)("nowhere") is False
        (site / "mine.pth").write_text("/content/mine\n")
        assert importable(found, folder)("nowhere") is None
