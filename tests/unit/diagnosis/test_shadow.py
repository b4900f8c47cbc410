"""A metadata-only copy of an environment, and how it changes."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

from bootstrap.diagnosis.model import Dist
from bootstrap.diagnosis.shadow import Shadow
from tests.unit.diagnosis import built


def seen(shadow: Shadow) -> dict[str, str]:
    """What the standard library finds in it."""
    [site] = shadow.root.glob("lib/*/site-packages")
    return {d.metadata["Name"]: d.version for d in metadata.distributions(path=[str(site)])}


def test_it_describes_what_is_installed(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nno-index = true\n")
    folded = Dist(
        "Some.Name", "1.0", ("a >=1,\n  <2", "b; extra == 'x'"), ("x",), ">=3.8", {"url": "file:///x"}, "uv"
    )
    shadow = Shadow(built.target(prefix=tmp_path), [folded, Dist("plain", "2")])
    [site] = shadow.root.glob("lib/*/site-packages")
    found = metadata.Distribution.at(site / "Some_Name-1.0.dist-info")
    assert found.requires == ["a >=1, <2", "b; extra == 'x'"]
    assert found.metadata.get_all("Provides-Extra") == ["x"]
    assert found.metadata["Requires-Python"] == ">=3.8"
    assert found.read_text("INSTALLER") == "uv\n"
    assert json.loads(found.read_text("direct_url.json") or "") == {"url": "file:///x"}
    assert (shadow.root / "pip.conf").is_file(), "the environment's own settings of pip go along"
    assert (len(shadow), shadow.get("some_name"), shadow.get("none")) == (2, folded, None)
    shadow.close()
    assert not shadow.root.exists()


def test_it_changes_and_can_be_asked_what_if() -> None:
    shadow = Shadow(built.target(), [Dist("numpy", "2.0.2"), Dist("a", "1")])
    planned = [Dist("NumPy", "2.3.4"), Dist("b", "1")]
    assert sorted(str(d) for d in shadow.after(planned)) == ["NumPy 2.3.4", "a 1", "b 1"]
    assert seen(shadow) == {"numpy": "2.0.2", "a": "1"}, "nothing has changed yet"
    shadow.apply(planned)
    assert seen(shadow) == {"NumPy": "2.3.4", "a": "1", "b": "1"}
    assert (str(shadow.remove("A")), shadow.remove("a")) == ("a 1", None)
    assert seen(shadow) == {"NumPy": "2.3.4", "b": "1"}
    shadow.close()
